"""The documents of groups, of changes to students, and of imports."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.group import Group
from muster.domain.identifiers import GroupId
from muster.domain.student import MAX_GROUPS, LearnedFace
from muster.services.privacy.subject_access import SubjectData
from muster.services.roster.groups import MAX_TEACHERS

if TYPE_CHECKING:
    # It brings the models' libraries, which a process that only keeps records has not.
    from muster.services.registering.bulk import PhotoReport


class GroupDocument(BaseModel):
    """A class or course."""

    group_id: str = Field(examples=["7b"])
    name: str = Field(examples=["Class 7b"])
    teachers: list[str] = Field(description="Ids of the users who may see it, besides admins.", examples=[["ada"]])
    version: int = Field(description="Counts changes; the ETag.", examples=[1])

    @classmethod
    def of(cls, group: Group) -> "GroupDocument":
        """Describe a group."""
        return cls(group_id=group.id, name=group.name, teachers=sorted(group.teachers), version=group.version)


class GroupPage(BaseModel):
    """Some of the groups."""

    items: list[GroupDocument]
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page; null at the end.")


class NewGroup(BaseModel):
    """A group to be made."""

    model_config = ConfigDict(extra="forbid")

    group_id: str = Field(examples=["7b"])
    name: str = Field(examples=["Class 7b"], max_length=400)
    teachers: list[str] = Field(default=[], max_length=MAX_TEACHERS, examples=[["ada"]])


class GroupChange(BaseModel):
    """What is to change in a group; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, examples=["Class 7b"], max_length=400)
    teachers: list[str] | None = Field(default=None, max_length=MAX_TEACHERS, examples=[["ada", "bob"]])


class LearnedFaceDocument(BaseModel):
    """A face that a student's template learned from; the session and its photos may be gone."""

    face_id: str = Field(examples=["f3a1-0"])
    session_id: str | None = Field(
        description="The roll call that showed the face; null in older records, and if its group is not the caller's."
    )
    group_id: str | None = Field(description="The group of that roll call; null where `session_id` is.")
    learned_at: datetime | None = Field(description="UTC; null where `session_id` is.")
    automatic: bool = Field(description="Learned without anyone confirming the face, since the photo was certain.")
    by: str | None = Field(description="Id of the user who confirmed the face; null if nobody did.")

    @classmethod
    def of(cls, face: LearnedFace, groups: frozenset[GroupId] | None = None) -> "LearnedFaceDocument":
        """Describe a learned face.

        Args:
            groups: the groups that the reader may see; None stands for all. Where else a student was is not told.
        """
        if groups is not None and face.group_id not in groups:
            face = LearnedFace(face.face_id, automatic=face.automatic)
        return cls(
            face_id=face.face_id,
            session_id=face.session_id,
            group_id=face.group_id,
            learned_at=face.learned_at,
            automatic=face.automatic,
            by=face.by,
        )


class LearnedFacesDocument(BaseModel):
    """The faces that a student's template learned from, oldest first."""

    student_id: str = Field(examples=["s1"])
    items: list[LearnedFaceDocument]

    @classmethod
    def of(
        cls, student_id: str, faces: Iterable[LearnedFace], groups: frozenset[GroupId] | None
    ) -> "LearnedFacesDocument":
        """Describe the learned faces of a student to somebody who may see these groups; None stands for all."""
        return cls(student_id=student_id, items=[LearnedFaceDocument.of(face, groups) for face in faces])


class ForgottenFaces(BaseModel):
    """How many learned faces a template lost."""

    student_id: str = Field(examples=["s1"])
    removed: int = Field(description="Learned faces that are gone.", examples=[2])


class NewStudent(BaseModel):
    """A student to be put on the roster, without a photo."""

    model_config = ConfigDict(extra="forbid")

    student_id: str = Field(examples=["0042"])
    name: str = Field(examples=["Ada Lovelace"], max_length=400)
    group_ids: list[str] = Field(min_length=1, max_length=MAX_GROUPS, examples=[["7b"]])


class StatedConsent(BaseModel):
    """The statement that a student agreed to the present wording of the consent."""

    model_config = ConfigDict(extra="forbid")

    consent: bool = Field(description="Must be true.", examples=[True])


class StudentChange(BaseModel):
    """What is to change in a student's record; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, examples=["Ada King"], max_length=400)
    group_ids: list[str] | None = Field(default=None, min_length=1, max_length=MAX_GROUPS, examples=[["7b", "math"]])


class PhotoReportDocument(BaseModel):
    """What became of one photo of an archive."""

    photo: str = Field(examples=["0042.jpg"])
    student_id: str | None
    result: Literal["registered", "repeated", "refused"]
    quality: float | None = Field(description="0 to 1.")
    code: str | None = Field(examples=["too_blurred"])
    detail: str | None

    @classmethod
    def of(cls, report: "PhotoReport") -> "PhotoReportDocument":
        """Describe what became of a photo."""
        return cls(
            photo=report.name,
            student_id=report.student_id,
            result=report.result.value,
            quality=report.quality,
            code=report.code,
            detail=report.detail,
        )


class SubjectMark(BaseModel):
    """One mark of a student, with its session."""

    session_id: str
    group_id: str
    started_at: datetime
    status: str
    source: str
    marked_at: datetime


class SubjectFace(BaseModel):
    """One face of a session photo that is said to be the student's."""

    session_id: str
    photo_id: str
    face_id: str
    box: tuple[int, int, int, int]
    decision: str
    similarity: float | None


class SubjectDocument(BaseModel):
    """All that is kept of a student; embeddings are counted, not printed."""

    student_id: str
    name: str
    group_ids: list[str]
    registered_at: datetime | None
    consent_given_at: datetime | None
    consent_wording: str | None
    consent_withdrawn_at: datetime | None
    consent_stated_by: str | None = Field(description="Id of the user who stated that consent was given.")
    consent_renewed_after: datetime | None = Field(description="When an earlier consent was withdrawn, if it was.")
    registration_photo: bool = Field(description="Whether the photo is kept.")
    embeddings: int = Field(description="How many embeddings the template holds.")
    learned_faces: list[LearnedFaceDocument] = Field(description="Faces that the template learned from.")
    marks: list[SubjectMark]
    faces: list[SubjectFace]

    @classmethod
    def of(cls, data: SubjectData) -> "SubjectDocument":
        """Describe what is kept."""
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
        )
