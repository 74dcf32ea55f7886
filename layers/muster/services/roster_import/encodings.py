"""Detection of a text file's encoding by the spelling of its words; see docs/rosters.md."""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from muster.domain.errors import EncodingUnclear, InvalidRequest, UnsupportedTable
from muster.services.roster_import import spelling
from muster.services.roster_import.findings import shorten

WESTERN_DEFAULT = "windows-1252"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ALLOWED = re.compile(
    r"utf-?(?:8(?:-sig)?|16(?:-?[lb]e)?|32(?:-?[lb]e)?)|ascii|(?:windows-?|cp)(?:125[0-8]|437|775|85[0-8]|86\d|874|932|949|950)"
    r"|iso-?8859-?\d{1,2}|latin-?\d{1,2}|mac-?(?:roman|cyrillic|greek|turkish|latin2|centeuro|iceland|romanian|croatian)"
    r"|koi8-?[ru]|shift-?jis|euc-?(?:jp|kr)|gb(?:2312|k|18030)|big5|hz|iso-?2022-?jp"
)
# A text may hold this share of words that no language of its encoding explains.
_MAX_UNEXPLAINED = 0.05
_SAMPLES = 2
# So much is judged of a large file.
_MAX_WORDS = 5_000
_MAX_WORD = 60
_MAX_LINE = 10_000


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, the encoding it was read in, and whether that was found by what it spells."""

    text: str
    encoding: str
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    encoding: str
    explains: Callable[[str], bool]


def _spelt(encoding: str, *languages: spelling.Language) -> _Candidate:
    return _Candidate(
        encoding,
        lambda word: spelling.is_cased_like_a_name(word) and any(language.spells(word) for language in languages),
    )


def _ideographs(encoding: str, common: str, start: int, end: int, kana: str = "") -> _Candidate:
    """Words of the characters in everyday use, whose bytes in `common` begin with `start` to `end`."""

    def is_common(char: str) -> bool:
        if re.fullmatch(kana, char):
            return True
        coded = char.encode(common, "ignore")
        return len(coded) == 2 and start <= coded[0] <= end

    return _Candidate(encoding, lambda word: all(map(is_common, word)))


def _spelt_with_small_letters(encoding: str, *languages: spelling.Language) -> _Candidate:
    # KOI8 has its capitals where Windows-1255 has the Hebrew letters, which are far more common.
    spelt = _spelt(encoding, *languages)
    return _Candidate(encoding, lambda word: not word.isupper() and spelt.explains(word))


_WESTERN = (*spelling.WESTERN, *spelling.WESTERN_RARE)
_CANDIDATES = (
    _spelt(WESTERN_DEFAULT, *_WESTERN),
    _spelt("mac-roman", *spelling.WESTERN),
    _spelt("windows-1250", *spelling.CENTRAL),
    _spelt("windows-1254", *spelling.TURKISH),
    _spelt("windows-1257", *spelling.BALTIC),
    _spelt("windows-1251", *spelling.CYRILLIC),
    _spelt_with_small_letters("koi8-u", *spelling.CYRILLIC),
    _spelt("windows-1253", *spelling.GREEK),
    _spelt("windows-1255", *spelling.HEBREW),
    _spelt("windows-1256", *spelling.ARABIC),
    _spelt("windows-874", *spelling.THAI),
    _spelt("ibm850", *spelling.WESTERN),
    # The everyday characters: the first level of JIS X 0208 and of Big5, both of GB 2312, the syllables of KS X 1001.
    _ideographs("shift-jis", "shift_jis", 0x88, 0x98, "[ぁ-ヿ々〆]"),
    _ideographs("euc-jp", "euc_jp", 0xB0, 0xCF, "[ぁ-ヿ々〆]"),
    _ideographs("gb18030", "gb2312", 0xB0, 0xF7, "·"),
    _ideographs("big5", "big5", 0xA4, 0xC6),
    _ideographs("euc-kr", "euc_kr", 0xB0, 0xC8),
)
_CODECS = {"mac-roman": "mac_roman", "windows-874": "cp874", "ibm850": "cp850", "shift-jis": "cp932", "euc-kr": "cp949"}
_COMMON = _spelt(WESTERN_DEFAULT, *spelling.WESTERN)


def decode(content: bytes, encoding: str | None = None) -> Decoded:
    """Decode a text file, in the encoding named or, without one, in the one found.

    A byte order mark or valid UTF-8 decides at once. Of older encodings the one is taken in which names are spelt as
    some language spells them.

    Raises:
        InvalidRequest: the encoding named is unknown, or the file is not in it.
        EncodingUnclear: the file can be read in several ways, or in none.
        UnsupportedTable: it is no text.
    """
    # Old programs end a text file with U+001A.
    content = content.rstrip(b"\x1a")
    if encoding is not None:
        return _decoded_as(content, encoding)
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return _decoded_as(content, codec)
    if b"\0" in content:
        return _unmarked_utf16(content)
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _guessed(content)


def _decoded_as(content: bytes, encoding: str) -> Decoded:
    name = encoding.strip().lower().replace("_", "-")
    name = re.sub(r"^ibm-?(?=\d)", "cp", name)
    if not _ALLOWED.fullmatch(name):
        raise InvalidRequest(
            f"The encoding {shorten(encoding)!r} is unknown: name one such as utf-8, windows-1254 or shift-jis."
        )
    codec = _CODECS.get(name, name.replace("windows-", "cp"))
    try:
        text = content.decode("utf-8-sig" if codec == "utf-8" else codec)
    except LookupError as error:
        raise InvalidRequest(f"The encoding {shorten(encoding)!r} is unknown.") from error
    except UnicodeError as error:
        raise InvalidRequest(f"The file is not in the encoding {name}: name another, or save it as UTF-8.") from error
    if "\0" in text:
        raise UnsupportedTable(NO_TABLE)
    return Decoded(text.removeprefix("\ufeff"), name.removesuffix("-sig"))


NO_TABLE = "The roster is neither CSV nor XLSX: save it from the spreadsheet as one of them."


def _unmarked_utf16(content: bytes) -> Decoded:
    even, odd = content[::2].count(0), content[1::2].count(0)
    # Titles, digits and separators have a zero in one half of their two bytes, and always in the same.
    for zeros, others, codec in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros > 4 * others and zeros * 20 > len(content):
            try:
                text = content.decode(codec)
            except UnicodeDecodeError:
                break
            if "\0" not in text:
                return Decoded(text, codec)
    raise UnsupportedTable(NO_TABLE)


def _guessed(content: bytes) -> Decoded:
    readings = list(_readings(content))
    if not readings:
        raise UnsupportedTable(NO_TABLE)
    plausible = [reading for reading in readings if reading.unexplained <= _MAX_UNEXPLAINED * len(reading.words)]
    is_old_mac = b"\r" in content and b"\n" not in content
    for reading in plausible:
        if len(plausible) == 1 or (is_old_mac and reading.encoding == "mac-roman"):
            return Decoded(reading.text, reading.encoding, guessed=True)
        if reading.encoding == WESTERN_DEFAULT and all(map(_COMMON.explains, reading.words)):
            return Decoded(reading.text, reading.encoding, guessed=True)
    shown = plausible or sorted(readings, key=lambda reading: reading.unexplained)[:3]
    ways = "; ".join(f"{reading.encoding}: {reading.sample()}" for reading in shown)
    raise EncodingUnclear(
        f"The file is not UTF-8, and can be read in more than one way: {ways}. Name the encoding that spells the names "
        "right (--encoding, or the field encoding), or save the file as UTF-8."
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    encoding: str
    text: str
    words: tuple[str, ...]
    unexplained: int

    def sample(self) -> str:
        lines = list(islice(_telling_lines(self.text), _SAMPLES)) or [self.text]
        return " / ".join(shorten(line.strip()) for line in lines)


def _readings(content: bytes) -> Iterator[_Reading]:
    texts: set[str] = set()
    for candidate in _CANDIDATES:
        try:
            text = content.decode(_CODECS.get(candidate.encoding, candidate.encoding.replace("windows-", "cp")))
        except UnicodeDecodeError:
            continue
        if text in texts or any(unicodedata.category(char) == "Cc" and char not in "\t\r\n\v\f" for char in set(text)):
            continue
        texts.add(text)
        words = tuple(islice(chain.from_iterable(map(spelling.words, _telling_lines(text))), _MAX_WORDS))
        unexplained = sum(len(word) > _MAX_WORD or not candidate.explains(word) for word in words)
        yield _Reading(candidate.encoding, text, words, unexplained)


def _telling_lines(text: str) -> Iterator[str]:
    """Yield the lines that hold more than ASCII, the first line last: it mostly holds titles in small letters."""
    lines = (found[0] for found in re.finditer(r"[^\r\n]+", text))
    first = next(lines, "")
    for line in chain(lines, [first]):
        if not line.isascii():
            yield line[:_MAX_LINE]
