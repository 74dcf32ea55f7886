"""Steps of erasures and withdrawals that follow the deletion of the student's own items."""

from muster.domain.identifiers import StudentId
from muster.storage.aws import keys
from muster.storage.aws.idempotency import AwsIdempotency
from muster.storage.aws.objects import Objects
from muster.storage.aws.session_erasure import SessionErasure
from muster.storage.aws.table import Item, Key, Table


class PendingErasures:
    """Erases students from sessions, objects and stored responses; an interrupted erasure can be continued.

    The transaction that deletes the template also notes the erasure. If the process is killed afterwards, the next
    change of the student or the daily sweep completes it.
    """

    def __init__(
        self, table: Table, objects: Objects, session_erasure: SessionErasure, idempotency: AwsIdempotency
    ) -> None:
        self._table = table
        self._objects = objects
        self._session_erasure = session_erasure
        self._idempotency = idempotency

    def put_action(self, record: Item, staged: Item | None, *, whole: bool) -> Item:
        """Return the transaction action that notes an erasure; it fails if one is pending.

        Args:
            record: the student's record as it was read.
            staged: the student's template of another pack, read after the record.
            whole: whether the student is erased. Otherwise consent was withdrawn, and the record, marks and changes
                stay.
        """
        copies = [item["training_copy"] for item in (record, staged or {}) if "training_copy" in item]
        note = {
            "pk": keys.ERASURES,
            "sk": record["id"],
            "photos": [record["photo"]] if "photo" in record else [],
            "models": copies,
            "whole": whole,
        }
        return self._table.put_action(note, "attribute_not_exists(pk)")

    def check_none_action(self, student_id: StudentId) -> Item:
        """Return the transaction action that fails if an erasure of the student is pending."""
        return self._table.condition_check(_key(student_id), "attribute_not_exists(pk)")

    def finish(self, student_id: StudentId) -> None:
        """Complete the erasure of a student, if one is pending."""
        note = self._table.get(_key(student_id))
        if note is not None:
            self._finish(note)

    def finish_all(self) -> None:
        """Complete all pending erasures."""
        for note in self._table.query(keys.ERASURES):
            self._finish(note)

    def _finish(self, note: Item) -> None:
        student_id, whole = StudentId(note["sk"]), bool(note["whole"])
        for mention in self._table.query(keys.student_partition(student_id), keys.SESSION_PREFIX):
            self._session_erasure.erase_students(mention["session"], {student_id}, whole=whole)
            if whole:
                self._table.delete((mention["pk"], mention["sk"]))
        self._objects.delete(self._objects.pending.new_entry(note["photos"], note["models"]))
        if whole:
            self._idempotency.clear()
        self._table.delete((note["pk"], note["sk"]))


def _key(student_id: StudentId) -> Key:
    return keys.ERASURES, student_id
