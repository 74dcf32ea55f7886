"""A digest of a request's content that does not depend on the boundary of its form."""

import hashlib
import json
import re
from array import array
from collections.abc import Iterable
from typing import Final

_BOUNDARY = re.compile(r""";\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70})(?=[\s;]|$))""", re.IGNORECASE)
"""A boundary has 1 to 70 characters (RFC 2046, section 5.1.1)."""

_LONGEST_MEDIA_TYPE: Final = 1_000


def delimiter_of(content_type: str) -> bytes:
    """Return the delimiter between the parts of a form; empty if the content has no usable boundary."""
    found = _BOUNDARY.search(content_type[:_LONGEST_MEDIA_TYPE])
    return b"" if found is None else f"--{found[1] or found[2]}".encode("latin-1")


def media_type_of(content_type: str) -> str:
    """Return the media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


class ContentDigest:
    """A digest of the pieces between delimiters, however the bytes are chunked.

    It covers all bytes except the delimiters, and the lengths of the pieces, so pieces that are cut elsewhere give
    another digest. The time is proportional to the number of bytes, even if they are all delimiters.
    """

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._rest = b""
        self._bytes = hashlib.sha256()
        self._lengths = hashlib.sha256()
        self._piece_length = 0

    def update(self, chunk: bytes) -> None:
        """Add the next bytes."""
        if not self._delimiter:
            self._bytes.update(chunk)
            return
        *pieces, last = (self._rest + chunk).split(self._delimiter)
        self._bytes.update(b"".join(pieces))
        lengths = array("Q", map(len, pieces))
        if lengths:
            lengths[0] += self._piece_length
            self._piece_length = 0
            self._lengths.update(lengths.tobytes())
        # The end may be the beginning of a delimiter.
        held = min(len(last), len(self._delimiter) - 1)
        self._take(last[: len(last) - held])
        self._rest = last[len(last) - held :]

    def hexdigest(self, others: Iterable[str]) -> str:
        """Return the digest of the content and of further strings that belong to the request."""
        self._take(self._rest)
        self._rest = b""
        end = array("Q", [self._piece_length]).tobytes()
        whole = [self._bytes.hexdigest(), self._lengths.hexdigest(), end.hex(), *others]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    def _take(self, content: bytes) -> None:
        self._bytes.update(content)
        self._piece_length += len(content)
