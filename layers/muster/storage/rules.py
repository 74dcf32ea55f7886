"""What the ports promise whatever the store: how marks add up, and what is left of an erased student."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from muster.domain.attendance import Mark, MarkSource, MarkStatus
from muster.domain.errors import InvalidRequest
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import StudentId
from muster.domain.student import Student

MOST_GROUPS = 40
"""Groups of one student: a transaction of DynamoDB has 100 actions at most, and each group takes two of them."""


def check_groups(student: Student) -> None:
    """Refuse a student of more groups than a store can write at once.

    Raises:
        InvalidRequest: there are more than `MOST_GROUPS`.
    """
    if len(student.groups) > MOST_GROUPS:
        raise InvalidRequest(
            f"A student can be in {MOST_GROUPS} groups at most, not {len(student.groups)}: name fewer."
        )


def replaces(new: Mark, stored: Mark | None) -> bool:
    """Tell whether a mark takes the place of the one stored for the same student.

    A photo never overrules a person, nor what an earlier photo saw. A mark that says nothing new leaves the
    stored one with its time, so that applying it twice is applying it once.
    """
    if stored is None:
        return True
    if (new.status, new.source) == (stored.status, stored.source):
        return False
    if new.source is MarkSource.MANUAL:
        return True
    if stored.source is MarkSource.MANUAL:
        return False
    return not (stored.status is MarkStatus.PRESENT and new.status is MarkStatus.ABSENT)


def students_in(faces: Iterable[IdentifiedFace]) -> set[StudentId]:
    """Return everyone whom the faces name or resemble."""
    found = set()
    for face in faces:
        if face.student_id is not None:
            found.add(face.student_id)
        found.update(candidate.student_id for candidate in face.candidates)
    return found


def named_in(faces: Iterable[IdentifiedFace]) -> set[StudentId]:
    """Return everyone whom the faces name, whose name may be drawn on the annotated photo."""
    return {face.student_id for face in faces if face.student_id is not None}


def without(faces: Iterable[IdentifiedFace], erased: Collection[StudentId]) -> tuple[IdentifiedFace, ...]:
    """Return the faces with no trace of the erased students.

    A face that was theirs becomes unknown; where one of them is a candidate, similarity is that of the best
    candidate left.
    """
    return tuple(_without(face, erased) for face in faces)


def _without(face: IdentifiedFace, erased: Collection[StudentId]) -> IdentifiedFace:
    if not students_in([face]) & set(erased):
        return face
    left = tuple(candidate for candidate in face.candidates if candidate.student_id not in erased)
    similarity = left[0].similarity if left else None
    if face.student_id is None or face.student_id not in erased:
        return replace(face, candidates=left, similarity=face.similarity if face.student_id else similarity)
    return replace(
        face,
        decision=Decision.UNKNOWN,
        student_id=None,
        similarity=similarity,
        head_similarity=None,
        candidates=left,
    )
