"""One roll call and what it found."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId


class MarkStatus(StrEnum):
    """A student's status in a session."""

    PRESENT = "present"
    ABSENT = "absent"
    LATE = "late"
    EXCUSED = "excused"


class MarkSource(StrEnum):
    """Who set a mark: a photo or a person."""

    PHOTO = "photo"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Mark:
    """One student's status in one session; `marked_at` is UTC."""

    student_id: StudentId
    status: MarkStatus
    source: MarkSource
    marked_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One roll call of one group; `started_at` is UTC."""

    id: SessionId
    group_id: GroupId
    started_at: datetime


@dataclass(frozen=True, slots=True)
class SessionPhoto:
    """One photo of a session with its faces.

    Attributes:
        id: derived from the session and the photo's bytes, so that the same photo sent twice is one photo.
        digest: SHA-256 of the photo's bytes as sent, lower-case hexadecimal.
        width, height: pixels of the upright photo.
        pack, head: the models that decided; head is None where stage 1 decided alone.
        received_at: UTC.
    """

    id: PhotoId
    session_id: SessionId
    digest: str
    width: int
    height: int
    faces: tuple[IdentifiedFace, ...]
    pack: PackId
    head: int | None
    received_at: datetime
