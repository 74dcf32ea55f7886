"""Questions about faces, and proposals that are confirmed together."""

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.attendance import Session
from muster.domain.corrections import MAX_CONFIRMED_FACES
from muster.domain.student import StudentState
from muster.services.roll_call.questions import Question


class SuggestionDocument(BaseModel):
    """A student that the face may show."""

    student_id: str
    name: str
    similarity: float | None
    picture_url: str | None = Field(description="Path of the student's registration photo; null if there is none.")


class QuestionDocument(BaseModel):
    """Does this face show the first candidate? Answer with `POST` to `answer_url`. One question per student."""

    face_id: str
    photo_id: str
    picture_url: str = Field(description="Path of the picture of the face.")
    answer_url: str
    settles: bool = Field(default=True, description="A yes makes the student present. Always true.")
    probability: float | None = Field(
        description="Probability that the face shows the first candidate, 0 to 1; null in older records."
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
                    student_id=suggestion.student.id,
                    name=suggestion.student.name,
                    similarity=suggestion.similarity,
                    picture_url=f"/v1/students/{suggestion.student.id}/picture"
                    if suggestion.student.state is StudentState.REGISTERED
                    else None,
                )
                for suggestion in question.suggestions
            ],
        )


class FaceToConfirm(BaseModel):
    """A face, and the student that it is proposed as."""

    model_config = ConfigDict(extra="forbid")

    face_id: str = Field(max_length=200, pattern=r"^[!-~]+$", examples=["f3a1-0"])
    student_id: str = Field(examples=["s1"])


class FacesConfirmation(BaseModel):
    """Proposals to confirm, all or none; one face per student."""

    model_config = ConfigDict(extra="forbid")

    faces: list[FaceToConfirm] = Field(min_length=1, max_length=MAX_CONFIRMED_FACES)
