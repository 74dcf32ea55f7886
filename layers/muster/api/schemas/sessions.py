"""Sessions, and the changes that people make in them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from muster.api.schemas.roll_call import FaceDocument, MarkDocument
from muster.domain.attendance import (
    Change,
    LessonDetails,
    MarkChange,
    MarkDetails,
    MarkStatus,
    PhotoChange,
    RegisterChange,
)
from muster.domain.corrections import MAX_MINUTES_LATE, MAX_REMARK
from muster.domain.faces import Decision
from muster.domain.identifiers import FaceId, StudentId, UserId
from muster.services.codes.tables import WantedMark
from muster.services.roll_call.sessions import SessionDetail, SessionOverview

MAX_MARKS = 500
"""In one request; no class is larger."""


class NewSession(BaseModel):
    """A session to open before its photos."""

    model_config = ConfigDict(extra="forbid")

    group_id: str = Field(examples=["7b"])
    session_id: str | None = Field(
        default=None, description="If left out, a new id is made.", examples=["7b-2026-09-01"]
    )
    started_at: AwareDatetime | None = Field(
        default=None,
        description="With its offset from UTC; by default the time of the request.",
        examples=["2026-09-01T08:15:00+02:00"],
    )


class CountsDocument(BaseModel):
    """The number of students with each status, including erased students except in `review`."""

    present: int = Field(examples=[21])
    absent: int = Field(examples=[3])
    late: int = Field(examples=[1])
    excused: int = Field(examples=[1])
    review: int = Field(description="A photo probably shows them, and nobody has decided.", examples=[0])


class LessonOfSession(BaseModel):
    """The lesson of a session as the timetable had it when the session was opened."""

    lesson_id: str
    subject: str
    room: str
    teacher: str
    starts_at: datetime | None = Field(description="UTC. The register may have been opened a little earlier.")
    ends_at: datetime | None = Field(description="UTC.")

    @classmethod
    def of(cls, lesson: LessonDetails) -> "LessonOfSession":
        """Describe a lesson."""
        return cls(
            lesson_id=lesson.lesson_id,
            subject=lesson.subject,
            room=lesson.room,
            teacher=lesson.teacher,
            starts_at=lesson.starts_at,
            ends_at=lesson.ends_at,
        )


class SessionSummary(BaseModel):
    """One session with its counts."""

    session_id: str = Field(examples=["7b-2026-09-01"])
    group_id: str = Field(examples=["7b"])
    started_at: datetime = Field(description="UTC.", examples=["2026-09-01T06:15:00Z"])
    version: int = Field(description="Counts changes to its marks and faces; the ETag.", examples=[2])
    closed_at: datetime | None = Field(
        description="UTC; null while the register is open. A closed one refuses changes until it is reopened."
    )
    closed_by: str | None = Field(description="Id of the user who closed it.")
    lesson: LessonOfSession | None = Field(description="The lesson of the timetable, if it belongs to one.")
    taken: bool = Field(
        description="False before it starts, and until a student is present or late, or all are marked by hand. "
        "Nobody is absent in a session that is not taken, and reports do not count it."
    )
    counts: CountsDocument

    @classmethod
    def of(cls, overview: SessionOverview) -> "SessionSummary":
        """Describe a session."""
        session = overview.session
        counts = {status: session.erased.get(status, 0) if overview.taken else 0 for status in MarkStatus}
        for mark in overview.marks:
            counts[mark.status] += 1
        return cls(
            session_id=session.id,
            group_id=session.group_id,
            started_at=session.started_at,
            version=session.version,
            closed_at=None if session.closed is None else session.closed.at,
            closed_by=None if session.closed is None else session.closed.by,
            lesson=None if session.lesson is None else LessonOfSession.of(session.lesson),
            taken=overview.taken,
            counts=CountsDocument(**{status.value: number for status, number in counts.items()}),
        )


class SessionDocument(SessionSummary):
    """One session with its marks."""

    photos: int = Field(description="Number of photos.", examples=[2])
    erased: int = Field(description="Marks of erased students, in the counts but not in the list.", examples=[0])
    marks: list[MarkDocument] = Field(
        description="Ordered by student id. While the session is not taken, only those in review or set by a person."
    )

    @classmethod
    def of_detail(cls, detail: SessionDetail) -> "SessionDocument":
        """Describe a session with its marks."""
        summary = SessionSummary.of(SessionOverview(detail.session, detail.taken, detail.marks))
        return cls(
            **summary.model_dump(),
            photos=len(detail.photos),
            erased=sum(detail.session.erased.values()),
            marks=MarkDocument.of_all(detail.marks, detail.names, detail.by_people),
        )


class SessionPage(BaseModel):
    """A page of sessions."""

    items: list[SessionSummary]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class MarkToSet(BaseModel):
    """One student's mark, set by hand: a status, or a code of the school's table."""

    model_config = ConfigDict(extra="forbid")

    student_id: str = Field(examples=["s1"])
    status: Literal["present", "absent", "late", "excused"] | None = Field(
        default=None, description="May be left out if there is a code.", examples=["late"]
    )
    code: str | None = Field(
        default=None,
        min_length=1,
        max_length=4,
        description="A code that the table offers; by default that of the status.",
        examples=["L"],
    )
    minutes_late: int | None = Field(
        default=None, ge=1, le=MAX_MINUTES_LATE, description="With late and absent only.", examples=[12]
    )
    remark: str | None = Field(
        default=None, max_length=MAX_REMARK, description="If left out, the stored remark stays.", examples=["Bus late"]
    )

    def wanted(self) -> WantedMark:
        """Return the mark."""
        status = None if self.status is None else MarkStatus(self.status)
        return WantedMark(status=status, code=self.code, minutes_late=self.minutes_late, remark=self.remark)


class MarksChange(BaseModel):
    """Marks to set by hand, all or none."""

    model_config = ConfigDict(extra="forbid")

    marks: list[MarkToSet] = Field(min_length=1, max_length=MAX_MARKS)
    reason: str = Field(
        default="", max_length=MAX_REMARK, description="Why, kept with the changes.", examples=["The parents called."]
    )


class RegisterClosing(BaseModel):
    """A register to close."""

    model_config = ConfigDict(extra="forbid")

    unanswered: Literal["absent", "present", "late", "excused"] | None = Field(
        default=None,
        description="The status to set for students in review. By default, open questions refuse the closing.",
        examples=["absent"],
    )


class RegisterReopening(BaseModel):
    """A register to reopen."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        min_length=1,
        max_length=MAX_REMARK,
        description="Why, kept with the changes. Name no students: it stays when they are erased.",
        examples=["A bus arrived late."],
    )


