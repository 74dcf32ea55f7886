"""What the ports promise whatever the store: how marks add up, and what is left of an erased student."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from muster.domain.attendance import Change, FaceChange, Mark, MarkChange, MarkSource, MarkStatus, PhotoChange
from muster.domain.errors import InvalidRequest
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import StudentId
from muster.domain.student import MAX_GROUPS, Student


def check_groups(student: Student) -> None:
    """Refuse a student of more groups than a store can write at once.

    Raises:
        InvalidRequest: there are more than `MAX_GROUPS`.
    """
    if len(student.groups) > MAX_GROUPS:
        raise InvalidRequest(f"A student can be in {MAX_GROUPS} groups at most, not {len(student.groups)}: name fewer.")


def replaces(new: Mark, stored: Mark | None) -> bool:
    """Tell whether a mark takes the place of the one stored for the same student.

    A photo never overrules a person, nor what an earlier photo saw: present outweighs review, and review absent. A mark
    that says nothing new leaves the stored one with its time, so applying it twice is applying it once.
    """
    if stored is None:
        return True
    if (new.status, new.source) == (stored.status, stored.source):
        return False
    if new.source is MarkSource.MANUAL:
        return True
    if stored.source is MarkSource.MANUAL:
        return False
    return (stored.status, new.status) not in _WEAKER


_WEAKER = frozenset(
    {
        (MarkStatus.PRESENT, MarkStatus.REVIEW),
        (MarkStatus.PRESENT, MarkStatus.ABSENT),
        (MarkStatus.REVIEW, MarkStatus.ABSENT),
    }
)
"""Marks of one student by photo, stored and new, of which the new one shows less."""


def students_in(faces: Iterable[IdentifiedFace]) -> set[StudentId]:
    """Return everyone whom the faces name or resemble."""
    found = set()
    for face in faces:
        if face.student_id is not None:
            found.add(face.student_id)
        found.update(candidate.student_id for candidate in face.candidates)
    return found


def named_in(faces: Iterable[IdentifiedFace]) -> set[StudentId]:
    """Return everyone whom the faces name."""
    return {face.student_id for face in faces if face.student_id is not None}


def may_show(faces: Collection[IdentifiedFace], changes: Iterable[Change]) -> set[StudentId]:
    """Return the students whose face a photo may show: those that its faces name, or named before a person's change."""
    here = {face.face_id for face in faces}
    of_faces = [change for change in changes if isinstance(change, FaceChange) and change.face_id in here]
    return named_in(faces).union(*map(students_of_change, of_faces))


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
        log_odds=None,
    )


def with_decisions_kept(
    new: Iterable[IdentifiedFace], stored: Iterable[IdentifiedFace], changes: Iterable[Change]
) -> tuple[IdentifiedFace, ...]:
    """Return the faces of a photo that was read again, those that a person decided on as the person left them.

    A student has one face in a photo: where a person gave them one, another that was read as theirs is unknown.
    """
    decided = {change.face_id for change in changes if isinstance(change, FaceChange)}
    kept = {(face.face_id, face.box): face for face in stored if face.face_id in decided}
    faces = [kept.get((face.face_id, face.box), face) for face in new]
    given = named_in(face for face in faces if face in kept.values())
    return tuple(
        replace(face, decision=Decision.UNKNOWN, student_id=None, head_similarity=None, log_odds=None)
        if face.student_id in given and face not in kept.values()
        else face
        for face in faces
    )


def marks_kept(marks: Iterable[Mark], read: Iterable[IdentifiedFace], stored: Iterable[IdentifiedFace]) -> list[Mark]:
    """Return the marks of a photo that was read again without those of faces whose name a person took away.

    Args:
        read: the faces as they were read.
        stored: the same faces as `with_decisions_kept` returned them.
    """
    taken_away = named_in(read) - named_in(stored)
    return [mark for mark in marks if mark.student_id not in taken_away]


def students_of_change(change: Change) -> set[StudentId]:
    """Return everyone whom a change names."""
    if isinstance(change, PhotoChange):
        return set()
    if isinstance(change, MarkChange):
        return set() if change.student_id is None else {change.student_id}
    return {student for _, student in (change.before, change.after) if student is not None}


def anonymous(change: Change, erased: Collection[StudentId]) -> Change:
    """Return a change with no trace of the erased students."""
    if isinstance(change, PhotoChange):
        return change
    if isinstance(change, MarkChange):
        return replace(change, student_id=None) if change.student_id in erased else change
    before, after = (
        (decision, None if student in erased else student) for decision, student in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def count_erased(erased: Mapping[MarkStatus, int], status: MarkStatus) -> dict[MarkStatus, int]:
    """Return the counts of erased students' marks with one more; a mark in review counts for nothing."""
    if status is MarkStatus.REVIEW:
        return dict(erased)
    return {**erased, status: erased.get(status, 0) + 1}
