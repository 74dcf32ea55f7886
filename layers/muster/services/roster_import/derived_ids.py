"""Ids made from what a school writes: class names, and student numbers with other characters."""

import re
import unicodedata
from hashlib import sha256

_MAX_ID = 64
_DIGEST = 8

# Letters that have no accent to take off.
_LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "ŋ": "n", "Ŋ": "N"}
)


def derived_id(text: str) -> str:
    """Return the id for a text that is none: `Year 7 B` is `Year-7-B`, `Bläser-7` is `Blaser-7`.

    Letters lose their accents, and everything else becomes hyphens. Where letters of other scripts are left out, eight
    characters of the text's SHA-256 take their place. Different texts can have one id; callers check for that.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_LETTERS))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    slug = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._-]+", "-", plain)).strip("-._")
    loses = any(not char.isascii() and char.isalnum() for char in plain)
    if not loses and 0 < len(slug) <= _MAX_ID:
        return slug
    digest = sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{slug[: _MAX_ID - _DIGEST - 1].rstrip('-._') or 'g'}-{digest}"
