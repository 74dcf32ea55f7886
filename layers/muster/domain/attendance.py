"""Sessions (roll calls), their photos and marks, and the changes that people made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId, UserId

MAX_PHOTOS = 10
"""Most photos in one request."""


class MarkStatus(StrEnum):
    """A student's status in a session.

    Only photos set `REVIEW`: a photo probably shows the student, and nobody has decided yet.
    """

    PRESENT = "present"
    ABSENT = "absent"
    LATE = "late"
    EXCUSED = "excused"
    REVIEW = "review"


STATUSES_BY_HAND = tuple(status for status in MarkStatus if status is not MarkStatus.REVIEW)
"""The statuses that a person can set."""


class MarkSource(StrEnum):
    """Who set a mark: a photo or a person."""

    PHOTO = "photo"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Mark:
    """One student's status in one session; `marked_at` is in UTC."""

    student_id: StudentId
    status: MarkStatus
    source: MarkSource
    marked_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One roll call of one group.

    Attributes:
        started_at: UTC.
        version: counts changes to its marks and faces, from 1.
        erased: how many marks of each status erased students had, so that the totals of the group stay right. Marks
            in review are not counted: nobody can answer their questions any more.
    """

    id: SessionId
    group_id: GroupId
    started_at: datetime
    version: int = 1
    erased: Mapping[MarkStatus, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionPhoto:
    """One photo of a session with its faces.

    Attributes:
        id: derived from the session and the photo's bytes, so that the same photo sent twice is one photo.
        digest: SHA-256 of the photo's bytes as sent, lower-case hexadecimal.
        width, height: pixels of the upright photo.
        pack, head: the models that decided; head is None if stage 1 decided alone.
        received_at: UTC.
        turned: degrees clockwise by which the stored photo is turned before it is read and shown: 0, 90, 180 or 270.
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
    turned: int = 0


@dataclass(frozen=True, slots=True)
class RollCall:
    """A session with its marks, ordered by student id."""

    session: Session
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class MarkChange:
    """A person set a mark; `before` is None if there was none, `after` is None if it was removed.

    Attributes:
        at: UTC.
        student_id: None once the student is erased.
    """

    at: datetime
    by: UserId
    student_id: StudentId | None
    before: MarkStatus | None
    after: MarkStatus | None


@dataclass(frozen=True, slots=True)
class FaceChange:
    """A person named the student of a face, or decided that it is nobody of this group.

    Attributes:
        at: UTC.
        before, after: the decision and the student named, if any; the id is also None once the student is erased.
        learned: whether the named student's template learned from the face.
    """

    at: datetime
    by: UserId
    face_id: FaceId
    before: tuple[Decision, StudentId | None]
    after: tuple[Decision, StudentId | None]
    learned: bool = False


@dataclass(frozen=True, slots=True)
class PhotoChange:
    """A person removed a photo from a session; its marks changed with it.

    Attributes:
        at: UTC.
    """

    at: datetime
    by: UserId
    photo_id: PhotoId


Change = MarkChange | FaceChange | PhotoChange
