"""The training copies that are still to be written."""

from muster.domain.identifiers import StudentId
from muster.domain.student import Template
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.student_items import read_template, record_key, template_key
from muster.storage.aws.table import ConditionFailed, Item, Table
from muster.storage.training_copy import training_copy


class DueCopies:
    """Training reads copies of the templates in the models' bucket, and the event of a new copy asks for a retrain.

    A copy is written after its student, so that no training ever sees someone who is not registered; an item of the
    student's transaction says that it is due, until it is there. A changed template has a copy of another name.

    A template that learned automatically keeps its copy for a while: another item says that the copy is outdated, and
    the daily sweep writes a new one. Otherwise every roll call would ask for a retrain.
    """

    def __init__(self, table: Table, objects: Objects) -> None:
        self._table = table
        self._objects = objects

    def noting(self, student_id: StudentId, name: str) -> Item:
        """Return the action of noting, in a transaction, that a copy is due."""
        return self._table.putting({"pk": keys.COPIES, "sk": student_id, "training_copy": name})

    def cancelling(self, student_id: StudentId) -> list[Item]:
        """Return the actions of saying, in a transaction, that no copy is due or outdated any more."""
        return [self._table.deleting((keys.COPIES, student_id)), self.renewing(student_id)]

    def outdating(self, student_id: StudentId) -> Item:
        """Return the action of noting, in a transaction, that the template changed and its copy did not."""
        return self._table.putting({"pk": keys.OUTDATED_COPIES, "sk": student_id})

    def renewing(self, student_id: StudentId) -> Item:
        """Return the action of noting, in a transaction with a new copy, that the copy is not outdated."""
        return self._table.deleting((keys.OUTDATED_COPIES, student_id))

    def outdated(self) -> list[StudentId]:
        """Return the students whose copies are outdated."""
        return [StudentId(item["sk"]) for item in self._table.query(keys.OUTDATED_COPIES)]

    def write(self, template: Template, name: str) -> None:
        """Write a copy that is due."""
        self._objects.put_model(name, training_copy(template))
        try:
            self._table.delete((keys.COPIES, template.student_id), "training_copy = :name", {":name": name})
        except ConditionFailed:
            # No longer due: another process wrote it, or the student or the template is gone and the copy must go too.
            record = self._table.get(record_key(template.student_id)) or {}
            if record.get("training_copy") != name:
                self._objects.delete_models([name])

    def finish(self) -> None:
        """Write the copies that a process did not come to after it had stored the student."""
        for due in self._table.query(keys.COPIES):
            template = self._table.get(template_key(StudentId(due["sk"])))
            if template is not None:
                self.write(read_template(template), due["training_copy"])
