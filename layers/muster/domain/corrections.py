"""Corrections: the changes that follow from a person's decision on a face or a mark."""

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
"""Most faces of one confirmation. Each may be in its own photo, and a DynamoDB transaction holds 100 items."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The writes that a correction needs; empty if nothing changes.

    Attributes:
        unlearn: students who lose a face that their template may have learned from.
        photo_removed: the photo to remove, if any.
    """

    faces: tuple[IdentifiedFace, ...] = ()
    marks: tuple[Mark, ...] = ()
    changes: tuple[Change, ...] = ()
    unlearn: tuple[tuple[StudentId, FaceId], ...] = ()
    photo_removed: PhotoId | None = None


def name_face(
    photo: SessionPhoto,
    face_id: FaceId,
    student_id: StudentId | None,
    *,
    others: Iterable[SessionPhoto],
    marks: Collection[Mark],
    decided: Mapping[FaceId, FaceChange],
    by: UserId,
    at: datetime,
    learned: bool,
) -> Correction:
    """Assign a face to a student, or (None) to nobody of this group.

    A student has one face in a photo: if another face there was theirs, it becomes unknown. Marks follow the faces,
    except those that a person set by hand. Students with a face in the session are present, students named by an open
    question are in review, and the others are absent.

    Args:
        photo: shows the face.
        others: the other photos of the session.
        marks: all marks of the session.
        decided: the last decision of a person on each face, where there is one.
        learned: whether the student's template learns from the face.
    """
    faces = [_with_name(face, face_id, student_id) for face in photo.faces]
    changed = [
        (before, after)
        for before, after in zip(photo.faces, faces, strict=True)
        if after is not before
        or (after.face_id == face_id and not _already_decided(decided.get(face_id), after, learned))
    ]
    affected = {student for pair in changed for face in pair if (student := face.student_id) is not None}
    shown = [*faces, *(face for other in others for face in other.faces)]
    following, mark_changes = _marks_from_faces(affected, shown, marks, by, at)
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


def confirm_faces(
    proposals: Mapping[FaceId, StudentId],
    photos: Sequence[SessionPhoto],
    marks: Collection[Mark],
    decided: Mapping[FaceId, FaceChange],
    *,
    by: UserId,
    at: datetime,
) -> Correction:
    """Confirm that each face shows the student that it is proposed as; marks follow as in `name_face`.

    Args:
        proposals: the student of each face; no student twice.
        photos: all photos of the session.
        marks: all marks of the session.
        decided: the last decision of a person on each face, where there is one.

    Raises:
        FaceNotFound: none of the photos has the face.
        ProposalChanged: a face is no longer proposed as that student.
    """
    shown = {face.face_id: face.student_id for photo in photos for face in photo.faces}
    for face_id, student_id in proposals.items():
        if face_id not in shown:
            raise FaceNotFound(f"The session has no face {face_id[:80]}: load its photos again.")
        if shown[face_id] != student_id:
            raise ProposalChanged(f"Face {face_id} is no longer proposed as {student_id}: load the questions again.")
    confirmed = Correction()
    for photo in photos:
        here, others = photo, [other for other in photos if other.id != photo.id]
        for face_id in [face.face_id for face in photo.faces if face.face_id in proposals]:
            named = name_face(
                here,
                face_id,
                proposals[face_id],
                others=others,
                marks=marks,
                decided=decided,
                by=by,
                at=at,
                learned=False,
            )
            after = {face.face_id: face for face in named.faces}
            here = replace(here, faces=tuple(after.get(face.face_id, face) for face in here.faces))
            confirmed = Correction(
                faces=(*confirmed.faces, *named.faces),
                marks=(*confirmed.marks, *named.marks),
                changes=(*confirmed.changes, *named.changes),
                unlearn=(*confirmed.unlearn, *named.unlearn),
            )
    return confirmed


def set_marks(
    statuses: Mapping[StudentId, MarkStatus],
    photos: Iterable[SessionPhoto],
    marks: Collection[Mark],
    *,
    by: UserId,
    at: datetime,
) -> Correction:
    """Set marks by hand; photos no longer change them.

    Templates unlearn the faces of students who are marked absent or excused.

    Raises:
        InvalidRequest: only photos may set this status.
    """
    if MarkStatus.REVIEW in statuses.values():
        raise InvalidRequest("Only photos can set the status review: use present, absent, late or excused.")
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


def remove_photo(
    photo: SessionPhoto, others: Iterable[SessionPhoto], marks: Collection[Mark], *, by: UserId, at: datetime
) -> Correction:
    """Remove a photo from its session; marks follow the faces of the other photos, except those set by hand."""
    named = [(face.student_id, face.face_id) for face in photo.faces if face.student_id is not None]
    shown = [face for other in others for face in other.faces]
    following, mark_changes = _marks_from_faces({student for student, _ in named}, shown, marks, by, at)
    return Correction(
        marks=tuple(following),
        changes=(PhotoChange(at, by, photo.id), *mark_changes),
        unlearn=tuple(named),
        photo_removed=photo.id,
    )


def students_marked_by_people(marks: Iterable[Mark], changes: Iterable[Change]) -> frozenset[StudentId]:
    """Return the students whose mark a person caused: by hand, or by a decision on a face or a photo."""
    made = {(change.student_id, change.after, change.at) for change in changes if isinstance(change, MarkChange)}
    return frozenset(
        mark.student_id
        for mark in marks
        if mark.source is MarkSource.MANUAL or (mark.student_id, mark.status, mark.marked_at) in made
    )


def last_decisions(changes: Iterable[Change]) -> dict[FaceId, FaceChange]:
    """Return the last change of each face that a person decided on.

    Args:
        changes: oldest first.
    """
    return {change.face_id: change for change in changes if isinstance(change, FaceChange)}


def _with_name(face: IdentifiedFace, face_id: FaceId, student_id: StudentId | None) -> IdentifiedFace:
    if face.face_id != face_id:
        return _without_name(face) if student_id is not None and face.student_id == student_id else face
    if student_id is None:
        return face if face.student_id is None else _without_name(face)
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


def _without_name(face: IdentifiedFace) -> IdentifiedFace:
    best = face.candidates[0].similarity if face.candidates else None
    return replace(
        face, decision=Decision.UNKNOWN, student_id=None, similarity=best, head_similarity=None, log_odds=None
    )


def _already_decided(change: FaceChange | None, face: IdentifiedFace, learned: bool) -> bool:
    """Return whether the last decision on a face was the same."""
    return change is not None and change.after == (face.decision, face.student_id) and (change.learned or not learned)


def _marks_from_faces(
    affected: Iterable[StudentId],
    shown: Sequence[IdentifiedFace],
    stored: Iterable[Mark],
    by: UserId,
    at: datetime,
) -> tuple[list[Mark], list[MarkChange]]:
    """Return the new marks of affected students whose mark no longer fits the faces shown, and the changes."""
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
