"""Learning of templates from faces, many students in one transaction."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from muster.domain.errors import VersionConflict
from muster.domain.identifiers import StudentId
from muster.domain.learning import NewFace, with_learned_face
from muster.domain.packs import comparable
from muster.domain.student import Template
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.pending_erasures import PendingErasures
from muster.storage.aws.pending_training_copies import PendingTrainingCopies
from muster.storage.aws.school_index import SchoolIndex
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
_ACTIONS_PER_STUDENT = 6


@dataclass(frozen=True, eq=False, slots=True)
class _TemplateUpdate:
    """A student's record as it was read, the template to store, and the name of its new training copy, if any."""

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
        self,
        table: Table,
        objects: Objects,
        copies: PendingTrainingCopies,
        erasures: PendingErasures,
        index: SchoolIndex,
    ) -> None:
        self._table = table
        self._objects = objects
        self._copies = copies
        self._erasures = erasures
        self._index = index

    def learn(self, faces: Sequence[NewFace]) -> set[StudentId]:
        """Add faces to templates; see `StudentStore.learn`."""
        changed: set[StudentId] = set()
        remaining = list(faces)
        attempt = 0
        while remaining:
            updates, covered = self._next_updates(remaining)
            try:
                if updates:
                    self._store(updates)
            except ConditionFailed as error:
                if attempt == _ATTEMPTS - 1:
                    raise VersionConflict("The students are being changed by someone else. Try again.") from error
                for update in updates:
                    self._erasures.finish(update.template.student_id)
                back_off(attempt)
                attempt += 1
                continue
            changed |= {update.template.student_id for update in updates}
            remaining = remaining[covered:]
        return changed

    def _next_updates(self, faces: Sequence[NewFace]) -> tuple[list[_TemplateUpdate], int]:
        """Read as many students as one transaction holds; return their updates and the number of faces they cover."""
        limit = MAX_TRANSACTION_ACTIONS // _ACTIONS_PER_STUDENT
        students = list(dict.fromkeys(new.student_id for new in faces[:limit]))
        # Records first: if a template changes between the two reads, its record's revision differs when it is written.
        items = self._table.get_many([record_key(student) for student in students])
        items |= self._table.get_many([template_key(student) for student in students])
        updates: dict[StudentId, _TemplateUpdate] = {}
        for covered, new in enumerate(faces[:limit]):
            stored, item = items.get(record_key(new.student_id)), items.get(template_key(new.student_id))
            if stored is None or item is None:
                continue
            known = updates.get(new.student_id)
            template = known.template if known else read_template(item)
            if new.pack is not None and not comparable(new.pack, template.pack):
                continue
            learned = with_learned_face(template, new.face, new.embedding)
            if learned is template:
                continue
            copy = None if new.face.automatic else keys.new_training_copy()
            update = _TemplateUpdate(stored, learned, known.copy if known and known.copy else copy)
            extended = {**updates, new.student_id: update}
            if _actions_needed(extended.values()) > MAX_TRANSACTION_ACTIONS:
                return list(updates.values()), covered
            updates = extended
        return list(updates.values()), min(len(faces), limit)

    def _store(self, updates: Sequence[_TemplateUpdate]) -> None:
        pending = [(update.template, update.copy) for update in updates if update.copy is not None]
        replaced = [update.stored["training_copy"] for update in updates if update.copy is not None]
        old_copies = self._objects.pending.new_entry(models=replaced)
        actions = [self._objects.pending.put_action(old_copies)] if pending else []
        for update in updates:
            student, revision = read_student(update.stored), {":read": update.stored["revision"]}
            new = record_item(student, update.stored["photo"], update.copy or update.stored["training_copy"])
            actions += [
                self._table.put_action(new, "revision = :read", revision),
                self._table.put_action(template_item(update.template)),
                self._index.put_action(update.template.mean_view()),
                self._erasures.check_none_action(student.id),
            ]
            if update.copy is None:
                actions.append(self._copies.put_outdated_action(student.id))
            else:
                actions += [
                    self._copies.put_action(student.id, update.copy),
                    self._copies.delete_outdated_action(student.id),
                ]
        actions.append(self._index.bump_action([update.template.student_id for update in updates]))
        school = keys.group_partition(None)
        for roster in sorted(set().union(*(update.rosters for update in updates)) - {school}):
            actions.append(self._table.update_action((roster, keys.ROSTER), "ADD version :one", {":one": 1}))
        self._table.transact_write(actions)
        if not pending:
            return
        with ThreadPoolExecutor(min(_THREADS, len(pending))) as pool:
            list(pool.map(lambda copy: self._copies.write(*copy), pending))
        self._objects.delete(old_copies)


def _actions_needed(updates: Collection[_TemplateUpdate]) -> int:
    rosters = set().union(*(update.rosters for update in updates))
    return 1 + _ACTIONS_PER_STUDENT * len(updates) + len(rosters)
