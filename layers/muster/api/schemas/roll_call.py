"""The response to a roll call: photos, faces and marks."""

from collections.abc import Collection, Mapping, Sequence

from pydantic import BaseModel, Field

from muster.api.schemas.system import ModelDocument
from muster.domain.attendance import Mark, MarkSource, MarkStatus, SessionPhoto
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import StudentId
from muster.domain.notices import Notice, notices_for
from muster.services.roll_call.results import RollCallResult


class CandidateDocument(BaseModel):
    """A student that a face resembles."""

    student_id: str
    similarity: float


class FaceDocument(BaseModel):
    """One face of a photo."""

    face_id: str
    box: tuple[int, int, int, int] = Field(description="x, y, width, height in pixels of the upright photo.")
    detector_score: float
    quality: float
    decision: Decision
    student_id: str | None
    name: str | None
    similarity: float | None
    head_similarity: float | None = Field(description="Similarity by the trained model; null if none was used.")
    candidates: list[CandidateDocument]

    @classmethod
    def of(cls, face: IdentifiedFace, names: dict[StudentId, str]) -> "FaceDocument":
        """Describe a face."""
        return cls(
            face_id=face.face_id,
            box=face.box,
            detector_score=face.detector_score,
            quality=face.quality,
            decision=face.decision,
            student_id=face.student_id,
            name=None if face.student_id is None else names.get(face.student_id),
            similarity=face.similarity,
            head_similarity=face.head_similarity,
            candidates=[CandidateDocument(student_id=c.student_id, similarity=c.similarity) for c in face.candidates],
        )


class NoticeDocument(BaseModel):
    """A remark on a photo that was processed without an error."""

    code: str = Field(examples=["nobody_of_group"])
    message: str = Field(examples=["No student of this group is in this photo. Is it the right group?"])

    @classmethod
    def of(cls, notice: Notice) -> "NoticeDocument":
        """Describe a notice."""
        return cls(code=notice.code, message=notice.message)


class PhotoDocument(BaseModel):
    """One photo with its faces."""

    photo_id: str
    width: int
    height: int
    turned: int = Field(
        default=0,
        description="Degrees clockwise by which the photo was turned before recognition: 0, 90, 180 or 270. "
        "Size, boxes and the pictures of the session are those of the turned photo.",
    )
    faces: list[FaceDocument]
    notices: list[NoticeDocument] = Field(
        description="Remarks for people: `no_face_found`, `nobody_of_group`. Empty for most photos."
    )

    @classmethod
    def of(cls, photo: SessionPhoto, names: dict[StudentId, str]) -> "PhotoDocument":
        """Describe a photo."""
        faces = [FaceDocument.of(face, names) for face in photo.faces]
        return cls(
            photo_id=photo.id,
            width=photo.width,
            height=photo.height,
            turned=photo.turned,
            faces=faces,
            notices=[NoticeDocument.of(notice) for notice in notices_for(photo)],
        )


class MarkDocument(BaseModel):
    """One student's status."""

    student_id: str
    name: str | None
    status: MarkStatus = Field(description="`review`: a photo probably shows the student, see the questions.")
    source: MarkSource = Field(
        description="`manual`: set by hand; `photo`: derived from the faces; `planned`: a planned absence."
    )
    code: str | None = Field(description="Null: the default code of the status.")
    minutes_late: int | None
    remark: str
    by_person: bool = Field(
        description="A person set it by hand, or decided on the face or photo that it is derived from."
    )

    @classmethod
    def of_all(
        cls, marks: Sequence[Mark], names: Mapping[StudentId, str], by_people: Collection[StudentId]
    ) -> "list[MarkDocument]":
        """Describe the marks of a session."""
        return [
            cls(
                student_id=mark.student_id,
                name=names.get(mark.student_id),
                status=mark.status,
                source=mark.source,
                code=mark.code,
                minutes_late=mark.minutes_late,
                remark=mark.remark,
                by_person=mark.student_id in by_people,
            )
            for mark in marks
        ]


class DetectDocument(BaseModel):
    """The response to a roll call."""

    session_id: str
    group_id: str
    photos: list[PhotoDocument]
    taken: bool = Field(
        description="False until a student is present or late, or all are marked by hand. Until then nobody is absent."
    )
    marks: list[MarkDocument] = Field(description="Ordered by student id, without absences while it is not taken.")
    model: ModelDocument
    timings_ms: dict[str, float]

    @classmethod
    def of(cls, detection: RollCallResult) -> "DetectDocument":
        """Describe a roll call."""
        return cls(
            session_id=detection.session.id,
            group_id=detection.session.group_id,
            photos=[PhotoDocument.of(photo, detection.names) for photo in detection.photos],
            taken=detection.taken,
            marks=MarkDocument.of_all(detection.marks, detection.names, detection.by_people),
            model=ModelDocument(pack=detection.pack, head=detection.head),
            timings_ms=detection.timings_ms,
        )
