"""Templates that learn from faces, many students in one transaction."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from muster.domain.errors import VersionConflict
from muster.domain.identifiers import StudentId
from muster.domain.learning import NewFace, with_learned_face
from muster.domain.student import Template
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.pending_erasures import PendingErasures
from muster.storage.aws.pending_training_copies import PendingTrainingCopies
from muster.storage.aws.student_items import (
    read_student,
    read_template,
    record_item,
    record_key,
    roster_partitions,
    template_item,
    template_key,
)
from muster.storage.aws.table import MAX_TRANSACTION_ACTIONS, ConditionFailed, Item, Table, back_off

_ATTEMPTS = 10
_THREADS = 8
_ACTIONS_PER_STUDENT = 5


@dataclass(frozen=True, eq=False, slots=True)
class _Change:
    """A student's record as it was read, the template to be stored and the name of its new training copy, if any."""

    stored: Item
    template: Template
    copy: str | None

    @property
    def rosters(self) -> set[str]:
        return set(roster_partitions(read_student(self.stored).groups))


class TemplateLearning:
    """The part of `AwsStudents` that adds learned rows.

    Templates of a whole class may learn from one roll call. The version of their roster is one item, over which
    transactions of single students would conflict, so one transaction holds as many students as fit. The training
    copies of templates that learned from confirmed faces are written afterwards, and the others by the daily sweep; see
    `PendingTrainingCopies`.
    """

    def __init__(
        self, table: Table, objects: Objects, copies: PendingTrainingCopies, erasures: PendingErasures
    ) -> None:
        self._table = table
        self._objects = objects
        self._copies = copies
        self._erasures = erasures

    def learn(self, faces: Sequence[NewFace]) -> set[StudentId]:
        """Add learned rows to templates; see `StudentStore.learn`."""
        changed: set[StudentId] = set()
        left = list(faces)
        attempt = 0
        while left:
            changes, taken = self._next_changes(left)
            try:
                if changes:
                    self._store(changes)
            except ConditionFailed as error:
                if attempt == _ATTEMPTS - 1:
                    raise VersionConflict("The students are being changed by others: try again.") from error
                for change in changes:
                    self._erasures.finish(change.template.student_id)
                back_off(attempt)
                attempt += 1
                continue
            changed |= {change.template.student_id for change in changes}
            left = left[taken:]
        return changed

    def _next_changes(self, faces: Sequence[NewFace]) -> tuple[list[_Change], int]:
        """Read as many students as one transaction holds, and return their changes and how many faces these cover."""
        most = MAX_TRANSACTION_ACTIONS // _ACTIONS_PER_STUDENT
        students = list(dict.fromkeys(new.student_id for new in faces[:most]))
        # Records first: a template that changes in between has a record of another revision by then.
        items = self._table.get_many([record_key(student) for student in students])
        items |= self._table.get_many([template_key(student) for student in students])
        changes: dict[StudentId, _Change] = {}
        for taken, new in enumerate(faces[:most]):
            stored, item = items.get(record_key(new.student_id)), items.get(template_key(new.student_id))
            if stored is None or item is None:
                continue
            known = changes.get(new.student_id)
            template = known.template if known else read_template(item)
            learned = with_learned_face(template, new.face, new.embedding)
            if learned is template:
                continue
            copy = None if new.face.automatic else keys.new_training_copy()
            change = _Change(stored, learned, known.copy if known and known.copy else copy)
            following = {**changes, new.student_id: change}
            if _actions_needed(following.values()) > MAX_TRANSACTION_ACTIONS:
                return list(changes.values()), taken
            changes = following
        return list(changes.values()), min(len(faces), most)

    def _store(self, changes: Sequence[_Change]) -> None:
        due = [(change.template, change.copy) for change in changes if change.copy is not None]
        replaced = [change.stored["training_copy"] for change in changes if change.copy is not None]
        old_copies = self._objects.pending.new_entry(models=replaced)
        actions = [self._objects.pending.put_action(old_copies)] if due else []
        for change in changes:
            student, revision = read_student(change.stored), {":read": change.stored["revision"]}
            new = record_item(student, change.stored["photo"], change.copy or change.stored["training_copy"])
            actions += [
                self._table.put_action(new, "revision = :read", revision),
                self._table.put_action(template_item(change.template)),
                self._erasures.check_none_action(student.id),
            ]
            if change.copy is None:
                actions.append(self._copies.put_outdated_action(student.id))
            else:
                actions += [
                    self._copies.put_action(student.id, change.copy),
                    self._copies.delete_outdated_action(student.id),
                ]
        for roster in sorted(set().union(*(change.rosters for change in changes))):
            actions.append(self._table.update_action((roster, keys.ROSTER), "ADD version :one", {":one": 1}))
        self._table.transact_write(actions)
        if not due:
            return
        with ThreadPoolExecutor(min(_THREADS, len(due))) as pool:
            list(pool.map(lambda copy: self._copies.write(*copy), due))
        self._objects.delete(old_copies)


def _actions_needed(changes: Collection[_Change]) -> int:
    in_rosters = set().union(*(change.rosters for change in changes))
    return 1 + _ACTIONS_PER_STUDENT * len(changes) + len(in_rosters)
