"""Removal of the marks that people set by hand, so that photos decide again."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from muster.domain.attendance import Mark, MarkSource, MarkStatus, SessionPhoto
from muster.domain.corrections import NOTHING_PLANNED, Correction, mark_change
from muster.domain.faces import Decision
from muster.domain.identifiers import StudentId, UserId


def clear_marks(
    students: Collection[StudentId],
    photos: Iterable[SessionPhoto],
    marks: Iterable[Mark],
    *,
    opened_at: datetime,
    planned: Mapping[StudentId, Mark] = NOTHING_PLANNED,
    by: UserId,
    at: datetime,
) -> Correction:
    """Replace marks set by hand with what the photos show; other marks stay.

    A student with a face in the session is present, a student named by an open question is in review, and the others
    have the mark of their planned absence, or are absent with source `photo`, as when the session was opened. These
    marks carry the time of the photo or of the
    opening, because they are no decision of the person who cleared them.
    """
    shown = [(face, photo.received_at) for photo in photos for face in photo.faces]
    seen = {face.student_id: received for face, received in shown if face.decision is Decision.PRESENT}
    asked = {face.student_id: received for face, received in shown if face.decision is Decision.REVIEW}
    cleared, changes = [], []
    for mark in marks:
        student = mark.student_id
        if student not in students or mark.source is not MarkSource.MANUAL:
            continue
        if student in seen:
            status, since = MarkStatus.PRESENT, seen[student]
        elif student in asked:
            status, since = MarkStatus.REVIEW, asked[student]
        else:
            status, since = MarkStatus.ABSENT, opened_at
        of_photo = Mark(student, status, MarkSource.PHOTO, since)
        new = planned.get(student, of_photo) if status is MarkStatus.ABSENT else of_photo
        cleared.append(new)
        changes.append(mark_change(mark, new, by=by, at=at))
    return Correction(marks=tuple(cleared), changes=tuple(changes))
