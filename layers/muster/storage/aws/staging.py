"""Templates of another model pack, stored beside those in use."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from muster.domain.errors import VersionConflict
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable
from muster.domain.student import Student, Template
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects, PendingEntry
from muster.storage.aws.pending_erasures import PendingErasures
from muster.storage.aws.pending_training_copies import PendingTrainingCopies
from muster.storage.aws.school_index import SchoolIndex
from muster.storage.aws.student_items import (
    read_student,
    read_template,
    record_item,
    record_key,
    renewed,
    roster_partitions,
    staged_item,
    staged_key,
    student_document,
    template_item,
    template_key,
)
from muster.storage.aws.table import ConditionFailed, Item, Table, back_off
from muster.storage.aws.training_objects import training_copy
from muster.storage.shared import changed_concurrently

_ATTEMPTS = 10


class AwsStaging:
    """`StagedTemplates` on DynamoDB and S3.

    A staged template has a training copy, so a head of its pack is trained before the switch. The switch exchanges the
    two templates of one student at a time, in one transaction each. The functions read whichever of the two belongs to
    their pack, so it does not matter whether they are deployed before or after. What the old pack's template learned is
    not kept: it would outlive corrections that are made with the new pack.
    """

    def __init__(
        self, table: Table, objects: Objects, copies: PendingTrainingCopies, erasures: PendingErasures
    ) -> None:
        self._table = table
        self._objects = objects
        self._copies = copies
        self._erasures = erasures
        self._index = SchoolIndex(table)

    def packs(self) -> set[PackId]:
        """Return the packs of the templates in use; reads every student's, so it is not for normal requests."""
        return {PackId(item["pack"]) for item in self._in_use(["pack"])}

    def stage(self, template: Template) -> None:
        """Store a template beside the one in use; see `StagedTemplates.stage`."""
        template = _without_learned(template)
        copy = keys.new_training_copy()
        entry = self._objects.pending.new_entry(models=[copy])
        self._objects.pending.write(entry)
        self._objects.put_model(copy, training_copy(template))
        # If this fails, the copy is deleted with its entry in the log.
        if not self._change(template.student_id, lambda record: self._put_staged(record, template, copy, entry)):
            self._objects.delete(entry)

    def staged(self, pack: PackId) -> dict[StudentId, str]:
        """Return the students with a staged template; see `StagedTemplates.staged`."""
        found = self._table.get_many(
            [staged_key(student) for student in self._registered()], ["id", "pack", "photo_digest"]
        )
        return {
            StudentId(item["id"]): item["photo_digest"] for item in found.values() if comparable(item["pack"], pack)
        }

    def find(self, pack: PackId, students: Collection[StudentId]) -> list[Template]:
        """Return the staged templates of some students; see `StagedTemplates.find`."""
        found = self._table.get_many([staged_key(student) for student in sorted(students)])
        return [read_template(item) for item in found.values() if comparable(item["pack"], pack)]

    def switch(self, pack: PackId, leave_out: Collection[StudentId]) -> int:
        """Switch to the staged templates; see `StagedTemplates.switch`.

        Students change one by one. If the process is killed, some have changed and the others have not; the next call
        continues.
        """
        staged = self.staged(pack)
        in_use = self._in_use(["id", "pack", "photo_digest"])
        others = [item for item in in_use if not comparable(item["pack"], pack)]
        ready = [StudentId(item["id"]) for item in others if staged.get(item["id"]) == item["photo_digest"]]
        left = sorted({StudentId(item["id"]) for item in others} - set(ready))
        unexpected = [student for student in left if student not in leave_out]
        if unexpected:
            raise _registered_meanwhile(unexpected[0])
        for student in left:
            self._change(student, self._leave_out)
        return sum(self._change(student, lambda record: self._exchange(record, pack)) for student in ready)

    def delete(self) -> int:
        """Delete all staged templates; see `StagedTemplates.delete`."""
        found = self._table.get_many([staged_key(student) for student in self._registered()], ["id"])
        return sum(self._change(StudentId(item["id"]), self._delete_staged) for item in found.values())

    def _registered(self) -> list[StudentId]:
        members = self._table.query(keys.group_partition(None), keys.MEMBER_PREFIX)
        return [StudentId(item["id"]) for item in members if "registered_at" in item]

    def _in_use(self, attributes: Sequence[str]) -> list[Item]:
        return list(
            self._table.get_many([template_key(student) for student in self._registered()], attributes).values()
        )

    def _change(self, student_id: StudentId, change: Callable[[Item], bool]) -> bool:
        """Call `change` with the record, and retry if the student changed concurrently.

        Returns:
            What `change` returned; False if the student is no longer registered.
        """
        for attempt in range(_ATTEMPTS):
            record = self._table.get(record_key(student_id))
            if record is None or "photo" not in record:
                return False
            try:
                return change(record)
            except ConditionFailed:
                self._erasures.finish(student_id)
            back_off(attempt)
        raise changed_concurrently(f"The record of {student_id}")

    def _exchange(self, record: Item, pack: PackId) -> bool:
        """Exchange the template in use and the staged one."""
        student = read_student(record)
        old, staged = self._table.get(template_key(student.id)), self._table.get(staged_key(student.id))
        if old is None or comparable(old["pack"], pack):
            return False
        if staged is None or staged["photo_digest"] != old["photo_digest"] or not comparable(staged["pack"], pack):
            raise _registered_meanwhile(student.id)
        new, copy = read_template(staged), staged.get("training_copy")
        name = copy or keys.new_training_copy()
        replaced = self._objects.pending.new_entry(models=[record["training_copy"]])
        note = self._copies.put_action(student.id, name) if copy is None else self._copies.delete_action(student.id)
        self._transact(
            record_item(student, record["photo"], name),
            record,
            [
                self._table.put_action(template_item(new)),
                self._table.put_action(staged_item(_without_learned(read_template(old)), None)),
                note,
                self._copies.delete_outdated_action(student.id),
                self._objects.pending.put_action(replaced),
                self._index.put_action(new.mean_view()),
                *self._bump_actions(student),
            ],
        )
        if copy is None:
            self._copies.write(new, name)
        self._objects.delete(replaced)
        return True

    def _leave_out(self, record: Item) -> bool:
        """Unregister a student: record, groups and marks stay."""
        stored = read_student(record)
        student = replace(stored, consent=None, registered_at=None, photo_change=None, version=stored.version + 1)
        staged = self._table.get(staged_key(student.id)) or {}
        models = [item["training_copy"] for item in (record, staged) if "training_copy" in item]
        gone = self._objects.pending.new_entry([record["photo"]], models)
        members = [
            self._table.put_action({"pk": roster, "sk": keys.member(student.id), **student_document(student)})
            for roster in roster_partitions(student.groups)
        ]
        self._transact(
            record_item(student),
            record,
            [
                self._table.delete_action(template_key(student.id)),
                self._table.delete_action(staged_key(student.id)),
                *self._copies.delete_actions(student.id),
                self._objects.pending.put_action(gone),
                self._index.delete_action(student.id),
                *members,
                *self._bump_actions(student),
            ],
        )
        self._objects.delete(gone)
        return True

    def _put_staged(self, record: Item, template: Template, copy: str, entry: PendingEntry) -> bool:
        staged = self._table.get(staged_key(template.student_id)) or {}
        models = [staged["training_copy"]] if "training_copy" in staged else []
        replaced = self._objects.pending.new_entry(models=models)
        self._transact(
            renewed(record),
            record,
            [
                self._table.put_action(staged_item(template, copy)),
                self._objects.pending.delete_action(entry),
                self._objects.pending.put_action(replaced),
            ],
        )
        self._objects.delete(replaced)
        return True

    def _delete_staged(self, record: Item) -> bool:
        student_id = read_student(record).id
        staged = self._table.get(staged_key(student_id))
        if staged is None:
            return False
        models = [staged["training_copy"]] if "training_copy" in staged else []
        gone = self._objects.pending.new_entry(models=models)
        self._transact(
            renewed(record),
            record,
            [self._table.delete_action(staged_key(student_id)), self._objects.pending.put_action(gone)],
        )
        self._objects.delete(gone)
        return True

    def _transact(self, new: Item, record: Item, actions: Sequence[Item]) -> None:
        """Write a record with other items, if it is still the one that was read and no erasure is pending."""
        unchanged = self._table.put_action(new, "revision = :read", {":read": record["revision"]})
        self._table.transact_write([unchanged, self._erasures.check_none_action(record["id"]), *actions])

    def _bump_actions(self, student: Student) -> list[Item]:
        groups = [
            self._table.update_action((roster, keys.ROSTER), "ADD version :one", {":one": 1})
            for roster in roster_partitions(student.groups)[1:]
        ]
        return [self._index.bump_action([student.id]), *groups]


def _without_learned(template: Template) -> Template:
    views = len(template.embeddings) - len(template.learned)
    return replace(template, embeddings=template.embeddings[:views], learned=())


def _registered_meanwhile(student_id: StudentId) -> VersionConflict:
    return VersionConflict(f"{student_id} was registered during the migration. Run it again.")
