"""Normalisation and checks of the names of students and groups."""

import re
import unicodedata

from muster.domain.errors import InvalidRequest

MAX_NAME = 200

# Zero-width joiners belong to the spelling of Persian, Sinhala and Malayalam names, and of many emoji. Every other
# format character is invisible: soft hyphens, byte order marks, marks of direction.
_JOINERS = "\u200c\u200d"
# At the ends of words, and in Latin script, they change nothing.
_STRAY_JOINERS = re.compile(f"(?<![^\\s{_JOINERS}A-Za-z\u00c0-\u024f])[{_JOINERS}]+|[{_JOINERS}]+(?=\\s|$)")
_LINE_ENDS = "\t\n\v\f\r\u2028\u2029"
_LOST = "\ufffd"


def clean_name(name: str) -> str:
    """Return a name in Unicode's composed form, with single spaces and without invisible characters.

    Joiners stay between letters. Control characters stay as well: `checked_name` refuses them.
    """
    text = unicodedata.normalize("NFC", "".join(" " if char in _LINE_ENDS else char for char in name))
    text = "".join(char for char in text if char in _JOINERS or unicodedata.category(char) != "Cf")
    text = _STRAY_JOINERS.sub("", text)
    # Not `str.split()`: it takes the control characters U+001C to U+001F for spaces.
    return re.sub(r"[^\S\x1c-\x1f\x85]+", " ", text).strip(" ")


def checked_name(name: str, whose: str = "student") -> str:
    """Return a name in the form that is stored; see `clean_name`.

    Raises:
        InvalidRequest: the name is empty, too long, or contains a character that is not text.
    """
    name = clean_name(name)
    if not name:
        raise InvalidRequest(f"Give the {whose}'s name.")
    if len(name) > MAX_NAME:
        raise InvalidRequest(f"The {whose}'s name has {len(name)} characters. Shorten it to {MAX_NAME}.")
    for char in name:
        if char == _LOST:
            raise InvalidRequest(
                f"The {whose}'s name contains U+FFFD, which stands for a lost letter. Type the letter again."
            )
        category = unicodedata.category(char)
        if category in {"Cc", "Cs", "Co", "Cn"}:
            kind = {"Cc": "a control character", "Cs": "half of a character"}.get(category, "an unknown character")
            raise InvalidRequest(f"The {whose}'s name contains {kind} (U+{ord(char):04X}): remove it.")
    return name
