"""Looking up and erasing students."""

from collections.abc import Callable

from muster.domain.identifiers import GroupId, StudentId
from muster.domain.student import Student
from muster.storage.ports import HeadStore, StudentStore


class Roster:
    """The use cases on registered students."""

    def __init__(self, students: StudentStore, heads: HeadStore, request_training: Callable[[], None]) -> None:
        self._students = students
        self._heads = heads
        self._request_training = request_training

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id."""
        return self._students.find(group_id)

    def get(self, student_id: StudentId) -> Student:
        """Return one student.

        Raises:
            StudentNotFound: nobody has this id.
        """
        return self._students.get(student_id)

    def erase(self, student_id: StudentId) -> None:
        """Erase a student and every head, since each may have been trained on them; a new one is asked for.

        The heads go first: killed in between, the student is still there to be erased again, and no head is. They go
        once more afterwards: a training run under way may have stored one in between (`TrainingRun` watches the rest).

        Raises:
            StudentNotFound: nobody has this id.
        """
        self._students.get(student_id)
        self._heads.delete_all()
        self._students.erase(student_id)
        self._heads.delete_all()
        self._request_training()
