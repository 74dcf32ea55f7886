"""Completion of the school's index where templates were stored without it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from muster.domain.identifiers import StudentId
from muster.storage.aws import keys
from muster.storage.aws.school_index import PARTS, SchoolIndex, SchoolRoster, index_item, index_key
from muster.storage.aws.student_items import read_template, record_key, template_key
from muster.storage.aws.table import MAX_TRANSACTION_ACTIONS, ConditionFailed, Item, Table, back_off, batches
from muster.storage.shared import changed_concurrently

_ATTEMPTS = 10
_THREADS = 8
_STUDENTS_AT_ONCE = MAX_TRANSACTION_ACTIONS // 2


class SchoolIndexing:
    """Makes the index agree with the templates.

    Versions of Muster without the index change templates but not their items in the index. The roster's two counters
    then differ. All templates are read once, and the items that differ are written, each only if its student did not
    change since. An interrupted run loses nothing: the next one finds the items that were written.
    """

    def __init__(self, table: Table, index: SchoolIndex) -> None:
        self._table = table
        self._index = index

    def complete(self) -> SchoolRoster:
        """Return the roster of the school with a complete index; one read if it is complete already.

        Raises:
            VersionConflict: processes without the index kept changing templates.
        """
        for attempt in range(_ATTEMPTS):
            before = self._index.roster()
            if before.complete:
                return before
            self._write_all()
            after = self._index.roster()
            # Changes that were made together with the index move both counters.
            if after.version - after.indexed == before.version - before.indexed:
                self._index.mark_complete(after)
            else:
                back_off(attempt)
        raise changed_concurrently("The list of students")

    def _write_all(self) -> None:
        registered = {
            StudentId(item["id"])
            for item in self._table.query(keys.group_partition(None), keys.MEMBER_PREFIX)
            if "registered_at" in item
        }
        views = self._index.views([f"{part:02d}" for part in range(PARTS)])
        indexed = {view.student_id for part in views.values() for view in part}
        students = sorted(registered | indexed)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self._write, batches(students, _STUDENTS_AT_ONCE)))

    def _write(self, students: Sequence[StudentId]) -> None:
        for attempt in range(_ATTEMPTS):
            # Records first: if a template changes between the two reads, its record's revision differs below.
            records = self._table.get_many([record_key(student) for student in students], ["photo", "revision"])
            items = self._table.get_many([template_key(student) for student in students])
            items |= self._table.get_many([index_key(student) for student in students])
            actions: list[Item] = []
            for student in students:
                actions += self._actions(student, records.get(record_key(student)), items)
            if not actions:
                return
            try:
                self._table.transact_write(actions)
                return
            except ConditionFailed:
                back_off(attempt)
        raise changed_concurrently("The list of students")

    def _actions(self, student: StudentId, record: Item | None, items: dict[tuple[str, str], Item]) -> list[Item]:
        """Return the actions that make a student's item agree with the template, if the student is unchanged."""
        template, stored = items.get(template_key(student)), items.get(index_key(student))
        if record is None:
            unchanged = self._table.condition_check(record_key(student), "attribute_not_exists(pk)")
        else:
            revision = {":read": record["revision"]}
            unchanged = self._table.condition_check(record_key(student), "revision = :read", revision)
        if template is None:
            return [] if stored is None else [unchanged, self._index.delete_action(student)]
        view = read_template(template).mean_view()
        if stored == index_item(view):
            return []
        return [unchanged, self._index.put_action(view)]
