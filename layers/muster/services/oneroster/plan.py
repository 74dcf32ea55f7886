"""The plan of a OneRoster import: the groups, students and teachers afterwards."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Protocol

from muster.domain.group import Group
from muster.domain.identifiers import GroupId, StudentId, UserId
from muster.domain.student import MAX_GROUPS, Student
from muster.services.oneroster.class_lists import ClassChanges, ClassLists
from muster.services.oneroster.enrolments import Memberships, read_enrolments
from muster.services.oneroster.identities import Identities, Pupil
from muster.services.oneroster.tables import Tables
from muster.services.roster.names import clean_name
from muster.services.roster_import.findings import Finding, Severity, shorten
from muster.services.roster_import.plan import PlannedRow, RowAction

LEFT_SCHOOL: Final = GroupId("left-school")
"""The group of students who have left all their classes. A record needs a group, and is erased by a person only."""

LEFT_SCHOOL_NAME: Final = "Left school"

MANY_LEAVE: Final = 10
"""An import in which more students than this leave a class, and more than half of all, needs confirmation."""


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """The planned action for one class."""

    group_id: GroupId
    name: str
    action: RowAction


@dataclass(frozen=True, slots=True)
class PlannedTeacher:
    """A user who becomes a teacher of a group, or no longer is one."""

    group_id: GroupId
    user_id: UserId
    teaches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an import is asked to do.

    Attributes:
        today: enrolments that hold on this day are taken.
        school: the organisation whose classes are read; None for all.
        school_ids: students are known by `identifier` and classes by `classCode`, instead of by `sourcedId`.
        allow_removals: go on even if many students leave their classes.
    """

    today: date
    school: str | None = None
    school_ids: bool = False
    allow_removals: bool = False


class KnownUsers(Protocol):
    """Finds the users that a package may mean."""

    def known(self, texts: tuple[str, ...]) -> UserId | None:
        """Return the one user who has one of these ids or addresses, or None."""


