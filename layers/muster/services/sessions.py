"""Reading roll calls back."""

from collections.abc import Mapping
from dataclasses import dataclass

from muster.domain.attendance import Mark, Session, SessionPhoto
from muster.domain.identifiers import SessionId, StudentId
from muster.storage.ports import SessionStore, StudentStore


@dataclass(frozen=True, slots=True)
class RollCall:
    """A session as it stands: its photos in the order received, its marks by student id, the names of its group."""

    session: Session
    photos: tuple[SessionPhoto, ...]
    marks: tuple[Mark, ...]
    names: Mapping[StudentId, str]


class Sessions:
    """The use cases on sessions."""

    def __init__(self, students: StudentStore, sessions: SessionStore) -> None:
        self._students = students
        self._sessions = sessions

    def get(self, session_id: SessionId) -> RollCall:
        """Return a session with its photos and marks.

        Raises:
            SessionNotFound: no session has this id.
        """
        session = self._sessions.get(session_id)
        names = {student.id: student.name for student in self._students.find(session.group_id)}
        photos, marks = self._sessions.photos(session_id), self._sessions.marks(session_id)
        return RollCall(session, tuple(photos), tuple(marks), names)
