"""Faces that a person is asked about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from muster.domain.attendance import Mark, MarkSource, MarkStatus, SessionPhoto
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import PhotoId, StudentId
from muster.domain.student import Student


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A student whose face it may be; similarity is a cosine, None where it was not measured."""

    student: Student
    similarity: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """Whose face is this?

    Attributes:
        suggestions: whom the face resembles, the one that was named first.
        settles: a yes makes the student named, now absent, present.
    """

    photo_id: PhotoId
    face: IdentifiedFace
    suggestions: tuple[Suggestion, ...]
    settles: bool


def questions_of(
    photos: Iterable[SessionPhoto], marks: Iterable[Mark], roster: Mapping[StudentId, Student]
) -> list[Question]:
    """Return a question for each face in review.

    First come those whose yes changes a mark, and among them the surest, so that the first taps settle most.

    Args:
        roster: who may be suggested.
    """
    settled = {
        mark.student_id for mark in marks if mark.source is MarkSource.MANUAL or mark.status is not MarkStatus.ABSENT
    }
    questions = [
        Question(photo.id, face, _suggestions(face, roster), settles=face.student_id not in settled)
        for photo in photos
        for face in photo.faces
        if face.decision is Decision.REVIEW
    ]
    return sorted(
        questions,
        key=lambda question: (not question.settles, -(question.face.similarity or 0.0), question.face.face_id),
    )


def _suggestions(face: IdentifiedFace, roster: Mapping[StudentId, Student]) -> tuple[Suggestion, ...]:
    similarity = {} if face.student_id is None else {face.student_id: face.similarity}
    similarity |= {candidate.student_id: candidate.similarity for candidate in face.candidates}
    return tuple(Suggestion(roster[student], value) for student, value in similarity.items() if student in roster)
