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
    """Who set a mark: a photo, a person, or a planned absence when the session was opened."""

    PHOTO = "photo"
    MANUAL = "manual"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class MarkDetails:
    """What a mark says beside its status; see `Mark`."""

    code: str | None = None
    minutes_late: int | None = None
    remark: str = ""


NO_DETAILS = MarkDetails()
"""The details of marks that have only a status."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One student's status in one session.

    Attributes:
        marked_at: UTC.
        code: a code of the school's table with the same status; None means the table's default for the status.
        minutes_late: how late the student came, at least 1; None if nobody entered it.
        remark: free text about the student; personal data, erased with the student.
    """

    student_id: StudentId
    status: MarkStatus
    source: MarkSource
    marked_at: datetime
    code: str | None = None
    minutes_late: int | None = None
    remark: str = ""

    @property
    def details(self) -> MarkDetails:
        """What the mark says beside its status."""
        return MarkDetails(self.code, self.minutes_late, self.remark)


@dataclass(frozen=True, slots=True)
class LessonDetails:
    """The lesson of a session as the timetable had it when the session was opened.

    Attributes:
        teacher: name or id as the timetable has it; empty if unknown.
        starts_at, ends_at: UTC; a register may be opened a little earlier.
    """

    lesson_id: str
    subject: str = ""
    room: str = ""
    teacher: str = ""
    ends_at: datetime | None = None
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """The closing of a register: time (UTC) and user.

    Attributes:
        removal: the session is being removed, and closed so that nothing changes until it is gone.
    """

    at: datetime
    by: UserId
    removal: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One roll call of one group.

    Attributes:
        started_at: UTC.
        version: counts changes to its marks and faces, from 1.
        erased: how many marks of each status erased students had, so that the totals of the group stay right. Marks
            in review are not counted: nobody can answer their questions any more.
        lesson: the lesson of the timetable, if the session belongs to one.
        closed: set while the register is closed. Then no mark, photo or face changes.
    """

    id: SessionId
    group_id: GroupId
    started_at: datetime
    version: int = 1
    erased: Mapping[MarkStatus, int] = field(default_factory=dict)
    lesson: LessonDetails | None = None
    closed: Closing | None = None

    @property
    def is_closed(self) -> bool:
        """Whether a person closed the register, and it is not being removed."""
        return self.closed is not None and not self.closed.removal

    @property
    def begins_at(self) -> datetime:
        """The start of its lesson, before which a register can be opened, or its own start if it has no lesson; UTC."""
        return (None if self.lesson is None else self.lesson.starts_at) or self.started_at


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
        student_id: None once the student is erased; then the details and the reason are gone too.
        details_before, details_after: code, minutes and remark.
        reason: why the person changed the mark; empty if they gave none.
    """

    at: datetime
    by: UserId
    student_id: StudentId | None
    before: MarkStatus | None
    after: MarkStatus | None
    details_before: MarkDetails = NO_DETAILS
    details_after: MarkDetails = NO_DETAILS
    reason: str = ""


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


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """A person closed or reopened a register; storing it closes or reopens the session.

    Attributes:
        at: UTC.
        reason: why it was reopened.
        removal: closed because the session is being removed.
    """

    at: datetime
    by: UserId
    closed: bool
    reason: str = ""
    removal: bool = False


Change = MarkChange | FaceChange | PhotoChange | RegisterChange
