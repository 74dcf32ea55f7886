"""The changes that an import makes, before they are made, and making them."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from muster.domain.errors import EmptyUpload, InvalidRequest, UnsupportedTable
from muster.domain.group import Group
from muster.domain.identifiers import GroupId
from muster.domain.timetable import Lesson
from muster.services.roster_import.findings import Finding
from muster.services.timetable.timetables import Timetables
from muster.services.timetable.validation import check_lessons, check_number
from muster.services.timetable_import.calendars import is_calendar, read_calendar_file
from muster.services.timetable_import.parsed import MAX_BYTES, ParsedFile
from muster.services.timetable_import.tables import read_table


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The changes to the lessons of one group.

    Attributes:
        changed: the lesson before and after.
        lessons: all lessons of the group afterwards.
        version: of the lessons that the plan is based on.
    """

    group: Group
    added: tuple[Lesson, ...]
    changed: tuple[tuple[Lesson, Lesson], ...]
    removed: tuple[Lesson, ...]
    unchanged: int
    lessons: tuple[Lesson, ...]
    version: int

    @property
    def has_changes(self) -> bool:
        """Whether the import changes the group's lessons."""
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The changes of an import.

    Attributes:
        kind: `table` or `icalendar`.
        executed: whether the changes were made.
    """

    kind: str
    columns: dict[str, str]
    groups: tuple[GroupPlan, ...]
    findings: tuple[Finding, ...]
    executed: bool = False

    @property
    def has_errors(self) -> bool:
        """Whether the file cannot be applied."""
        return any(finding.error for finding in self.findings)


@dataclass(frozen=True, slots=True)
class TimetableImport:
    """Imports lessons. A file is complete for each group that it names: other lessons of those groups are removed."""

    timetables: Timetables

    def run(self, content: bytes, group_id: GroupId | None = None, *, dry_run: bool = False) -> ImportPlan:
        """Plan the import of a file and, unless it has errors or is a dry run, make the changes group by group.

        Repeating an import that was interrupted completes it, since lessons that are the same stay unchanged.

        Args:
            group_id: of rows that name no group; a calendar needs it.

        Raises:
            EmptyUpload, UnsupportedTable, EncodingUnclear: the file cannot be read.
            GroupNotFound: there is no group `group_id`.
            InvalidRequest: a calendar is imported without a group, or a group gets too many lessons.
            VersionConflict: the lessons of a group were changed concurrently; those before it were written.
        """
        plan = self._plan(content, group_id)
        return plan if dry_run or plan.has_errors else self.apply(plan)

    def apply(self, plan: ImportPlan) -> ImportPlan:
        """Make the changes of a plan without errors."""
        for part in plan.groups:
            if part.has_changes:
                self.timetables.change_lessons(part.group.id, part.lessons, part.version)
        return replace(plan, executed=True)

    def _plan(self, content: bytes, group_id: GroupId | None) -> ImportPlan:
        if not content.strip():
            raise EmptyUpload("The file is empty. Choose it again.")
        if len(content) > MAX_BYTES:
            raise UnsupportedTable(f"The file is larger than {MAX_BYTES // 1_000_000} MB: split it.")
        groups = {group.id: group for group in self.timetables.groups.find()}
        if group_id is not None:
            self.timetables.groups.get(group_id)
        parsed = self._read(content, groups, group_id)
        if not parsed.lessons and not any(finding.error for finding in parsed.findings):
            raise UnsupportedTable("The file names no lesson. Choose another one.")
        by_group: dict[GroupId, list[Lesson]] = defaultdict(list)
        for _, lesson in parsed.lessons:
            by_group[lesson.group_id].append(lesson)
        plans = tuple(self._plan_group(groups[id], lessons) for id, lessons in sorted(by_group.items()))
        return ImportPlan(parsed.kind, parsed.columns, plans, tuple(parsed.findings))

    def _read(self, content: bytes, groups: dict[GroupId, Group], group_id: GroupId | None) -> ParsedFile:
        if not is_calendar(content):
            return read_table(content, groups, group_id)
        if group_id is None:
            raise InvalidRequest("Name the group whose lessons the calendar holds.")
        return read_calendar_file(content, group_id, self.timetables.zone, self.timetables.today())

    def _plan_group(self, group: Group, lessons: Sequence[Lesson]) -> GroupPlan:
        stored = self.timetables.lessons(group.id)
        left = list(stored.lessons)
        found: list[Lesson] = []
        pairs: list[tuple[Lesson, Lesson]] = []
        rest = list(dict.fromkeys(lessons))
        # Each is compared with each stored one.
        check_number(rest)
        # The same lesson, one with the same time and subject, a moved one, then one whose subject has another name.
        for same in _SAME:
            rest, matched = _match(rest, left, same)
            pairs += matched
        taken = {lesson.id for lesson in stored.lessons}
        added = []
        for lesson in rest:
            named = replace(lesson, id=_new_id(lesson, taken))
            taken.add(named.id)
            added.append(named)
        changed = [(before, after) for before, after in pairs if before != after]
        found = [after for _, after in pairs] + added
        check_lessons(found)
        return GroupPlan(
            group, tuple(added), tuple(changed), tuple(left), len(pairs) - len(changed), tuple(found), stored.version
        )


_SAME: tuple[Callable[[Lesson], object], ...] = (
    lambda lesson: replace(lesson, id=""),
    lambda lesson: (lesson.weekday, lesson.starts, lesson.subject.casefold(), lesson.first_day),
    lambda lesson: (lesson.weekday, lesson.starts, lesson.subject.casefold()),
    lambda lesson: (lesson.weekday, lesson.subject.casefold()),
    lambda lesson: (lesson.weekday, lesson.starts),
)


def _match(
    lessons: Iterable[Lesson], left: list[Lesson], same: Callable[[Lesson], object]
) -> tuple[list[Lesson], list[tuple[Lesson, Lesson]]]:
    """Give lessons the ids of stored ones that are the same; take those out of `left`."""
    rest, pairs = [], []
    for lesson in lessons:
        stored = next((each for each in left if same(each) == same(lesson)), None)
        if stored is None:
            rest.append(lesson)
        else:
            left.remove(stored)
            pairs.append((stored, replace(lesson, id=stored.id)))
    return rest, pairs


def _new_id(lesson: Lesson, taken: set[str]) -> str:
    """Return an id derived from the lesson, so that a repeated import gives the same one."""
    text = f"{lesson.group_id}/{lesson.weekday}/{lesson.starts}/{lesson.subject}/{lesson.first_day}"
    for number in range(len(taken) + 1):
        id = hashlib.sha256(f"{text}/{number}".encode()).hexdigest()[:12]
        if id not in taken:
            return id
    raise AssertionError("one of the ids is free")