class MarksToClear(BaseModel):
    """Students whose marks set by hand are removed."""

    model_config = ConfigDict(extra="forbid")

    student_ids: list[str] = Field(min_length=1, max_length=MAX_MARKS, examples=[["s1"]])


class FaceNaming(BaseModel):
    """The name of a face."""

    model_config = ConfigDict(extra="forbid")

    student_id: str | None = Field(description="Null: no student of this group.", examples=["s1"])
    learn: bool = Field(default=False, description="Fail if the face cannot be added to the student's template.")
    learn_anyway: bool = Field(
        default=False, description="Learn even if the face resembles the student too little, or another student more."
    )


class NamedFaceDocument(BaseModel):
    """A named face, with the marks that result."""

    face: FaceDocument
    marks: list[MarkDocument] = Field(description="Marks of the whole session, ordered by student id.")
    version: int = Field(description="Version of the session; the ETag.")

    @classmethod
    def of(cls, detail: SessionDetail, face_id: FaceId) -> "NamedFaceDocument | None":
        """Describe a face; None if the session no longer has it."""
        names = dict(detail.names)
        for photo in detail.photos:
            for face in photo.faces:
                if face.face_id == face_id:
                    return cls(
                        face=FaceDocument.of(face, names),
                        marks=MarkDocument.of_all(detail.marks, names, detail.by_people),
                        version=detail.session.version,
                    )
        return None


