"""The documents of questions, and of the proposals that are confirmed together."""

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.attendance import Session
from muster.domain.corrections import MAX_CONFIRMED_FACES
from muster.domain.student import StudentState
from muster.services.roll_call.questions import Question


class SuggestionDocument(BaseModel):
    """A student whose face it may be."""

    student_id: str
    name: str
    similarity: float | None
    picture_url: str | None = Field(
        description="Path of the picture the student was registered with; null where there is none."
    )


class QuestionDocument(BaseModel):
    """Is this face the first candidate's? Answer with `POST` to `answer_url`. Each student is asked about once."""

    face_id: str
    photo_id: str
    picture_url: str = Field(description="Path of the face's picture.")
    answer_url: str
    settles: bool = Field(
        default=True, description="A yes makes the student present: always true, others are not asked about."
    )
    probability: float | None = Field(
        description="That the face is the first candidate's, 0 to 1; null in records older than the estimate."
    )
    likely: bool = Field(
        description="Probable enough to be confirmed together with others after a look at both pictures; "
        "see `POST /v1/sessions/{session_id}/faces/confirmed`."
    )
    candidates: list[SuggestionDocument] = Field(description="The student named first, if there is one.")

    @classmethod
    def of(cls, session: Session, question: Question) -> "QuestionDocument":
        """Describe a question."""
        face_url = f"/v1/sessions/{session.id}/faces/{question.face.face_id}"
        return cls(
            face_id=question.face.face_id,
            photo_id=question.photo_id,
            picture_url=f"{face_url}/picture",
            answer_url=f"{face_url}/student",
            probability=None if question.probability is None else round(question.probability, 4),
            likely=question.likely,
            candidates=[
                SuggestionDocument(
                    student_id=one.student.id,
                    name=one.student.name,
                    similarity=one.similarity,
                    picture_url=f"/v1/students/{one.student.id}/picture"
                    if one.student.state is StudentState.REGISTERED
                    else None,
                )
                for one in question.suggestions
            ],
        )


class FaceToConfirm(BaseModel):
    """A face, and the student whom it is proposed as."""

    model_config = ConfigDict(extra="forbid")

    face_id: str = Field(max_length=200, pattern=r"^[!-~]+$", examples=["f3a1-0"])
    student_id: str = Field(examples=["s1"])


class FacesConfirmation(BaseModel):
    """Proposals to be confirmed, all or none; one face of each student."""

    model_config = ConfigDict(extra="forbid")

    faces: list[FaceToConfirm] = Field(min_length=1, max_length=MAX_CONFIRMED_FACES)
