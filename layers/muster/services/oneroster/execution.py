"""Importing a OneRoster package: the plan, and its execution."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from muster.domain.identifiers import StudentId
from muster.domain.timetable import SchoolCalendar
from muster.services.oneroster.class_lists import ClassLists, ImportedClasses
from muster.services.oneroster.plan import (
    LEFT_SCHOOL,
    LEFT_SCHOOL_NAME,
    Options,
    Plan,
    PlannedGroup,
    PlannedTeacher,
)
from muster.services.oneroster.tables import Mode, Tables
from muster.services.oneroster.terms import PlannedTerm, TermPlan
from muster.services.roster.groups import Groups
from muster.services.roster.people import People
from muster.services.roster.students import Roster
from muster.services.roster_import.findings import Finding
from muster.services.roster_import.plan import PlannedRow, RowAction
from muster.services.timetable.timetables import Timetables


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRosterReport:
    """What an import did, or would do.

    Attributes:
        version: of the standard.
        modes: how each file was taken.
        calendar: the terms and holidays afterwards, with the version of those before.
        classes: the lists of classes of each school afterwards.
        applied: whether anything may have been written: not in a dry run, nor where a finding is an error.
    """

    version: str
    modes: Mapping[str, Mode]
    groups: tuple[PlannedGroup, ...]
    students: tuple[PlannedRow, ...]
    teachers: tuple[PlannedTeacher, ...]
    terms: tuple[PlannedTerm, ...]
    calendar: tuple[SchoolCalendar, int]
    classes: ClassLists
    findings: tuple[Finding, ...]
    applied: bool

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.error for finding in self.findings)

    def count(self, action: RowAction) -> int:
        """Return how many students have an action."""
        return sum(row.action is action for row in self.students)


class OneRosterImport:
    """The use case of importing. Consent is never imported, and nobody is erased."""

    def __init__(self, roster: Roster, groups: Groups, people: People, timetables: Timetables) -> None:
        self._timetables = timetables
        self._roster = roster
        self._groups = groups
        self._people = people
        self._imported = ImportedClasses(timetables.documents)

    def run(self, tables: Tables, options: Options, *, dry_run: bool = False) -> OneRosterReport:
        """Bring in a package, unless a finding is an error; see `plan` and `apply`."""
        report = self.plan(tables, options)
        return report if dry_run else self.apply(report)

    def plan(self, tables: Tables, options: Options) -> OneRosterReport:
        """Return what an import would do.

        Raises:
            InvalidRequest: the package has no such school.
        """
        students = {student.id: student for student in self._roster.find()}
        groups = {group.id: group for group in self._groups.find()}
        plan = Plan(tables, options, students, groups, self._people, self._imported.lists())
        calendar, version = self._timetables.calendar()
        of_terms = TermPlan(tables, calendar)
        return OneRosterReport(
            version=tables.version,
            modes=tables.modes,
            groups=plan.groups,
            students=plan.students,
            teachers=plan.teachers,
            terms=of_terms.terms,
            calendar=(of_terms.calendar, version),
            classes=plan.classes.lists,
            findings=(*of_terms.findings, *plan.findings),
            applied=False,
        )

    def apply(self, report: OneRosterReport) -> OneRosterReport:
        """Do what a report plans, or nothing where it has an error.

        Records are written one by one: when this is interrupted, the same import again does the rest.

        Raises:
            VersionConflict: a student, or the terms, were changed since the plan was made.
        """
        if report.errors:
            return report
        if any(term.action is not RowAction.NOTHING for term in report.terms):
            self._timetables.change_calendar(*report.calendar)
        self._apply_groups(report)
        for row in report.students:
            student_id = StudentId(row.student_id)
            if row.action is RowAction.ADD:
                self._roster.enrol(student_id, row.name, row.groups)
            elif row.action is RowAction.UPDATE and row.version is not None:
                self._roster.update(student_id, row.version, name=row.name, group_ids=row.groups)
        for teacher in report.teachers:
            self._groups.teach(teacher.group_id, teacher.user_id, teacher.teaches)
        # Last, so that an import that is interrupted still knows which classes ended when it is repeated.
        self._imported.keep(report.classes)
        return replace(report, applied=True)

    def _apply_groups(self, report: OneRosterReport) -> None:
        names = {group.group_id: group.name for group in report.groups if group.action is RowAction.ADD}
        if any(LEFT_SCHOOL in row.groups for row in report.students):
            names[LEFT_SCHOOL] = LEFT_SCHOOL_NAME
        self._groups.ensure(names, names)
        for group in report.groups:
            if group.action is RowAction.UPDATE:
                self._groups.update(group.group_id, self._groups.get(group.group_id).version, group.name)
