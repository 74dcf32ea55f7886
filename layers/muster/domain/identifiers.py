"""Identifiers as distinct types, and functions that parse them."""

import re
from typing import NewType
from uuid import uuid4

from muster.domain.errors import InvalidRequest

StudentId = NewType("StudentId", str)
GroupId = NewType("GroupId", str)
SessionId = NewType("SessionId", str)
PhotoId = NewType("PhotoId", str)
FaceId = NewType("FaceId", str)
PackId = NewType("PackId", str)
UploadId = NewType("UploadId", str)
UserId = NewType("UserId", str)

# Safe in a path, a key, a URL and a spreadsheet cell without escaping: no separator, no leading dot or sign.
_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _parse(text: str, what: str) -> str:
    if not _PATTERN.fullmatch(text):
        raise InvalidRequest(
            f"The {what} {text[:80]!r} is not valid: use 1 to 64 letters a-z, digits, dots, hyphens or underscores, "
            "starting with a letter or digit."
        )
    return text


def parse_student_id(text: str) -> StudentId:
    """Read a student id: 1 to 64 of `A-Za-z0-9._-`, kept as written (leading zeros too).

    Raises:
        InvalidRequest: the text is not an id.
    """
    return StudentId(_parse(text, "student id"))


def parse_group_id(text: str) -> GroupId:
    """Read a group id; the format is that of a student id.

    Raises:
        InvalidRequest: the text is not an id.
    """
    return GroupId(_parse(text, "group id"))


def parse_session_id(text: str) -> SessionId:
    """Read a session id; the format is that of a student id.

    Raises:
        InvalidRequest: the text is not an id.
    """
    return SessionId(_parse(text, "session id"))


def new_session_id() -> SessionId:
    """Return a new, unique session id."""
    return SessionId(uuid4().hex)


def parse_upload_id(text: str) -> UploadId:
    """Read an upload id; the format is that of a student id.

    Raises:
        InvalidRequest: the text is not an id.
    """
    return UploadId(_parse(text, "upload id"))


def new_upload_id() -> UploadId:
    """Return a new, unique upload id that cannot be guessed."""
    return UploadId(uuid4().hex)


def parse_user_id(text: str) -> UserId:
    """Read a user id; the format is that of a student id.

    Raises:
        InvalidRequest: the text is not an id.
    """
    return UserId(_parse(text, "user id"))
