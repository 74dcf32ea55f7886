"""The records of sessions, and the mentions that lead from a student to sessions."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from muster.domain.errors import SessionNotFound
from muster.domain.identifiers import SessionId, StudentId
from muster.storage.aws import keys, student_items
from muster.storage.aws.session_items import record_key
from muster.storage.aws.table import ConditionFailed, Item, Table, back_off

# Two photos of one session rarely conflict, but a class of phones that send at once must get through.
_ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class KnownStudents:
    """Students that a session may mention.

    Attributes:
        enrolled: students with a record; they may have a mark.
        nameable: those of them who did not withdraw consent; a face may name them.
    """

    enrolled: frozenset[StudentId]
    nameable: frozenset[StudentId]


class SessionRecords:
    """Reads records and writes them with optimistic locking.

    A record's revision counts every write, so that concurrent writers notice each other and retry. Its version, which
    people see, counts changes of marks and faces.

    Each student that a session mentions has an item, the mention, which is written before the session. It leads an
    erasure to every session. The erasure raises the revision of each session, so a writer that is storing a photo reads
    again, finds the student gone and leaves them out.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, session_id: SessionId) -> Item:
        """Return a record.

        Raises:
            SessionNotFound: no session has this id.
        """
        record = self._table.get(record_key(session_id))
        if record is None:
            raise SessionNotFound(f"There is no session {session_id}: check the id, or open the session first.")
        return record

    def put_next_revision(self, record: Item, *, changed: bool) -> Item:
        """Return the transaction action that writes a record, if its revision is still the one that was read.

        Args:
            changed: whether marks or faces changed, which raises the version.
        """
        read = record["revision"]
        written = {**record, "revision": read + 1, "version": record["version"] + changed}
        return self._table.put_action(written, "revision = :read", {":read": read})

    def retry_on_conflict(self, attempt: Callable[[], None]) -> None:
        """Call `attempt` until no condition fails.

        Raises:
            ConditionFailed: a condition failed at every attempt.
        """
        for number in range(_ATTEMPTS):
            try:
                attempt()
            except ConditionFailed:
                if number == _ATTEMPTS - 1:
                    raise
            else:
                return
            back_off(number)

    def load_with_mentions(self, session_id: SessionId, students: Collection[StudentId]) -> tuple[Item, KnownStudents]:
        """Record that the session mentions these students; return the session's record and the students that exist.

        The mentions are written first, then the record is read, then the students: an erasure that comes between raises
        the revision.
        """
        record = self.read(session_id)
        new = set(students) - set(record["mentioned"])
        mentioned = self.find_students(new).enrolled
        if mentioned:
            self.put_mentions(session_id, mentioned)
            record = self.read(session_id)
        known = self.find_students(students)
        self.delete_mentions(session_id, mentioned - known.enrolled)
        return record, known

    def find_students(self, students: Iterable[StudentId]) -> KnownStudents:
        """Return which of the students exist."""
        wanted = {student_items.record_key(student): student for student in students}
        found = self._table.get_many(list(wanted), attributes=["photo", "consent_withdrawn_at"])
        nameable = (
            wanted[key] for key, record in found.items() if "photo" in record or "consent_withdrawn_at" not in record
        )
        return KnownStudents(frozenset(wanted[key] for key in found), frozenset(nameable))

    def put_mentions(self, session_id: SessionId, students: Iterable[StudentId]) -> None:
        """Record that a session mentions students."""
        self._table.put_many(
            [
                {"pk": keys.student_partition(student), "sk": keys.mention(session_id), "session": session_id}
                for student in students
            ]
        )

    def delete_mentions(self, session_id: SessionId, students: Iterable[StudentId]) -> None:
        """Delete mentions that were written after their students had been erased."""
        for student in students:
            erased = self._table.condition_check(student_items.record_key(student), "attribute_not_exists(pk)")
            mention = (keys.student_partition(student), keys.mention(session_id))
            try:
                self._table.transact_write([erased, self._table.delete_action(mention)])
            except ConditionFailed:
                # The id was given to a new student, whose erasure will find the mention.
                continue
