"""All that is kept of one student, for whoever asks what that is."""

from dataclasses import dataclass

from muster.domain.attendance import Mark, Session
from muster.domain.errors import NotRegistered, StudentNotFound
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PhotoId, StudentId
from muster.domain.student import Student
from muster.storage.ports import GroupStore, SessionStore, StudentStore


@dataclass(frozen=True, slots=True)
class SubjectData:
    """What is kept of a student.

    Attributes:
        registration_photo: whether it is kept.
        embeddings: rows of the template.
        learned: the faces that the last of them were learned from.
        marks, faces: of all sessions, oldest first.
    """

    student: Student
    registration_photo: bool
    embeddings: int
    learned: tuple[FaceId, ...]
    marks: tuple[tuple[Session, Mark], ...]
    faces: tuple[tuple[Session, PhotoId, IdentifiedFace], ...]


class SubjectAccess:
    """The use case of answering a student (GDPR Art. 15)."""

    def __init__(self, groups: GroupStore, students: StudentStore, sessions: SessionStore) -> None:
        self._groups = groups
        self._students = students
        self._sessions = sessions

    def of(self, student_id: StudentId) -> SubjectData:
        """Gather everything; reads each session of each group, since a student may have left some.

        Raises:
            StudentNotFound: nobody has this id.
        """
        student = self._students.get(student_id)
        embeddings, learned = self._template(student_id)
        marks: list[tuple[Session, Mark]] = []
        faces: list[tuple[Session, PhotoId, IdentifiedFace]] = []
        for group_id in sorted(student.groups | {group.id for group in self._groups.find()}):
            self._gather(group_id, student_id, marks, faces)
        return SubjectData(
            student,
            self._has_photo(student_id),
            embeddings,
            learned,
            tuple(sorted(marks, key=lambda pair: pair[0].started_at)),
            tuple(sorted(faces, key=lambda triple: triple[0].started_at)),
        )

    def _gather(
        self,
        group_id: GroupId,
        student_id: StudentId,
        marks: list[tuple[Session, Mark]],
        faces: list[tuple[Session, PhotoId, IdentifiedFace]],
    ) -> None:
        for roll_call in self._sessions.roll_calls(group_id):
            session = roll_call.session
            own = [(session, mark) for mark in roll_call.marks if mark.student_id == student_id]
            if not own:
                # Whoever is named on a face has a mark.
                continue
            marks += own
            faces += [
                (session, photo.id, face)
                for photo in self._sessions.photos(session.id)
                for face in photo.faces
                if face.student_id == student_id
            ]

    def _template(self, student_id: StudentId) -> tuple[int, tuple[FaceId, ...]]:
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
