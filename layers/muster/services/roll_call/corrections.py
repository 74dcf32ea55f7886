"""What people decide of a session: whose a face is, and who was there."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from muster.domain.attendance import MarkStatus, Session, SessionPhoto
from muster.domain.corrections import (
    MAX_CONFIRMED_FACES,
    Correction,
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
from muster.storage.ports import SessionStore, StudentStore

_ATTEMPTS = 10
"""A class of teachers correcting one session at once still gets through."""

_FEW_FACES = 3
"""Faces whose students' templates are read one by one."""


class Corrections:
    """The use cases of correcting.

    Without a version each makes its change in whatever is there, again where somebody else was faster; with one it
    refuses to change what the person has not seen.

    Args:
        request_training: called when a template lost a face that it was learned from.
    """

    def __init__(
        self,
        students: StudentStore,
        sessions: SessionStore,
        request_training: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._students = students
        self._sessions = sessions
        self._request_training = request_training
        self._now = now

    def mark(
        self,
        session_id: SessionId,
        statuses: Mapping[StudentId, MarkStatus],
        by: UserId,
        expected: int | None = None,
    ) -> Session:
        """Set marks by hand, all or none; no photo changes them afterwards.

        Whoever is in the group can be marked, joined later or not recognisable, and who has a mark here already.

        Raises:
            SessionNotFound: no session has this id.
            NotInGroup: someone is not of the group.
            VersionConflict: the session is of another version.
        """

        def correction(session: Session) -> Correction:
            marks = self._sessions.marks(session_id)
            marked = {mark.student_id for mark in marks}
            for student_id in statuses.keys() - marked:
                self.member(student_id, session.group_id)
            photos = self._sessions.photos(session_id)
            return set_marks(statuses, photos, marks, by=by, at=self._now())

        return self._amended(session_id, expected, correction)

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
        """Say whose a face is, or with None that it is nobody's of this group; marks follow.

        What a student was learned from by a face is unlearned when the face is theirs no more.

        Args:
            learned: kept with the change; `Learning` does the rest.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: the face is not of this session.
            NotInGroup: the student is not of the group.
            NotRegistered: the student does not agree to be recognised, or has not been asked.
            VersionConflict: the session is of another version.
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
            )

        return self._amended(session_id, expected, correction)

    def confirm(
        self,
        session_id: SessionId,
        proposals: Mapping[FaceId, StudentId],
        by: UserId,
        expected: int | None = None,
    ) -> Session:
        """Confirm the students whom faces are proposed as, all or none; marks follow.

        Args:
            proposals: the student of each face, as a question named them.

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
            raise InvalidRequest(f"{twice[0]} is named twice: confirm one face of each student.")

        def correction(session: Session) -> Correction:
            photos, marks = self._sessions.photos(session_id), self._sessions.marks(session_id)
            said = last_decisions(self._sessions.changes(session_id))
            confirmed = confirm_faces(proposals, photos, marks, said, by=by, at=self._now())
            roster = {student.id: student for student in self._students.find(session.group_id)}
            for student_id in proposals.values():
                check_recognisable(_member(roster.get(student_id), student_id, session.group_id))
            return confirmed

        return self._amended(session_id, expected, correction)

    def remove_photo(
        self, session_id: SessionId, photo_id: PhotoId, by: UserId, expected: int | None = None
    ) -> Session:
        """Remove a photo with its faces and files, and what was learned from them; marks follow.

        Students whom no other photo of the session shows are in review or absent again, unless marked by hand.

        Raises:
            SessionNotFound: no session has this id.
            PhotoNotFound: the photo is not of this session.
            VersionConflict: the session has a different version.
        """

        def correction(session: Session) -> Correction:
            photos = self._sessions.photos(session_id)
            for photo in photos:
                if photo.id == photo_id:
                    others = [other for other in photos if other.id != photo_id]
                    marks = self._sessions.marks(session_id)
                    return remove_photo(photo, others, marks, by=by, at=self._now())
            raise PhotoNotFound(f"The session {session_id} has no photo {photo_id[:80]}: read its photos again.")

        return self._amended(session_id, expected, correction)

    def remove(self, session_id: SessionId, expected: int | None = None) -> None:
        """Remove a session with all that belongs to it, and what was learned from its faces.

        Raises:
            SessionNotFound: no session has this id.
            VersionConflict: the session is of another version.
        """
        session = self._sessions.get(session_id)
        _check_version(session, expected)
        said = last_decisions(self._sessions.changes(session_id))
        faces = [
            *((change.after[1], face_id) for face_id, change in said.items() if change.learned),
            *((face.student_id, face.face_id) for photo in self._sessions.photos(session_id) for face in photo.faces),
        ]
        named = tuple(dict.fromkeys((student_id, face_id) for student_id, face_id in faces if student_id is not None))
        self._unlearn(session, named)
        self._sessions.remove(session_id)
        self._unlearn(session, named)

    def member(self, student_id: StudentId, group_id: GroupId) -> Student:
        """Return a student of a group.

        Raises:
            NotInGroup: there is none of this id in it.
        """
        try:
            student = self._students.get(student_id)
        except StudentNotFound:
            student = None
        return _member(student, student_id, group_id)

    def _amended(
        self, session_id: SessionId, expected: int | None, correction: Callable[[Session], Correction]
    ) -> Session:
        for _ in range(_ATTEMPTS):
            session = self._sessions.get(session_id)
            _check_version(session, expected)
            needed = correction(session)
            # Before the change itself: cut off in between, the same request sent again does what is left. And after
            # it: until then another process may learn from a face, since it still has its name.
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
        raise VersionConflict(f"The session {session_id} is being changed by many at once: try again.")

    def _unlearn(self, session: Session, faces: tuple[tuple[StudentId, FaceId], ...]) -> None:
        if len(faces) > _FEW_FACES:
            # Most faces taught nothing; the templates of a group cost a few reads.
            templates = {t.student_id: t.learned_ids for t in self._students.templates(session.group_id)}
            faces = tuple((student, face) for student, face in faces if face in templates.get(student, (face,)))
        unlearned = [self._students.unlearn(student_id, face_id) for student_id, face_id in faces]
        if any(unlearned):
            self._request_training()


def photo_of(photos: list[SessionPhoto], face_id: FaceId) -> SessionPhoto:
    """Return the photo that shows a face.

    Raises:
        FaceNotFound: none does.
    """
    for photo in photos:
        if any(face.face_id == face_id for face in photo.faces):
            return photo
    raise FaceNotFound(f"The session has no face {face_id[:80]}: read its photos again.")


def _member(student: Student | None, student_id: StudentId, group_id: GroupId) -> Student:
    if student is None or group_id not in student.groups:
        # Whether another group has such a student is not said.
        raise NotInGroup(f"{student_id} is not in the group {group_id}: add the student to the group first.")
    return student


def check_recognisable(student: Student) -> None:
    """Refuse a student whose faces may not be kept under their name.

    Raises:
        NotRegistered: the student does not agree to be recognised, or has not been asked.
    """
    if student.state is not StudentState.REGISTERED:
        raise NotRegistered(
            f"{student.id} is not registered with a photo, or no longer agrees to be recognised: "
            "mark the student by hand instead."
        )


def _check_version(session: Session, expected: int | None) -> None:
    if expected is not None and session.version != expected:
        raise VersionConflict(f"The session {session.id} was changed in the meantime: read it again.")
