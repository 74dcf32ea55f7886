"""Corrections: the changes that follow from a person's decision on a face or a mark."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from muster.domain.attendance import (
    NO_DETAILS,
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

MAX_REMARK = 300
"""Most characters of a remark or a reason. A DynamoDB item of 400 KB holds the marks of a session."""

MAX_MINUTES_LATE = 600
"""Most minutes late: ten hours, longer than a school day."""

MAX_CONFIRMED_FACES = 90
"""Most faces of one confirmation. Each may be in its own photo, and a DynamoDB transaction holds 100 items."""


NOTHING_PLANNED: Mapping[StudentId, Mark] = MappingProxyType({})
"""No planned absences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkByHand:
    """A mark that a person sets.

    Attributes:
        code: a code of the table with this status; None for its default.
        minutes_late: 1 to `MAX_MINUTES_LATE`, for students who are late or came after the register closed.
        remark: at most `MAX_REMARK` characters; None keeps the stored one.
    """

    status: MarkStatus
    code: str | None = None
    minutes_late: int | None = None
    remark: str | None = None


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
    planned: Mapping[StudentId, Mark] = NOTHING_PLANNED,
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
        planned: marks of planned absences, for students who are in no photo any more.
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
    following, mark_changes = _marks_from_faces(affected, shown, marks, by=by, at=at, planned=planned)
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
    planned: Mapping[StudentId, Mark] = NOTHING_PLANNED,
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
                planned=planned,
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
    wanted: Mapping[StudentId, MarkByHand],
    photos: Iterable[SessionPhoto],
    marks: Collection[Mark],
    *,
    by: UserId,
    at: datetime,
    reason: str = "",
) -> Correction:
    """Set marks by hand; photos no longer change them.

    Templates unlearn the faces of students who are marked absent or excused.

    Args:
        reason: why, stored with each change; at most `MAX_REMARK` characters.

    Raises:
        InvalidRequest: only photos may set this status, the minutes do not fit it, or a text is too long.
    """
    for mark in wanted.values():
        _check_mark(mark)
    check_text(reason, "reason")
    stored = {mark.student_id: mark for mark in marks}
    set_by_hand = [
        (stored.get(student), _by_hand(student, mark, stored.get(student), at)) for student, mark in wanted.items()
    ]
    changed = [
        (before, after)
        for before, after in set_by_hand
        if before is None
        or (before.status, before.source, before.details) != (after.status, after.source, after.details)
    ]
    away = {after.student_id for _, after in changed if after.status in (MarkStatus.ABSENT, MarkStatus.EXCUSED)}
    return Correction(
        marks=tuple(after for _, after in changed),
        changes=tuple(mark_change(before, after, by=by, at=at, reason=reason) for before, after in changed),
        unlearn=tuple(
            (face.student_id, face.face_id)
            for photo in photos
            for face in photo.faces
            if face.student_id is not None and face.student_id in away
        ),
    )


def check_text(text: str, what: str) -> None:
    """Refuse a remark or reason that is too long.

    Raises:
        InvalidRequest: it has more than `MAX_REMARK` characters.
    """
    if len(text) > MAX_REMARK:
        raise InvalidRequest(f"The {what} may have at most {MAX_REMARK} characters, not {len(text)}.")


def _check_mark(mark: MarkByHand) -> None:
    if mark.status is MarkStatus.REVIEW:
        raise InvalidRequest("Only photos can set the status review: use present, absent, late or excused.")
    if mark.minutes_late is not None:
        if mark.status not in (MarkStatus.LATE, MarkStatus.ABSENT):
            raise InvalidRequest("Minutes late go with a mark that counts as late or absent.")
        if not 1 <= mark.minutes_late <= MAX_MINUTES_LATE:
            raise InvalidRequest(f"Minutes late must be 1 to {MAX_MINUTES_LATE}, not {mark.minutes_late}.")
    check_text(mark.remark or "", "remark")


def _by_hand(student: StudentId, mark: MarkByHand, stored: Mark | None, at: datetime) -> Mark:
    kept = "" if stored is None else stored.remark
    remark = kept if mark.remark is None else mark.remark.strip()
    return Mark(student, mark.status, MarkSource.MANUAL, at, mark.code, mark.minutes_late, remark)


def mark_change(before: Mark | None, after: Mark, *, by: UserId, at: datetime, reason: str = "") -> MarkChange:
    """Return the change from one mark to another, with code, minutes and remark of both."""
    return MarkChange(
        at,
        by,
        after.student_id,
        None if before is None else before.status,
        after.status,
        NO_DETAILS if before is None else before.details,
        after.details,
        reason.strip(),
    )


def remove_photo(
    photo: SessionPhoto,
    others: Iterable[SessionPhoto],
    marks: Collection[Mark],
    *,
    by: UserId,
    at: datetime,
    planned: Mapping[StudentId, Mark] = NOTHING_PLANNED,
) -> Correction:
    """Remove a photo from its session; marks follow the faces of the other photos, except those set by hand."""
    named = [(face.student_id, face.face_id) for face in photo.faces if face.student_id is not None]
    shown = [face for other in others for face in other.faces]
    following, mark_changes = _marks_from_faces(
        {student for student, _ in named}, shown, marks, by=by, at=at, planned=planned
    )
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
        if mark.source is MarkSource.MANUAL
        or (mark.source is MarkSource.PHOTO and (mark.student_id, mark.status, mark.marked_at) in made)
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
    *,
    by: UserId,
    at: datetime,
    planned: Mapping[StudentId, Mark],
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
        unseen = status is MarkStatus.ABSENT
        plan = planned.get(student) if unseen else None
        still_planned = unseen and mark is not None and mark.source is MarkSource.PLANNED
        as_before = plan is None and status is (MarkStatus.ABSENT if mark is None else mark.status)
        if not by_hand and not still_planned and not as_before:
            new = Mark(student, status, MarkSource.PHOTO, at) if plan is None else replace(plan, marked_at=at)
            marks.append(new)
            changes.append(mark_change(mark, new, by=by, at=at))
    return marks, changes
