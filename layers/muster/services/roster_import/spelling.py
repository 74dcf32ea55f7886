"""Spelling rules of languages: the evidence for the encoding of a text file.

A wrong encoding turns letters into symbols, capitals within words, or letters that no one language uses together. A
language is the set of letters that it has beyond a to z, and where its names allow it a pattern for their place.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """The spelling of one language.

    Attributes:
        letters: lower case, beyond a to z.
        pattern: what a word in lower case must match, if its letters alone say too little.
        latin: whether the letters stand among those from a to z.
    """

    letters: frozenset[str]
    pattern: re.Pattern[str] | None = None
    latin: bool = True

    def spells(self, word: str) -> bool:
        """Return whether the language can have a word of one or more letters beyond a to z."""
        # Lower case of `İ` would be two characters.
        lower = word.replace("İ", "i").lower()
        beyond = [char for char in lower if not char.isascii()]
        if not self.letters.issuperset(beyond):
            return False
        if self.latin and len(word) > 2 and len(beyond) == len(word):
            return False
        if not self.latin and any(char.isascii() and char.isalpha() for char in word):
            return False
        return self.pattern is None or self.pattern.fullmatch(lower if self.latin else word) is not None


def _latin(letters: str, pattern: str | None = None) -> Language:
    return Language(frozenset(letters), re.compile(pattern) if pattern else None)


def _other(first: str, last: str, more: str = "", pattern: str | None = None) -> Language:
    letters = frozenset(map(chr, range(ord(first), ord(last) + 1))) | frozenset(more)
    return Language(letters, re.compile(pattern) if pattern else None, latin=False)


WESTERN = (
    _latin("äöüß"),
    _latin("àâçéèêëîïôœùûü", r"(?:[^œ]|œ(?=[udi]))*"),  # French, Walloon
    _latin("áéíñóúü"),  # Spanish, Irish
    _latin("áâãàçéêíóôõú", r"(?:[^õ]|õ(?=e))*"),  # Portuguese, Galician
    _latin("àèéìòù", r"[^àèéìòù]+[àèéìòù]'?"),  # Italian
    _latin("àçéèíïòóúü", r"[^í]*|[^àè]*"),  # Catalan
    _latin("éèëïöü"),  # Dutch
    _latin("åäöéü"),  # Swedish, Finnish
    _latin("æøåéöäü", r"(?:[^æ]|æ(?!$))*"),  # Danish, Norwegian
)
"""Languages of Windows-1252, Mac Roman and IBM 850."""

WESTERN_RARE = (
    _latin("áéíóúýþæöð"),  # Icelandic
    _latin("áíóúýæøð"),  # Faroese
    _latin("šžäöõü"),  # Estonian
)

CENTRAL = (
    _latin("äöüß"),
    _latin("áčďéěíňóřšťúůýž"),  # Czech
    _latin("áäčďéíĺľňóôŕšťúýž"),  # Slovak
    _latin("ąćęłńóśźż"),  # Polish
    _latin("áéíóöőúüű"),  # Hungarian
    _latin("čćđšž"),  # Croatian, Slovene, Bosnian
    _latin("ăâîşţ"),  # Romanian, as Windows-1250 has it
)
TURKISH = (_latin("çğıiöşüâîû", r"(?:[^ğ]|(?<!^)ğ)*"),)
BALTIC = (_latin("ąčęėįšųūž"), _latin("āčēģīķļņšūž"), _latin("šžäöõü"))

_CYRILLIC_NAME = r"(?=.*[АЕЁИОУЫЭЮЯІЇЄаеёиоуыэюяіїє].*|..?$)[^а-яёіїєґ].*|.{1,2}"
CYRILLIC = (
    _other("а", "я", "ё", _CYRILLIC_NAME),  # Russian, Bulgarian
    _other("а", "я", "іїєґ'’", _CYRILLIC_NAME),  # Ukrainian
    _other("а", "ш", "ђјљњћџ", r"[^а-шђјљњћџ].*|.{1,2}"),  # Serbian, Macedonian
)
# Names begin with a capital and carry one accent, and the two forms of sigma have their places.
GREEK = (
    _other(
        "α", "ω", "άέήίόύώϊϋΐΰ", r"[Α-ΩΆΈΉΊΌΎΏ][^ςΑ-Ω]*[άέήίόύώΐΰ][^ςσΑ-Ω]*ς?|[Ά-Ώ][α-ρτ-ωϊϋ]*ς?|[Α-Ω]+|[^σς]{1,3}ς?"
    ),
)
HEBREW = (_other("א", "ת", pattern=r"[^ךםןףץ]*[ךםןףץ]?|.{1,3}"),)
ARABIC = (_other("ء", "ي", "ـپچژگکیےًٌٍَُِّْ"),)
THAI = (_other("ก", "๎"),)


def words(text: str) -> list[str]:
    """Return the words of a text that hold more than ASCII, without the punctuation around them."""
    found = re.findall(r"[^\s,;|\"()\[\]./\\&:+*@_0-9<>=\-]+", re.sub(r"(?<=\d)[ºª°]", "", text))
    stripped = (_inside(word) for word in found)
    return [word for word in stripped if not word.isascii()]


_QUOTES = "'’‘“”„‚«»‹›–—…·´`"
# D’Angelo, O’Brien, Ma’ruf: an apostrophe stands early in a name.
_APOSTROPHE = re.compile(r"(?<=^[^\W\d_])[’‘](?=[^\W\d_])|(?<=^[^\W\d_]{2})[’‘](?=[^\W\d_])|[’‘](?=s$)")


def _inside(word: str) -> str:
    return _APOSTROPHE.sub("'", word.strip(_QUOTES))


def is_cased_like_a_name(word: str) -> bool:
    """Return whether capitals stand where names have them, as far as letters beyond a to z are concerned."""
    for before, char, after in zip(" " + word, word, word[1:] + " ", strict=False):
        if char.isascii():
            continue
        if char.isupper() and before.islower():
            return False
        if char.islower() and before.isupper() and after.isupper() and char != "ß":
            return False
    return True
