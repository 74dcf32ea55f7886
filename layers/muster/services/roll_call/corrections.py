"""Corrections that people make to a session: names of faces, marks, and removals."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime

from muster.domain.actor import OPERATOR
from muster.domain.attendance import MarkStatus, Session, SessionPhoto
from muster.domain.clearing import clear_marks
from muster.domain.closing import begin_removal, check_open
from muster.domain.corrections import (
    MAX_CONFIRMED_FACES,
    Correction,
    MarkByHand,
    confirm_faces,
    last_decisions,
    name_face,
    remove_photo,
    set_marks,
)
from muster.domain.errors import (
    FaceNotFound,
    InvalidRequest,
    NotInGroup,
    NotRegistered,
    PhotoNotFound,
    StudentNotFound,
    VersionConflict,
)
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, StudentId, UserId
from muster.domain.student import Student, StudentState
from muster.services.roll_call.absences import PlannedMarks, nothing_planned
from muster.storage.ports import SessionStore, StudentStore

_ATTEMPTS = 10
"""Attempts under conflict; enough for many teachers who correct one session at once."""

_FEW_FACES = 3
"""Number of faces up to which templates are read one by one."""


class Corrections:
    """Corrects sessions.

    Without `expected`, a change is applied to the latest version and retried on conflict. With it, a newer version
    raises `VersionConflict`.

    Args:
        request_training: called when a face was removed from a template.
        planned: returns the marks of planned absences.
        forget: called before a session is removed; removes what is kept beside it.
    """

    def __init__(
        self,
        students: StudentStore,
        sessions: SessionStore,
        request_training: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        planned: PlannedMarks = nothing_planned,
        forget: Callable[[SessionId], object] = lambda _: None,
    ) -> None:
        self._students = students
        self._sessions = sessions
        self._request_training = request_training
        self._now = now
        self._planned = planned
        self._forget = forget

    def mark(
        self,
        session_id: SessionId,
        wanted: Mapping[StudentId, MarkStatus | MarkByHand],
        by: UserId,
        expected: int | None = None,
        *,
        reason: str = "",
    ) -> Session:
        """Set marks by hand, all or none; no photo changes them afterwards.

        Any student in the group can be marked, and any student who already has a mark in the session.

        Args:
            wanted: a status alone stands for a mark without a code of its own, minutes and a new remark.
            reason: why, kept with the changes.

        Raises:
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed.
            InvalidRequest: a mark is malformed, or a text is too long.
            NotInGroup: a student is not in the group.
            VersionConflict: the session has a different version.
        """
        by_hand = {
            student: MarkByHand(status=mark) if isinstance(mark, MarkStatus) else mark
            for student, mark in wanted.items()
        }

        def correction(session: Session) -> Correction:
            marks = self._sessions.marks(session_id)
            marked = {mark.student_id for mark in marks}
            for student_id in by_hand.keys() - marked:
                self.member(student_id, session.group_id)
            photos = self._sessions.photos(session_id)
            return set_marks(by_hand, photos, marks, by=by, at=self._now(), reason=reason)

        return self.amend(session_id, expected, correction)

    def clear(
        self, session_id: SessionId, students: Collection[StudentId], by: UserId, expected: int | None = None
    ) -> Session:
        """Remove the marks that people set by hand for these students, so that photos decide again.

        Marks that nobody set by hand stay. This undoes `mark`.

        Raises:
            SessionNotFound: no session has this id.
            NotInGroup: a student has no mark in the session and is not in the group.
            VersionConflict: the session has a different version.
        """

        def correction(session: Session) -> Correction:
            photos, marks = self._sessions.photos(session_id), self._sessions.marks(session_id)
            for student_id in set(students) - {mark.student_id for mark in marks}:
                self.member(student_id, session.group_id)
            check_open(session)
            planned = self._planned(session, students)
            return clear_marks(
                students, photos, marks, planned=planned, opened_at=session.started_at, by=by, at=self._now()
            )

        return self.amend(session_id, expected, correction)

    def name(
        self,
        session_id: SessionId,
        face_id: FaceId,
        student_id: StudentId | None,
        by: UserId,
        expected: int | None = None,
        *,
        learned: bool = False,
    ) -> Session:
        """Name a face, or with None declare that it shows no student of the group; marks are updated.

        If the face no longer belongs to a student, the embedding learned from it is removed.

        Args:
            learned: stored with the change; `Learning` does the rest.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: the session has no such face.
            NotInGroup: the student is not in the group.
            NotRegistered: the student does not agree to be recognised, or has not been asked.
            VersionConflict: the session has a different version.
        """

        def correction(session: Session) -> Correction:
            photos = self._sessions.photos(session_id)
            photo = photo_of(photos, face_id)
            if student_id is not None:
                check_recognisable(self.member(student_id, session.group_id))
            return name_face(
                photo,
                face_id,
                student_id,
                others=[other for other in photos if other.id != photo.id],
                marks=self._sessions.marks(session_id),
                decided=last_decisions(self._sessions.changes(session_id)),
                by=by,
                at=self._now(),
                learned=learned,
                planned=self._planned(session, _named([photo], student_id)),
            )

        return self.amend(session_id, expected, correction)

    def confirm(
        self,
        session_id: SessionId,
        proposals: Mapping[FaceId, StudentId],
        by: UserId,
        expected: int | None = None,
    ) -> Session:
        """Confirm the students proposed for faces, all or none; marks are updated.

        Args:
            proposals: the student proposed for each face.

        Raises:
            SessionNotFound: no session has this id.
            InvalidRequest: a student is named twice, or there are no faces or more than `MAX_CONFIRMED_FACES`.
            FaceNotFound: a face is not in this session.
            ProposalChanged: a face is not proposed as that student, or no longer.
            NotInGroup: a student is not in the group.
            NotRegistered: a student does not agree to be recognised, or has not been asked.
            VersionConflict: the session has a different version.
        """
        if not 1 <= len(proposals) <= MAX_CONFIRMED_FACES:
            raise InvalidRequest(f"Confirm 1 to {MAX_CONFIRMED_FACES} faces at once, not {len(proposals)}.")
        named = Counter(proposals.values())
        if twice := [student_id for student_id, times in named.items() if times > 1]:
            raise InvalidRequest(f"{twice[0]} is listed twice. Confirm one face per student.")

        def correction(session: Session) -> Correction:
            photos, marks = self._sessions.photos(session_id), self._sessions.marks(session_id)
            said = last_decisions(self._sessions.changes(session_id))
            planned = self._planned(session, _named(photos))
            confirmed = confirm_faces(proposals, photos, marks, said, by=by, at=self._now(), planned=planned)
            roster = {student.id: student for student in self._students.find(session.group_id)}
            for student_id in proposals.values():
                check_recognisable(_member(roster.get(student_id), student_id, session.group_id))
            return confirmed

        return self.amend(session_id, expected, correction)

    def remove_photo(
        self, session_id: SessionId, photo_id: PhotoId, by: UserId, expected: int | None = None
    ) -> Session:
        """Remove a photo with its faces and files, and the embeddings learned from them; marks are updated.

        Students who appear in no other photo of the session are in review or absent again, unless marked by hand.

        Raises:
            SessionNotFound: no session has this id.
            PhotoNotFound: the session has no such photo.
            VersionConflict: the session has a different version.
        """

        def correction(session: Session) -> Correction:
            photos = self._sessions.photos(session_id)
            for photo in photos:
                if photo.id == photo_id:
                    others = [other for other in photos if other.id != photo_id]
                    marks = self._sessions.marks(session_id)
                    planned = self._planned(session, _named([photo]))
                    return remove_photo(photo, others, marks, by=by, at=self._now(), planned=planned)
            raise PhotoNotFound(f"The session {session_id} has no photo {photo_id[:80]}: read its photos again.")

        return self.amend(session_id, expected, correction)

    def remove(self, session_id: SessionId, expected: int | None = None, *, by: UserId = OPERATOR.user_id) -> None:
        """Remove a session with its photos and marks, and the embeddings learned from its faces.

        A closed register has to be reopened first, by admins too; only retention removes closed registers. The session
        is closed first, in one step, so that either nothing is removed or nothing changes any more. A removal that was
        interrupted can be repeated.

        Raises:
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed.
            VersionConflict: the session has a different version.
        """
        session = self.amend(
            session_id, expected, lambda session: begin_removal(session, by=by, at=self._now()), closed_too=True
        )
        said = last_decisions(self._sessions.changes(session_id))
        faces = [
            *((change.after[1], face_id) for face_id, change in said.items() if change.learned),
            *((face.student_id, face.face_id) for photo in self._sessions.photos(session_id) for face in photo.faces),
        ]
        named = tuple(dict.fromkeys((student_id, face_id) for student_id, face_id in faces if student_id is not None))
        self._unlearn(session, named)
        self._forget(session_id)
        self._sessions.remove(session_id)
        # Another process may have learned from a face, or added a guest, just before the session was closed.
        self._unlearn(session, named)
        self._forget(session_id)

    def member(self, student_id: StudentId, group_id: GroupId) -> Student:
        """Return a student in a group.

        Raises:
            NotInGroup: the group has no student with this id.
        """
        try:
            student = self._students.get(student_id)
        except StudentNotFound:
            student = None
        return _member(student, student_id, group_id)

    def amend(
        self,
        session_id: SessionId,
        expected: int | None,
        correction: Callable[[Session], Correction],
        *,
        closed_too: bool = False,
    ) -> Session:
        """Apply a correction to the latest version of a session, or to the expected one.

        Args:
            correction: returns the writes that a session needs; called again after a conflict.
            closed_too: whether a closed register may change.

        Raises:
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed.
            VersionConflict: the session has a different version.
        """
        for _ in range(_ATTEMPTS):
            session = self._sessions.get(session_id)
            _check_version(session, expected)
            if not closed_too:
                check_open(session)
            needed = correction(session)
            # Before the change: if the process is killed after it, repeating the request completes the change. And
            # after the change: until then another process may learn from the face, which still has its old name.
            self._unlearn(session, needed.unlearn)
            if not needed.changes:
                return session
            try:
                amended = self._sessions.amend(
                    session_id,
                    session.version,
                    marks=needed.marks,
                    faces=needed.faces,
                    changes=needed.changes,
                    photo_removed=needed.photo_removed,
                )
            except VersionConflict:
                if expected is not None:
                    raise
            else:
                self._unlearn(session, needed.unlearn)
                return amended
        raise VersionConflict(f"The session {session_id} is being changed by several people at once. Try again.")

    def _unlearn(self, session: Session, faces: tuple[tuple[StudentId, FaceId], ...]) -> None:
        if len(faces) > _FEW_FACES:
            # Most faces were not learned; reading all templates of a group costs little.
            templates = {t.student_id: t.learned_ids for t in self._students.templates(session.group_id)}
            faces = tuple((student, face) for student, face in faces if face in templates.get(student, (face,)))
        unlearned = [self._students.unlearn(student_id, face_id) for student_id, face_id in faces]
        if any(unlearned):
            self._request_training()


def _named(photos: Iterable[SessionPhoto], also: StudentId | None = None) -> set[StudentId]:
    """Return the students who are named on faces of the photos."""
    named = {face.student_id for photo in photos for face in photo.faces} | {also}
    return {student_id for student_id in named if student_id is not None}


def photo_of(photos: list[SessionPhoto], face_id: FaceId) -> SessionPhoto:
    """Return the photo that shows a face.

    Raises:
        FaceNotFound: no photo shows it.
    """
    for photo in photos:
        if any(face.face_id == face_id for face in photo.faces):
            return photo
    raise FaceNotFound(f"The session has no face {face_id[:80]}: read its photos again.")


def _member(student: Student | None, student_id: StudentId, group_id: GroupId) -> Student:
    if student is None or group_id not in student.groups:
        # Whether another group has such a student is not revealed.
        raise NotInGroup(f"{student_id} is not in the group {group_id}. Add the student to the group first.")
    return student


def check_recognisable(student: Student) -> None:
    """Refuse a student whose faces may not be named.

    Raises:
        NotRegistered: the student does not agree to be recognised, or has not been asked.
    """
    if student.state is not StudentState.REGISTERED:
        raise NotRegistered(
            f"{student.id} is not registered with a photo, or no longer agrees to be recognised. "
            "Mark the student by hand instead."
        )


def _check_version(session: Session, expected: int | None) -> None:
    if expected is not None and session.version != expected:
        raise VersionConflict(f"The session {session.id} was changed since you read it. Read it again.")
