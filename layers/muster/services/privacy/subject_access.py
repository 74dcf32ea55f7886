"""Subject access: all data that is stored about one student (GDPR Art. 15)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from muster.domain.absences import PlannedAbsence
from muster.domain.attendance import Mark, MarkChange, Session
from muster.domain.documents import OF_STUDENTS, DocumentKind
from muster.domain.errors import NotRegistered, StudentNotFound
from muster.domain.faces import IdentifiedFace
from muster.domain.guests import Visit
from muster.domain.identifiers import PhotoId, StudentId
from muster.domain.student import LearnedFace, Student
from muster.domain.taken import visible_marks
from muster.storage.ports import DocumentStore, SessionStore, StudentStore


@dataclass(frozen=True, slots=True)
class SubjectData:
    """The data stored about a student.

    Attributes:
        registration_photo: whether it is stored.
        embeddings: number of rows of the template.
        learned: the faces that the template learned from.
        changes: what people changed in the student's marks, with their reasons.
        documents: contacts and notices, by kind.
        marks, faces: from all sessions, oldest first; sessions that are not taken have no absences.
        visits: sessions of other groups in which the student is or was a guest.
    """

    student: Student
    registration_photo: bool
    embeddings: int
    learned: tuple[LearnedFace, ...]
    marks: tuple[tuple[Session, Mark], ...]
    faces: tuple[tuple[Session, PhotoId, IdentifiedFace], ...]
    changes: tuple[tuple[Session, MarkChange], ...] = ()
    absences: tuple[PlannedAbsence, ...] = ()
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    visits: tuple[Visit, ...] = ()


class SubjectAccess:
    """Collects the data stored about a student."""

    def __init__(
        self,
        students: StudentStore,
        sessions: SessionStore,
        documents: DocumentStore,
        absences: Callable[[StudentId], Collection[PlannedAbsence]] = lambda _: (),
        visits: Callable[[StudentId], Collection[Visit]] = lambda _: (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._documents = documents
        self._students = students
        self._sessions = sessions
        self._absences = absences
        self._visits = visits
        self._now = now

    def of(self, student_id: StudentId) -> SubjectData:
        """Return all data, including that from groups that the student has left.

        Raises:
            StudentNotFound: nobody has this id.
        """
        student = self._students.get(student_id)
        embeddings, learned = self._template(student_id)
        marks: list[tuple[Session, Mark]] = []
        faces: list[tuple[Session, PhotoId, IdentifiedFace]] = []
        changes: list[tuple[Session, MarkChange]] = []
        now = self._now()
        # Every student who is named on a face has a mark.
        for roll_call in self._sessions.roll_calls_of_student(student_id):
            session = roll_call.session
            marks += [(session, mark) for mark in visible_marks(roll_call, now) if mark.student_id == student_id]
            faces += [
                (session, photo.id, face)
                for photo in self._sessions.photos(session.id)
                for face in photo.faces
                if face.student_id == student_id
            ]
            changes += [
                (session, change)
                for change in self._sessions.changes(session.id)
                if isinstance(change, MarkChange) and change.student_id == student_id
            ]
        return SubjectData(
            student,
            self._has_photo(student_id),
            embeddings,
            learned,
            tuple(marks),
            tuple(faces),
            tuple(changes),
            tuple(self._absences(student_id)),
            self._of_student(student_id),
            tuple(self._visits(student_id)),
        )

    def _of_student(self, student_id: StudentId) -> dict[str, Mapping[str, Any]]:
        found = {
            kind.value: self._documents.get(kind, student_id) for kind in sorted(OF_STUDENTS - {DocumentKind.ABSENCES})
        }
        return {kind: document.body for kind, document in found.items() if document.version}

    def _template(self, student_id: StudentId) -> tuple[int, tuple[LearnedFace, ...]]:
        try:
            template = self._students.template(student_id)
        except NotRegistered:
            return 0, ()
        return len(template.embeddings), template.learned

    def _has_photo(self, student_id: StudentId) -> bool:
        try:
            self._students.photo(student_id)
        except StudentNotFound:
            return False
        return True
