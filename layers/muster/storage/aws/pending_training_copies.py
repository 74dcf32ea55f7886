"""Training copies that are still to be written."""

from muster.domain.identifiers import StudentId
from muster.domain.student import Template
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.student_items import read_template, record_key, template_key
from muster.storage.aws.table import ConditionFailed, Item, Table
from muster.storage.aws.training_objects import training_copy


class PendingTrainingCopies:
    """The log of training copies that are pending, and of those that are outdated.

    Training reads copies of the templates in the models bucket, and the event of a new copy requests a retrain.

    A copy is written after its student, so that training never sees anyone who is not registered. The transaction that
    stores the student notes that the copy is pending; the note is deleted once the copy is written. A changed template
    gets a copy with a new name.

    A template that learned automatically keeps its copy for a while. A note marks the copy as outdated, and the daily
    sweep writes a new one. Otherwise every roll call would request a retrain.
    """

    def __init__(self, table: Table, objects: Objects) -> None:
        self._table = table
        self._objects = objects

    def put_action(self, student_id: StudentId, name: str) -> Item:
        """Return the transaction action that notes a pending copy."""
        return self._table.put_action({"pk": keys.COPIES, "sk": student_id, "training_copy": name})

    def put_outdated_action(self, student_id: StudentId) -> Item:
        """Return the transaction action that notes an outdated copy: the template changed."""
        return self._table.put_action({"pk": keys.OUTDATED_COPIES, "sk": student_id})

    def delete_outdated_action(self, student_id: StudentId) -> Item:
        """Return the transaction action that deletes the note of an outdated copy."""
        return self._table.delete_action((keys.OUTDATED_COPIES, student_id))

    def delete_action(self, student_id: StudentId) -> Item:
        """Return the transaction action that deletes the note of a pending copy."""
        return self._table.delete_action((keys.COPIES, student_id))

    def delete_actions(self, student_id: StudentId) -> list[Item]:
        """Return the transaction actions that delete both notes of a student."""
        return [self.delete_action(student_id), self.delete_outdated_action(student_id)]

    def outdated_students(self) -> list[StudentId]:
        """Return the students whose copies are outdated."""
        return [StudentId(item["sk"]) for item in self._table.query(keys.OUTDATED_COPIES)]

    def write(self, template: Template, name: str) -> None:
        """Write a pending copy."""
        self._objects.put_model(name, training_copy(template))
        try:
            self._table.delete((keys.COPIES, template.student_id), "training_copy = :name", {":name": name})
        except ConditionFailed:
            # No longer pending: another process wrote it, or the student or the template is gone and the copy with it.
            record = self._table.get(record_key(template.student_id)) or {}
            if record.get("training_copy") != name:
                self._objects.delete_models([name])

    def write_all(self) -> None:
        """Write the copies of students whose process was killed before it wrote them."""
        for note in self._table.query(keys.COPIES):
            template = self._table.get(template_key(StudentId(note["sk"])))
            if template is not None:
                self.write(read_template(template), note["training_copy"])
