"""What an erasure, or a withdrawal of consent, still has to do once the student's own items are gone."""

from muster.domain.identifiers import StudentId
from muster.storage.aws import keys
from muster.storage.aws.forgetting import Forgetting
from muster.storage.aws.idempotency import AwsIdempotency
from muster.storage.aws.objects import Objects
from muster.storage.aws.table import Item, Key, Table


class Erasures:
    """Cleans sessions, objects and stored responses, however often it is cut off.

    The transaction that removes the template notes what is left to do. If it is the last thing that a process does, the
    daily sweep, or whoever changes the student next, does the rest.
    """

    def __init__(self, table: Table, objects: Objects, forgetting: Forgetting, idempotency: AwsIdempotency) -> None:
        self._table = table
        self._objects = objects
        self._forgetting = forgetting
        self._idempotency = idempotency

    def noting(self, record: Item, *, whole: bool) -> Item:
        """Return the action of noting, in a transaction, what is left to do; it fails if there is a note already.

        Args:
            record: the student's, as it was read.
            whole: the student is erased; else consent was withdrawn, and record, marks and changes stay.
        """
        note = {
            "pk": keys.ERASURES,
            "sk": record["id"],
            "photos": [record["photo"]] if "photo" in record else [],
            "models": [record["training_copy"]] if "training_copy" in record else [],
            "whole": whole,
        }
        return self._table.putting(note, "attribute_not_exists(pk)")

    def none_noted(self, student_id: StudentId) -> Item:
        """Return the action of asking, in a transaction, that nothing is left to do."""
        return self._table.checking(_key(student_id), "attribute_not_exists(pk)")

    def finish(self, student_id: StudentId) -> None:
        """Do what is left to do for a student, if anything is."""
        note = self._table.get(_key(student_id))
        if note is not None:
            self._finish(note)

    def finish_all(self) -> None:
        """Do what is left to do for anyone."""
        for note in self._table.query(keys.ERASURES):
            self._finish(note)

    def _finish(self, note: Item) -> None:
        student_id, whole = StudentId(note["sk"]), bool(note["whole"])
        for mention in self._table.query(keys.student_partition(student_id), keys.SESSION_PREFIX):
            self._forgetting.forget(mention["session"], {student_id}, whole=whole)
            if whole:
                self._table.delete((mention["pk"], mention["sk"]))
        self._objects.delete(self._objects.enter(note["photos"], note["models"]))
        if whole:
            self._idempotency.clear()
        self._table.delete((note["pk"], note["sk"]))


def _key(student_id: StudentId) -> Key:
    return keys.ERASURES, student_id
