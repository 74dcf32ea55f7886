"""Everything that is stored about one student."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from muster.api.schemas.absences import AbsenceDocument
from muster.api.schemas.learned_faces import LearnedFaceDocument
from muster.api.schemas.sessions import MarkDetailsDocument
from muster.services.privacy.subject_access import SubjectData


class SubjectMark(BaseModel):
    """One mark of a student, with its session."""

    session_id: str
    group_id: str
    started_at: datetime
    status: str
    source: str
    marked_at: datetime
    code: str | None
    minutes_late: int | None
    remark: str


class SubjectChange(BaseModel):
    """One change of a mark of a student, with its reason."""

    session_id: str
    at: datetime
    by: str
    before: str | None
    after: str | None
    details_before: MarkDetailsDocument
    details_after: MarkDetailsDocument
    reason: str


class SubjectFace(BaseModel):
    """One face in a session photo that is named as the student."""

    session_id: str
    photo_id: str
    face_id: str
    box: tuple[int, int, int, int]
    decision: str
    similarity: float | None


class SubjectGuestChange(BaseModel):
    """The student was added to the guests of a session, or removed from them."""

    at: datetime
    by: str
    added: bool


class SubjectVisit(BaseModel):
    """A session of another group in which the student is a guest, or was one."""

    session_id: str
    is_guest: bool
    name: str
    changes: list[SubjectGuestChange]


class SubjectDocument(BaseModel):
    """All data that is stored about a student. Embeddings are counted, not listed."""

    student_id: str
    name: str
    group_ids: list[str]
    registered_at: datetime | None
    consent_given_at: datetime | None
    consent_wording: str | None
    consent_withdrawn_at: datetime | None
    consent_stated_by: str | None = Field(description="Id of the user who stated that consent was given.")
    consent_renewed_after: datetime | None = Field(description="When an earlier consent was withdrawn.")
    photo_replaced_at: datetime | None = Field(default=None, description="When the photo was last replaced.")
    photo_replaced_by: str | None = Field(default=None, description="Id of the user who replaced it.")
    registration_photo: bool = Field(description="Whether the photo is stored.")
    embeddings: int = Field(description="Number of embeddings in the template.")
    learned_faces: list[LearnedFaceDocument] = Field(description="Faces that the template learned from.")
    marks: list[SubjectMark]
    faces: list[SubjectFace]
    changes: list[SubjectChange] = Field(description="Changes of the student's marks by people.")
    planned_absences: list[AbsenceDocument]
    documents: dict[str, Any] = Field(
        default_factory=dict,
        description="Contacts and notices, by kind.",
        examples=[{"contacts": {"contacts": [{"address": "parent@example.org", "language": "en"}]}}],
    )
    guest_in: list[SubjectVisit] = Field(description="Sessions in which the student is or was a guest.")

    @classmethod
    def of(cls, data: SubjectData) -> "SubjectDocument":
        """Describe the stored data."""
        student, consent = data.student, data.student.consent
        return cls(
            student_id=student.id,
            name=student.name,
            group_ids=sorted(student.groups),
            registered_at=student.registered_at,
            consent_given_at=consent.given_at if consent else None,
            consent_wording=consent.wording if consent else None,
            consent_withdrawn_at=consent.withdrawn_at if consent else None,
            consent_stated_by=consent.stated_by if consent else None,
            consent_renewed_after=consent.renewed_after if consent else None,
            photo_replaced_at=student.photo_change.at if student.photo_change else None,
            photo_replaced_by=student.photo_change.by if student.photo_change else None,
            registration_photo=data.registration_photo,
            embeddings=data.embeddings,
            learned_faces=[LearnedFaceDocument.of(face) for face in data.learned],
            marks=[
                SubjectMark(
                    session_id=session.id,
                    group_id=session.group_id,
                    started_at=session.started_at,
                    status=mark.status,
                    source=mark.source,
                    marked_at=mark.marked_at,
                    code=mark.code,
                    minutes_late=mark.minutes_late,
                    remark=mark.remark,
                )
                for session, mark in data.marks
            ],
            faces=[
                SubjectFace(
                    session_id=session.id,
                    photo_id=photo_id,
                    face_id=face.face_id,
                    box=face.box,
                    decision=face.decision,
                    similarity=face.similarity,
                )
                for session, photo_id, face in data.faces
            ],
            changes=[
                SubjectChange(
                    session_id=session.id,
                    at=change.at,
                    by=change.by,
                    before=change.before,
                    after=change.after,
                    details_before=MarkDetailsDocument.of(change.details_before),
                    details_after=MarkDetailsDocument.of(change.details_after),
                    reason=change.reason,
                )
                for session, change in data.changes
            ],
            planned_absences=[AbsenceDocument.of(absence) for absence in data.absences],
            documents=dict(data.documents),
            guest_in=[
                SubjectVisit(
                    session_id=visit.session_id,
                    is_guest=visit.guest is not None,
                    name=visit.guest.name if visit.guest is not None else visit.changes[-1].guest.name,
                    changes=[
                        SubjectGuestChange(at=change.at, by=change.by, added=change.added) for change in visit.changes
                    ],
                )
                for visit in data.visits
            ],
        )
