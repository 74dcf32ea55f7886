"""What follows when a person decides on a face or a mark."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from muster.domain.attendance import (
    Change,
    FaceChange,
    Mark,
    MarkChange,
    MarkSource,
    MarkStatus,
    PhotoChange,
    SessionPhoto,
)
from muster.domain.errors import FaceNotFound, InvalidRequest, ProposalChanged
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, PhotoId, StudentId, UserId

MAX_CONFIRMED_FACES = 90
"""Faces of one confirmation. Each may be in a photo of its own, and a transaction of DynamoDB holds 100 items."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be stored; nothing in it means that all is so already.

    Attributes:
        unlearn: students who lose a face that they may have been learned from.
        photo_removed: the photo to be removed, if there is one.
    """

    faces: tuple[IdentifiedFace, ...] = ()
    marks: tuple[Mark, ...] = ()
    changes: tuple[Change, ...] = ()
    unlearn: tuple[tuple[StudentId, FaceId], ...] = ()
    photo_removed: PhotoId | None = None


def face_named(
    photo: SessionPhoto,
    face_id: FaceId,
    student_id: StudentId | None,
    others: Iterable[SessionPhoto],
    marks: Collection[Mark],
    decided: Mapping[FaceId, FaceChange],
    *,
    by: UserId,
    at: datetime,
    learned: bool,
) -> Correction:
    """Say that a face is a student's, or (None) that it is nobody's of this group.

    A student has one face in a photo: another one of theirs there becomes unknown. Marks follow the faces, except
    those that a person set by hand: students with a face in the session are present, students whom an open question
    names are in review, and the others are absent.

    Args:
        photo: shows the face.
        others: the other photos of the session.
        marks: all of the session.
        decided: what a person last said of each face, if anything.
    """
    faces = [_named(face, face_id, student_id) for face in photo.faces]
    changed = [
        (before, after)
        for before, after in zip(photo.faces, faces, strict=True)
        if after is not before or (after.face_id == face_id and not _said(decided.get(face_id), after, learned))
    ]
    affected = {student for pair in changed for face in pair if (student := face.student_id) is not None}
    shown = [*faces, *(face for other in others for face in other.faces)]
    following, mark_changes = _following(affected, shown, marks, by, at)
    face_changes = [
        FaceChange(
            at,
            by,
            after.face_id,
            (before.decision, before.student_id),
            (after.decision, after.student_id),
            learned=learned and after.face_id == face_id,
        )
        for before, after in changed
    ]
    return Correction(
        faces=tuple(after for _, after in changed),
        marks=tuple(following),
        changes=(*face_changes, *mark_changes),
        unlearn=tuple(
            (before.student_id, before.face_id)
            for before, after in changed
            if before.student_id is not None and before.student_id != after.student_id
        ),
    )


def faces_confirmed(
    proposals: Mapping[FaceId, StudentId],
    photos: Sequence[SessionPhoto],
    marks: Collection[Mark],
    decided: Mapping[FaceId, FaceChange],
    *,
    by: UserId,
    at: datetime,
) -> Correction:
    """Confirm that each face shows the student whom it is proposed as; marks follow as in `face_named`.

    Args:
        proposals: the student of each face; no student twice.
        photos: all of the session.
        marks: all of the session.
        decided: what a person last said of each face, if anything.

    Raises:
        FaceNotFound: a face is in none of the photos.
        ProposalChanged: a face is no longer proposed as that student.
    """
    shown = {face.face_id: face.student_id for photo in photos for face in photo.faces}
    for face_id, student_id in proposals.items():
        if face_id not in shown:
            raise FaceNotFound(f"The session has no face {face_id[:80]}: read its photos again.")
        if shown[face_id] != student_id:
            raise ProposalChanged(f"The face {face_id} is not proposed as {student_id}: read the questions again.")
    confirmed = Correction()
    for photo in photos:
        here, others = photo, [other for other in photos if other.id != photo.id]
        for face_id in [face.face_id for face in photo.faces if face.face_id in proposals]:
            named = face_named(here, face_id, proposals[face_id], others, marks, decided, by=by, at=at, learned=False)
            after = {face.face_id: face for face in named.faces}
            here = replace(here, faces=tuple(after.get(face.face_id, face) for face in here.faces))
            confirmed = Correction(
                faces=(*confirmed.faces, *named.faces),
                marks=(*confirmed.marks, *named.marks),
                changes=(*confirmed.changes, *named.changes),
                unlearn=(*confirmed.unlearn, *named.unlearn),
            )
    return confirmed


def marks_set(
    statuses: Mapping[StudentId, MarkStatus],
    photos: Iterable[SessionPhoto],
    marks: Collection[Mark],
    *,
    by: UserId,
    at: datetime,
) -> Correction:
    """Set marks by hand; from then on no photo changes them.

    Nothing is learned from the face of someone who is said not to have been there.

    Raises:
        InvalidRequest: a status is one that only photos set.
    """
    if MarkStatus.REVIEW in statuses.values():
        raise InvalidRequest("Only photos set review: say present, absent, late or excused.")
    stored = {mark.student_id: mark for mark in marks}
    before = {student: stored[student].status if student in stored else None for student in statuses}
    changed = {
        student: status
        for student, status in statuses.items()
        if student not in stored or (stored[student].status, stored[student].source) != (status, MarkSource.MANUAL)
    }
    away = {student for student, status in changed.items() if status in (MarkStatus.ABSENT, MarkStatus.EXCUSED)}
    return Correction(
        marks=tuple(Mark(student, status, MarkSource.MANUAL, at) for student, status in changed.items()),
        changes=tuple(MarkChange(at, by, student, before[student], status) for student, status in changed.items()),
        unlearn=tuple(
            (face.student_id, face.face_id)
            for photo in photos
            for face in photo.faces
            if face.student_id is not None and face.student_id in away
        ),
    )


def photo_removed(
    photo: SessionPhoto, others: Iterable[SessionPhoto], marks: Collection[Mark], *, by: UserId, at: datetime
) -> Correction:
    """Remove a photo from its session; marks follow the faces of the other photos, except those set by hand."""
    named = [(face.student_id, face.face_id) for face in photo.faces if face.student_id is not None]
    shown = [face for other in others for face in other.faces]
    following, mark_changes = _following({student for student, _ in named}, shown, marks, by, at)
    return Correction(
        marks=tuple(following),
        changes=(PhotoChange(at, by, photo.id), *mark_changes),
        unlearn=tuple(named),
        photo_removed=photo.id,
    )


def marked_by_people(marks: Iterable[Mark], changes: Iterable[Change]) -> frozenset[StudentId]:
    """Return the students whose mark a person brought about: by hand, or by a decision on a face or a photo."""
    made = {(change.student_id, change.after, change.at) for change in changes if isinstance(change, MarkChange)}
    return frozenset(
        mark.student_id
        for mark in marks
        if mark.source is MarkSource.MANUAL or (mark.student_id, mark.status, mark.marked_at) in made
    )


def last_said(changes: Iterable[Change]) -> dict[FaceId, FaceChange]:
    """Return the last change of each face that a person decided on.

    Args:
        changes: oldest first.
    """
    return {change.face_id: change for change in changes if isinstance(change, FaceChange)}


def _named(face: IdentifiedFace, face_id: FaceId, student_id: StudentId | None) -> IdentifiedFace:
    if face.face_id != face_id:
        return _unknown(face) if student_id is not None and face.student_id == student_id else face
    if student_id is None:
        return face if face.student_id is None else _unknown(face)
    if face.student_id == student_id:
        return face if face.decision is Decision.PRESENT else replace(face, decision=Decision.PRESENT, log_odds=None)
    similarity = {candidate.student_id: candidate.similarity for candidate in face.candidates}.get(student_id)
    return replace(
        face,
        decision=Decision.PRESENT,
        student_id=student_id,
        similarity=similarity,
        head_similarity=None,
        log_odds=None,
    )


def _unknown(face: IdentifiedFace) -> IdentifiedFace:
    best = face.candidates[0].similarity if face.candidates else None
    return replace(
        face, decision=Decision.UNKNOWN, student_id=None, similarity=best, head_similarity=None, log_odds=None
    )


def _said(change: FaceChange | None, face: IdentifiedFace, learned: bool) -> bool:
    """Tell whether a person said just this of a face before."""
    return change is not None and change.after == (face.decision, face.student_id) and (change.learned or not learned)


def _following(
    affected: Iterable[StudentId],
    shown: Sequence[IdentifiedFace],
    stored: Iterable[Mark],
    by: UserId,
    at: datetime,
) -> tuple[list[Mark], list[MarkChange]]:
    """Return the marks by photo of the affected students that no longer fit the faces shown, and their changes."""
    seen = {face.student_id for face in shown if face.decision is Decision.PRESENT}
    asked = {face.student_id for face in shown if face.decision is Decision.REVIEW}
    before = {mark.student_id: mark for mark in stored}
    marks, changes = [], []
    for student in sorted(affected):
        mark = before.get(student)
        review_or_absent = MarkStatus.REVIEW if student in asked else MarkStatus.ABSENT
        status = MarkStatus.PRESENT if student in seen else review_or_absent
        by_hand = mark is not None and mark.source is MarkSource.MANUAL
        as_before = status is (MarkStatus.ABSENT if mark is None else mark.status)
        if not by_hand and not as_before:
            marks.append(Mark(student, status, MarkSource.PHOTO, at))
            changes.append(MarkChange(at, by, student, None if mark is None else mark.status, status))
    return marks, changes
