"""Records of sessions, and the items that say which sessions mention a student."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from muster.domain.errors import SessionNotFound
from muster.domain.identifiers import SessionId, StudentId
from muster.storage.aws import keys, student_items
from muster.storage.aws.session_items import record_key
from muster.storage.aws.table import ConditionFailed, Item, Table, wait

# Two photos of one session rarely meet; a class of phones sending at once still gets through.
_ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class Involved:
    """Those of some students who may be mentioned in a session.

    Attributes:
        enrolled: who has a record, and so may have a mark.
        nameable: those of them who did not withdraw consent, so that a face may be theirs.
    """

    enrolled: frozenset[StudentId]
    nameable: frozenset[StudentId]


class SessionRecords:
    """Reads records, and writes them if nobody else did in between.

    A record's revision counts every write, so that rivals read again and try again. Its version is what people see: it
    counts changes of marks and faces.

    Each student whom a session mentions has an item that says so, written before the session is: it leads an erasure to
    every session. The erasure raises the revision of each, so that a photo under way reads again, finds the student
    gone and leaves them out.
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

    def raised(self, record: Item, *, changed: bool) -> Item:
        """Return the action of writing a record, if it is still the one that was read.

        Args:
            changed: marks or faces are not what they were, so that the version counts on.
        """
        read = record["revision"]
        written = {**record, "revision": read + 1, "version": record["version"] + changed}
        return self._table.putting(written, "revision = :read", {":read": read})

    def again(self, attempt: Callable[[], None]) -> None:
        """Try until no rival was in between.

        Raises:
            ConditionFailed: there was one each time.
        """
        for number in range(_ATTEMPTS):
            try:
                attempt()
            except ConditionFailed:
                if number == _ATTEMPTS - 1:
                    raise
            else:
                return
            wait(number)

    def involve(self, session_id: SessionId, students: Collection[StudentId]) -> tuple[Item, Involved]:
        """Say of students that the session mentions them; return the record as read then, and who of them is there.

        Mentions first, then the record, then who is there: an erasure in between raises the revision.
        """
        record = self.read(session_id)
        new = set(students) - set(record["mentioned"])
        mentioned = self.look_up(new).enrolled
        if mentioned:
            self.mention(session_id, mentioned)
            record = self.read(session_id)
        involved = self.look_up(students)
        self.take_back(session_id, mentioned - involved.enrolled)
        return record, involved

    def look_up(self, students: Iterable[StudentId]) -> Involved:
        """Return who of some students is there."""
        wanted = {student_items.record_key(student): student for student in students}
        found = self._table.get_many(list(wanted), attributes=["photo", "consent_withdrawn_at"])
        nameable = (
            wanted[key] for key, record in found.items() if "photo" in record or "consent_withdrawn_at" not in record
        )
        return Involved(frozenset(wanted[key] for key in found), frozenset(nameable))

    def mention(self, session_id: SessionId, students: Iterable[StudentId]) -> None:
        """Write that a session mentions students."""
        self._table.put_many(
            [
                {"pk": keys.student_partition(student), "sk": keys.mention(session_id), "session": session_id}
                for student in students
            ]
        )

    def take_back(self, session_id: SessionId, students: Iterable[StudentId]) -> None:
        """Delete the mentions of students who were erased before these were written."""
        for student in students:
            gone = self._table.checking(student_items.record_key(student), "attribute_not_exists(pk)")
            mention = (keys.student_partition(student), keys.mention(session_id))
            try:
                self._table.together([gone, self._table.deleting(mention)])
            except ConditionFailed:
                # Somebody has the id again, and the next erasure finds the mention.
                continue