class Plan:
    """The plan for one package.

    Attributes:
        groups: one per class that is not deleted.
        students: one per student of the package, and one per student who leaves a class.
        teachers: the changes only.
        classes: the lists of classes of each school afterwards.
        findings: about the package and its rows.
    """

    def __init__(
        self,
        tables: Tables,
        options: Options,
        students: Mapping[StudentId, Student],
        groups: Mapping[GroupId, Group],
        users: KnownUsers,
        imported: ClassLists = MappingProxyType({}),
    ) -> None:
        self._tables = tables
        self._options = options
        self._known = students
        self._stored_groups = groups
        self._users = users
        self._identities = Identities(tables, school=options.school, school_ids=options.school_ids)
        self.classes = ClassChanges.of(tables, self._identities, imported)
        self.findings = list(tables.findings)
        self._enrolments = read_enrolments(tables, self._identities, frozenset(groups), options.today, self.findings)
        self._pupils = self._identities.pupils(self._enrolments.students, students)
        self.groups = tuple(self._plan_groups())
        self.students = tuple(self._plan_students())
        self.teachers = tuple(self._plan_teachers())
        self._check_removals()
        self._describe_schools()
        self.findings += self._identities.findings
        self.findings.sort(key=lambda finding: (finding.file or "", finding.row))

    def _plan_groups(self) -> Iterator[PlannedGroup]:
        for source_id, planned in self._identities.classes.items():
            stored = self._stored_groups.get(planned.group_id)
            if planned.deleted:
                if stored is not None:
                    self._describe_end(stored, planned.row, source_id)
                continue
            action = RowAction.ADD
            if stored is not None:
                action = RowAction.NOTHING if stored.name == planned.name else RowAction.UPDATE
            yield PlannedGroup(planned.group_id, planned.name, action)
        for group_id in sorted(self.classes.missing):
            if group_id in self._stored_groups:
                self._describe_end(self._stored_groups[group_id], 1)

    def _describe_end(self, group: Group, row: int, source_id: str = "") -> None:
        detail = f"The class {group.name} ended: its students leave it, its sessions stay."
        self._add("classes", row, "class_ended", detail, "sourcedId", source_id)

    def _plan_students(self) -> Iterator[PlannedRow]:
        memberships = {
            student_id: found
            for source_id, found in self._enrolments.students.items()
            if (student_id := self._student_id(source_id, found)) is not None
        }
        pupils = {pupil.student_id: pupil for pupil in self._pupils.values()}
        complete = self._complete_groups()
        for student_id in sorted({*memberships, *pupils, *self._members(complete | self._ended_classes())}):
            planned = self._plan_student(student_id, pupils.get(student_id), memberships.get(student_id), complete)
            if planned is not None:
                yield planned

    def _student_id(self, source_id: str, memberships: Memberships) -> StudentId | None:
        """Return the student of an enrolment, or None with a finding."""
        if pupil := self._pupils.get(source_id):
            return pupil.student_id
        if source_id in self._identities.users:
            # The user's own row has a finding.
            return None
        found = self._identities.unlisted_student(source_id) if source_id else None
        if found in self._known:
            return found
        if memberships.current:
            detail = "No row of users.csv and no student here has this id: export users.csv with it."
            self._add(
                "enrollments", memberships.row, "user_unknown", detail, "userSourcedId", source_id, Severity.ERROR
            )
        return None

    def _complete_groups(self) -> frozenset[GroupId]:
        """Return the groups whose students the package lists completely."""
        if not self._tables.complete("enrollments"):
            return frozenset()
        return frozenset(found.group_id for found in self._identities.classes.values())

    def _members(self, groups: frozenset[GroupId]) -> Iterator[StudentId]:
        return (student.id for student in self._known.values() if student.groups & groups)

    def _plan_student(
        self,
        student_id: StudentId,
        pupil: Pupil | None,
        memberships: Memberships | None,
        complete: frozenset[GroupId],
    ) -> PlannedRow | None:
        student = self._known.get(student_id)
        present: frozenset[GroupId] = frozenset() if student is None else student.groups
        deleted = pupil is not None and pupil.deleted
        current = frozenset() if deleted or memberships is None else frozenset(memberships.current)
        ended = frozenset() if memberships is None else frozenset(memberships.ended)
        ended |= self._ended_classes() | (present if deleted else frozenset()) | complete
        groups = (present | current) - (ended - current)
        if current:
            groups -= {LEFT_SCHOOL}
        if not groups:
            if student is None:
                return None
            groups = frozenset({LEFT_SCHOOL})
        row = None if pupil is None else pupil.row
        name = pupil.name if pupil is not None and pupil.name else "" if student is None else student.name
        planned = PlannedRow(
            row,
            self._action(student, name, groups),
            student_id,
            name,
            groups,
            groups - present,
            present - groups,
            None if student is None else student.version,
        )
        self._describe_student(planned, student)
        return planned

    def _ended_classes(self) -> frozenset[GroupId]:
        deleted = {found.group_id for found in self._identities.classes.values() if found.deleted}
        return self.classes.missing | deleted

    def _action(self, student: Student | None, name: str, groups: frozenset[GroupId]) -> RowAction:
        if student is None:
            return RowAction.ADD
        unchanged = (clean_name(student.name), student.groups) == (name, groups)
        return RowAction.NOTHING if unchanged else RowAction.UPDATE

    def _describe_student(self, planned: PlannedRow, student: Student | None) -> None:
        row = planned.row or 1
        if len(planned.groups) > MAX_GROUPS:
            detail = f"{planned.student_id} would be in {len(planned.groups)} groups: {MAX_GROUPS} are possible."
            self._add("users", row, "too_many_groups", detail, None, planned.student_id, Severity.ERROR)
        if student is None:
            return
        if clean_name(student.name) != planned.name:
            detail = f"{student.id} is {student.name} so far: check that this is the same person."
            self._add("users", row, "renamed", detail, "familyName", planned.name, Severity.WARNING)
        if LEFT_SCHOOL in planned.joins:
            detail = (
                f"{student.id} ({student.name}) has no class any more and joins the group {LEFT_SCHOOL}. Nothing is "
                "erased: `muster students erase` does that, once the record is no longer needed."
            )
            self._add("users", row, "left_school", detail, None, student.id, Severity.WARNING)

    def _plan_teachers(self) -> Iterator[PlannedTeacher]:
        for source_id, memberships in self._enrolments.teachers.items():
            user_id = self._user(source_id, memberships)
            if user_id is None:
                continue
            for group_id in sorted(memberships.current):
                if user_id not in self._teachers_of(group_id):
                    yield PlannedTeacher(group_id, user_id, True)
            for group_id in sorted(memberships.ended - memberships.current):
                if user_id in self._teachers_of(group_id):
                    yield PlannedTeacher(group_id, user_id, False)

    def _user(self, source_id: str, memberships: Memberships) -> UserId | None:
        row = self._identities.users.get(source_id)
        columns = ("email", "username", "identifier", "sourcedId")
        texts = (source_id,) if row is None else tuple(filter(None, (row[column] for column in columns)))
        found = self._users.known(texts)
        if found is None and memberships.current:
            named = (row["email"] or row["username"] if row else "") or source_id
            detail = (
                f"The teacher {shorten(named)} is no user here and so sees no class: add the user, then import again."
            )
            number, file = (row.number, "users") if row else (memberships.row, "enrollments")
            self._add(file, number, "teacher_unknown", detail, None, named, Severity.WARNING)
        return found

    def _teachers_of(self, group_id: GroupId) -> frozenset[UserId]:
        stored = self._stored_groups.get(group_id)
        return frozenset() if stored is None else stored.teachers

    def _check_removals(self) -> None:
        """Refuse a package that empties the classes, such as one whose export was cut off."""
        members = set(self._members(self._complete_groups() | self.classes.missing))
        leaving = sum(bool(row.leaves) and StudentId(row.student_id) in members for row in self.students)
        if self._options.allow_removals or leaving <= MANY_LEAVE or 2 * leaving <= len(members):
            return
        detail = (
            f"{leaving} of {len(members)} students would leave a class. If the package is complete, allow it "
            "(--allow-removals, or allow_removals=true)."
        )
        self._add("enrollments", 1, "many_leave", detail, severity=Severity.ERROR)

    def _describe_schools(self) -> None:
        schools = {row["schoolSourcedId"] for row in self._identities.class_rows.values()} - {""}
        if self._options.school is None and len(schools) > 1:
            detail = f"The package has classes of {len(schools)} schools; all are read. Name one with --school."
            self._add("classes", 1, "several_schools", detail, "schoolSourcedId")

    def _add(
        self,
        file: str,
        row: int,
        code: str,
        detail: str,
        column: str | None = None,
        value: str = "",
        severity: Severity = Severity.INFORMATION,
    ) -> None:
        self.findings.append(Finding(row, code, detail, severity, column, shorten(value) or None, f"{file}.csv"))
