"""Removal of students from faces, changes and counts."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from muster.domain.attendance import NO_DETAILS, Change, FaceChange, MarkChange, MarkStatus, PhotoChange, RegisterChange
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import StudentId


def students_in(faces: Iterable[IdentifiedFace]) -> set[StudentId]:
    """Return the students that the faces name or list as candidates."""
    found = set()
    for face in faces:
        if face.student_id is not None:
            found.add(face.student_id)
        found.update(candidate.student_id for candidate in face.candidates)
    return found


def students_named_in(faces: Iterable[IdentifiedFace]) -> set[StudentId]:
    """Return the students that the faces name."""
    return {face.student_id for face in faces if face.student_id is not None}


def students_ever_named_in(faces: Collection[IdentifiedFace], changes: Iterable[Change]) -> set[StudentId]:
    """Return the students that the faces name, or named before a person changed them: the photo may show them."""
    ids = {face.face_id for face in faces}
    of_faces = [change for change in changes if isinstance(change, FaceChange) and change.face_id in ids]
    return students_named_in(faces).union(*map(students_in_change, of_faces))


def students_in_change(change: Change) -> set[StudentId]:
    """Return the students that a change names."""
    if isinstance(change, PhotoChange | RegisterChange):
        return set()
    if isinstance(change, MarkChange):
        return set() if change.student_id is None else {change.student_id}
    return {student for _, student in (change.before, change.after) if student is not None}


def remove_students(faces: Iterable[IdentifiedFace], students: Collection[StudentId]) -> tuple[IdentifiedFace, ...]:
    """Return the faces without any reference to the students.

    A face that named one of them becomes unknown. If one of them is removed from the candidates, the similarity becomes
    that of the best remaining candidate.
    """
    return tuple(_remove_students(face, students) for face in faces)


def anonymise(change: Change, students: Collection[StudentId]) -> Change:
    """Return a change of one of their sessions without any reference to the students, or text about them.

    Registers are mostly reopened because of one student, so the reason is removed even if it names nobody.
    """
    if isinstance(change, PhotoChange):
        return change
    if isinstance(change, RegisterChange):
        return replace(change, reason="") if students else change
    if isinstance(change, MarkChange):
        if change.student_id not in students:
            return change
        return replace(change, student_id=None, details_before=NO_DETAILS, details_after=NO_DETAILS, reason="")
    before, after = (
        (decision, None if student in students else student) for decision, student in (change.before, change.after)
    )
    return replace(change, before=before, after=after)


def count_erased(counts: Mapping[MarkStatus, int], status: MarkStatus) -> dict[MarkStatus, int]:
    """Return the counts of erased students' marks with one more; marks in review are not counted."""
    if status is MarkStatus.REVIEW:
        return dict(counts)
    return {**counts, status: counts.get(status, 0) + 1}


def _remove_students(face: IdentifiedFace, students: Collection[StudentId]) -> IdentifiedFace:
    if not students_in([face]) & set(students):
        return face
    candidates = tuple(candidate for candidate in face.candidates if candidate.student_id not in students)
    similarity = candidates[0].similarity if candidates else None
    if face.student_id is None or face.student_id not in students:
        return replace(face, candidates=candidates, similarity=face.similarity if face.student_id else similarity)
    return replace(
        face,
        decision=Decision.UNKNOWN,
        student_id=None,
        similarity=similarity,
        head_similarity=None,
        candidates=candidates,
        log_odds=None,
    )
