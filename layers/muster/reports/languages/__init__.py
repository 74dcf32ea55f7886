"""The languages of printed pages: one module each, with the same texts."""

from collections.abc import Iterable
from typing import Final

from muster.reports.language import WESTERN_DIGITS, Language
from muster.reports.languages.ar import ARABIC
from muster.reports.languages.de import GERMAN
from muster.reports.languages.en import ENGLISH
from muster.reports.languages.hi import HINDI

LANGUAGES: Final = {language.code: language for language in (ENGLISH, GERMAN, HINDI, ARABIC)}
"""By code."""


def language_of(tag: str) -> Language | None:
    """Return the language of a tag such as `de` or `ar-MA`; None if it is another one."""
    code, _, rest = tag.strip().replace("_", "-").partition("-")
    language = LANGUAGES.get(code.lower())
    if language is not None and language.code == "ar" and WESTERN_DIGITS & set(rest.upper().split("-")):
        return language.with_latin_digits()
    return language


def accepted_language(header: str) -> Language:
    """Return the first known language of a header `Accept-Language`, by its weights; English if there is none."""
    return next(filter(None, map(language_of, _ordered(header))), ENGLISH)


def _ordered(header: str) -> Iterable[str]:
    weighted = []
    for part in header.split(",")[:50]:
        tag, _, parameter = part.partition(";")
        weighted.append((_weight(parameter), tag.strip()))
    return (tag for weight, tag in sorted(weighted, key=lambda pair: -pair[0]) if weight > 0)


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
