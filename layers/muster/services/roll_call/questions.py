"""Questions to people about faces that were not recognised with certainty."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from muster.domain.attendance import Mark, MarkSource, MarkStatus, SessionPhoto
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import PhotoId, StudentId
from muster.domain.student import Student, StudentState

LIKELY_PROBABILITY = 0.9
"""Probability from which proposals can be confirmed together: nine in ten are right."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A student that the face may show; similarity is a cosine, None if it was not measured."""

    student: Student
    similarity: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """The question whether a face shows a student.

    Attributes:
        face: the best of the student's faces in review.
        suggestions: students that the face resembles, the proposed one first.
    """

    photo_id: PhotoId
    face: IdentifiedFace
    suggestions: tuple[Suggestion, ...]

    @property
    def probability(self) -> float | None:
        """Posterior probability that the face shows the proposed student; None in older records."""
        if self.face.log_odds is None:
            return None
        from muster.recognition.odds import probability

        return float(probability(self.face.log_odds))

    @property
    def likely(self) -> bool:
        """Whether the proposal can be confirmed together with others, by comparing two pictures.

        Older records without a probability count as likely, since people compare the pictures.
        """
        if not self.suggestions or self.suggestions[0].student.id != self.face.student_id:
            return False
        shown = self.suggestions[0].student.state is StudentState.REGISTERED
        return shown and (self.probability is None or self.probability >= LIKELY_PROBABILITY)


def questions_of(
    photos: Iterable[SessionPhoto], marks: Iterable[Mark], roster: Mapping[StudentId, Student]
) -> list[Question]:
    """Return one question for each student with a face in review, the likeliest first.

    There is no question for students who are present or were marked by hand, since no answer changes their mark.

    Args:
        roster: students who may be suggested.
    """
    settled = {
        mark.student_id for mark in marks if mark.source is MarkSource.MANUAL or mark.status is MarkStatus.PRESENT
    }
    in_review = sorted(
        (
            (photo, face)
            for photo in photos
            for face in photo.faces
            if face.decision is Decision.REVIEW and face.student_id not in settled
        ),
        key=lambda pair: _order(pair[1]),
    )
    best: dict[StudentId | None, Question] = {}
    for photo, face in in_review:
        best.setdefault(face.student_id, Question(photo.id, face, _suggestions(face, roster)))
    return list(best.values())


def _order(face: IdentifiedFace) -> tuple[bool, float, float, str]:
    """Sort by log-odds, the highest first; faces of older records, which have none, come last, by similarity."""
    return face.log_odds is None, -(face.log_odds or 0.0), -(face.similarity or 0.0), face.face_id


def _suggestions(face: IdentifiedFace, roster: Mapping[StudentId, Student]) -> tuple[Suggestion, ...]:
    similarity = {} if face.student_id is None else {face.student_id: face.similarity}
    similarity |= {candidate.student_id: candidate.similarity for candidate in face.candidates}
    return tuple(Suggestion(roster[student], value) for student, value in similarity.items() if student in roster)
