"""Names as they are stored: visible characters only, in one form."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.domain.errors import InvalidRequest
from muster.services.roster.names import MAX_NAME, checked_name


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("  Ada \t Lovelace\r\n", "Ada Lovelace"),
        ("Anna\u00a0Berg", "Anna Berg"),
        ("Anna\u2028Berg", "Anna Berg"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("ප්\u200dරියංකා", "ප්\u200dරියංකා"),
        ("നവീന്\u200d ക", "നവീന് ക"),
        ("Zoe 👩\u200d🎓", "Zoe 👩\u200d🎓"),
        ("\u200cعلی\u200d", "علی"),
        ("An\u200cna", "Anna"),
        ("\u200fיעל\u200e כהן", "יעל כהן"),
        ("\ufeffAn\u00adna\u200b Berg\u2060", "Anna Berg"),
        ("\u202aAnna\u202c", "Anna"),
    ],
)
def test_a_name_keeps_what_spells_it_and_loses_what_nobody_sees(given_name: str, stored: str) -> None:
    assert checked_name(given_name) == stored


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("Ada\x07", r"a control character \(U\+0007\)"),
        ("Ada\x1cB", r"a control character \(U\+001C\)"),
        ("Ada\x85B", r"a control character \(U\+0085\)"),
        ("Ada\ufffd", "a lost letter"),
        ("Ada\ue000", r"an unknown character \(U\+E000\)"),
        ("", "Give the student's name"),
        ("\u200b \u200d", "Give the student's name"),
        ("A" * (MAX_NAME + 1), "201 characters"),
    ],
)
def test_a_refused_name_is_told_its_cause(name: str, cause: str) -> None:
    with pytest.raises(InvalidRequest, match=cause):
        checked_name(name)


@given(st.text(max_size=40))
def test_a_stored_name_is_stored_unchanged_again(name: str) -> None:
    try:
        stored = checked_name(name)
    except InvalidRequest:
        return
    assert checked_name(stored) == stored
    assert unicodedata.is_normalized("NFC", stored)
