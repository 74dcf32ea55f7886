"""Precedence of marks and faces: what people decided outranks what photos show."""

from collections.abc import Iterable
from dataclasses import replace

from muster.domain.anonymisation import students_named_in
from muster.domain.attendance import Change, FaceChange, Mark, MarkSource, MarkStatus
from muster.domain.faces import Decision, IdentifiedFace

_WEAKER = frozenset(
    {
        (MarkStatus.PRESENT, MarkStatus.REVIEW),
        (MarkStatus.PRESENT, MarkStatus.ABSENT),
        (MarkStatus.REVIEW, MarkStatus.ABSENT),
    }
)
"""Pairs of a stored and a new mark from photos in which the new one is weaker."""


def outranks(new: Mark, stored: Mark | None) -> bool:
    """Return whether a mark replaces the one stored for the same student.

    A photo never overrules a person or an earlier photo that showed more: present outranks review, and review outranks
    absent. A planned absence replaces the absence of a student who is in no photo, and a photo that may show them
    replaces a planned absence. A mark that says the same as the stored one leaves it and its time unchanged, so
    applying a mark twice has the effect of applying it once.
    """
    if stored is None:
        return True
    if (new.status, new.source, new.details) == (stored.status, stored.source, stored.details):
        return False
    if new.source is MarkSource.MANUAL:
        return True
    if stored.source is MarkSource.MANUAL:
        return False
    if new.source is MarkSource.PLANNED:
        return stored.source is MarkSource.PLANNED or stored.status is MarkStatus.ABSENT
    if stored.source is MarkSource.PLANNED:
        return new.status is not MarkStatus.ABSENT
    return (stored.status, new.status) not in _WEAKER


def keep_decisions(
    new: Iterable[IdentifiedFace], stored: Iterable[IdentifiedFace], changes: Iterable[Change]
) -> tuple[IdentifiedFace, ...]:
    """Return the faces of a photo that was read again, with the faces that people decided on as they are stored.

    A student has one face in a photo. If a person gave the student a face, any other face that was read as theirs
    becomes unknown.
    """
    decided = {change.face_id for change in changes if isinstance(change, FaceChange)}
    kept = {(face.face_id, face.box): face for face in stored if face.face_id in decided}
    faces = [kept.get((face.face_id, face.box), face) for face in new]
    given = students_named_in(face for face in faces if face in kept.values())
    return tuple(
        replace(face, decision=Decision.UNKNOWN, student_id=None, head_similarity=None, log_odds=None)
        if face.student_id in given and face not in kept.values()
        else face
        for face in faces
    )


def keep_marks(marks: Iterable[Mark], read: Iterable[IdentifiedFace], stored: Iterable[IdentifiedFace]) -> list[Mark]:
    """Return the marks of a photo that was read again, except those of students whose face a person took away.

    Args:
        read: the faces as they were read.
        stored: the same faces as `keep_decisions` returned them.
    """
    taken_away = students_named_in(read) - students_named_in(stored)
    return [mark for mark in marks if mark.student_id not in taken_away]
