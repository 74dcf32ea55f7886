"""Printed pages in the reader's language: every text in every language, directions, digits and dates."""

import re
from datetime import date

import pytest

from muster.domain.codes import DEFAULT_TABLE
from muster.reports.breakdown import Dimension, break_down
from muster.reports.day import DayState
from muster.reports.html_page import html_page
from muster.reports.language import Language
from muster.reports.languages import LANGUAGES, accepted_language, language_of
from muster.reports.languages.ar import ARABIC
from muster.reports.languages.de import GERMAN
from muster.reports.languages.en import ENGLISH
from muster.reports.listings import breakdown_listing
from tests.unit.reports import term

OTHERS = [GERMAN, pytest.param(LANGUAGES["hi"], id="hi"), pytest.param(ARABIC, id="ar")]


def forms(language: Language, key: str) -> dict[str, str]:
    text = language.texts[key]
    return {"other": text} if isinstance(text, str) else dict(text)


def words_of(page: str) -> str:
    return re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", page)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.code)
def test_every_language_has_every_text_with_its_values(language: Language) -> None:
    assert language.texts.keys() == ENGLISH.texts.keys()
    for key in ENGLISH.texts:
        wanted = set(re.findall(r"{(\w+)}", forms(ENGLISH, key)["other"]))
        for text in forms(language, key).values():
            found = set(re.findall(r"{(\w+)}", text))
            # One of something may be said without the number.
            assert found in (wanted, wanted - {"count"}), (language.code, key)
            assert text.strip() or key == "minutes_late"
    assert (len(language.weekdays), len(language.weekdays_short), len(language.months_short)) == (7, 7, 12)
    assert len(language.digits) == 10
    for dimension in Dimension:
        assert language.has(f"breakdown.{dimension.value}")
        assert language.has(f"table.By {dimension.value}")
        assert language.has(f"column.{dimension.value}")
    for state in DayState:
        assert language.has(f"state.{state.value}")
    for code in DEFAULT_TABLE.codes:
        assert language.status(code.status)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr, hi;q=0.4, ar;q=0.8", "ar"),
        ("fr;q=0.9", "en"),
        ("de;q=0, hi;q=0.1", "hi"),
        ("de;q=nonsense,en", "en"),
        ("*", "en"),
        ("," * 10_000, "en"),
    ],
)
def test_the_language_is_the_first_known_one_that_the_reader_accepts(header: str, code: str) -> None:
    assert accepted_language(header).code == code


def test_arabic_has_the_digits_of_its_region() -> None:
    for tag, shown in (("ar", "٠٩/٠٧/٢٠٢٦"), ("ar-EG", "٠٩/٠٧/٢٠٢٦"), ("ar-MA", "09/07/2026"), ("ar_DZ", "09/07/2026")):
        language = language_of(tag)
        assert language is not None
        assert language.date(date(2026, 7, 9)) == shown
    assert language_of("fr") is None
    assert ARABIC.percentage(0.925) == "٩٢٫٥٪"
    assert GERMAN.percentage(0.925) == "92,5\u00a0%"
    assert GERMAN.percentage(1) == "100\u00a0%"


def test_a_report_is_written_in_the_language_and_direction_of_the_reader() -> None:
    report = term({"s1": "PLAE", "s2": "?  A"}, names={"s1": "Ada", "s2": "Alan"})
    german, arabic = html_page(report, GERMAN), html_page(report, ARABIC)
    assert '<html lang="de" dir="ltr">' in german
    assert "nicht auf der Liste" in german
    assert "Anwesenheit" in german
    assert '<html lang="ar" dir="rtl">' in arabic
    assert "<bdi>Ada</bdi> <small>s1</small>" in arabic
    for page in (german, arabic):
        words = words_of(page)
        assert not re.search(r"\b(?:attendance|Rate|Student|absent|sessions|not taken)\b", words)
    assert html_page(report) == html_page(report, ENGLISH)


@pytest.mark.parametrize("language", OTHERS)
def test_tables_are_translated_on_the_page_and_stay_english_in_files(language: Language) -> None:
    found = break_down(term({"s1": "PLAE"}, names={"s1": "Ada"}), Dimension.WEEKDAY)
    page, english = breakdown_listing(found, language).html(), breakdown_listing(found)
    words = words_of(page)
    assert not re.search(r"\b(?:[Aa]ttendance|Weekday|Students?|Present|Sessions|Mon|Monday)\b", words), words
    assert english.csv().decode("utf-8-sig").startswith("weekday,sessions,not_taken,present")