class SaidOfFace(BaseModel):
    """A decision on a face; the id is also null once the student is erased."""

    decision: Decision
    student_id: str | None


class MarkDetailsDocument(BaseModel):
    """What a mark says beside its status; all empty once the student is erased."""

    code: str | None = Field(description="Null: the table's default for the status.")
    minutes_late: int | None
    remark: str

    @classmethod
    def of(cls, details: MarkDetails) -> "MarkDetailsDocument":
        """Describe the details of a mark."""
        return cls(code=details.code, minutes_late=details.minutes_late, remark=details.remark)


class MarkChangeDocument(BaseModel):
    """A changed mark, by hand or because a face was named."""

    kind: Literal["mark"]
    at: datetime
    by: str = Field(description="Id of the user.")
    by_name: str | None = Field(description="Name of the user, if known.")
    student_id: str | None = Field(description="Null once the student is erased.")
    name: str | None
    before: MarkStatus | None = Field(description="Null if there was no mark.")
    after: MarkStatus | None
    details_before: MarkDetailsDocument
    details_after: MarkDetailsDocument
    reason: str = Field(description="Why the mark was changed; empty if no reason was given.")


class FaceChangeDocument(BaseModel):
    """A face named by a person."""

    kind: Literal["face"]
    at: datetime
    by: str = Field(description="Id of the user.")
    by_name: str | None = Field(description="Name of the user, if known.")
    face_id: str
    before: SaidOfFace
    after: SaidOfFace
    learned: bool


class PhotoChangeDocument(BaseModel):
    """A photo removed by a person."""

    kind: Literal["photo"]
    at: datetime
    by: str = Field(description="Id of the user.")
    by_name: str | None = Field(description="Name of the user, if known.")
    photo_id: str


class RegisterChangeDocument(BaseModel):
    """A register that was closed or reopened."""

    kind: Literal["register"]
    at: datetime
    by: str = Field(description="Id of the user.")
    by_name: str | None = Field(description="Name of the user, if known.")
    closed: bool = Field(description="False: it was reopened.")
    reason: str = Field(description="Why it was reopened.")


class ChangePage(BaseModel):
    """A page of changes."""

    items: list[MarkChangeDocument | FaceChangeDocument | PhotoChangeDocument | RegisterChangeDocument]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


def change_document(
    change: Change, names: Mapping[StudentId, str], users: Mapping[UserId, str]
) -> MarkChangeDocument | FaceChangeDocument | PhotoChangeDocument | RegisterChangeDocument:
    """Describe a change.

    Args:
        names: names of the students.
        users: names of the users.
    """
    by_name = users.get(change.by)
    if isinstance(change, RegisterChange):
        return RegisterChangeDocument(
            kind="register", at=change.at, by=change.by, by_name=by_name, closed=change.closed, reason=change.reason
        )
    if isinstance(change, PhotoChange):
        return PhotoChangeDocument(kind="photo", at=change.at, by=change.by, by_name=by_name, photo_id=change.photo_id)
    if isinstance(change, MarkChange):
        return MarkChangeDocument(
            kind="mark",
            at=change.at,
            by=change.by,
            by_name=by_name,
            student_id=change.student_id,
            name=None if change.student_id is None else names.get(change.student_id),
            before=change.before,
            after=change.after,
            details_before=MarkDetailsDocument.of(change.details_before),
            details_after=MarkDetailsDocument.of(change.details_after),
            reason=change.reason,
        )
    before, after = (
        SaidOfFace(decision=decision, student_id=student) for decision, student in (change.before, change.after)
    )
    return FaceChangeDocument(
        kind="face",
        at=change.at,
        by=change.by,
        by_name=by_name,
        face_id=change.face_id,
        before=before,
        after=after,
        learned=change.learned,
    )
