"""Importing a whole roster from a file: the plan, and its execution."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from muster.domain.errors import GroupNotFound
from muster.domain.identifiers import GroupId, StudentId
from muster.services.roster.students import Roster
from muster.services.roster_import.findings import Finding, Severity
from muster.services.roster_import.group_changes import GroupChanges
from muster.services.roster_import.plan import Plan, PlannedRow, RowAction
from muster.services.roster_import.table import RosterTable

__all__ = ["Finding", "GroupChanges", "ImportReport", "PlannedRow", "RosterImport", "RowAction", "Severity"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do.

    Attributes:
        table: the file as it was understood.
        rows: one per student, in the order of the file; students who are not in it and leave a group come last.
        group_names: by id, of the groups that the file names.
        applied: whether anything may have been written: not in a dry run, nor where a row has an error.
    """

    table: RosterTable
    rows: tuple[PlannedRow, ...]
    findings: tuple[Finding, ...]
    group_names: dict[GroupId, str]
    applied: bool

    @property
    def encoding(self) -> str:
        """The encoding of the file; `xlsx` for a workbook."""
        return self.table.encoding

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.error for finding in self.findings)

    def count(self, action: RowAction) -> int:
        """Return how many rows have an action."""
        return sum(row.action is action for row in self.rows)


class RosterImport:
    """The use case of importing."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def run(
        self,
        table: RosterTable,
        group_ids: Collection[GroupId] = (),
        *,
        dry_run: bool = False,
        changes: GroupChanges | None = None,
        make_ids: bool = False,
    ) -> ImportReport:
        """Bring in every student of a table, unless a row has an error; see `plan` and `apply`."""
        report = self.plan(table, group_ids, changes=changes, make_ids=make_ids)
        return report if dry_run else self.apply(report)

    def plan(
        self,
        table: RosterTable,
        group_ids: Collection[GroupId] = (),
        *,
        changes: GroupChanges | None = None,
        make_ids: bool = False,
    ) -> ImportReport:
        """Return what an import would do. Known students are renamed and join the groups.

        Args:
            group_ids: joined by everyone, in addition to the groups of each row.
            changes: the groups that students leave; none by default.
            make_ids: whether an id with characters that ids cannot have is kept in a form that they can.

        Raises:
            GroupNotFound: there is no such group to leave.
        """
        known = {student.id: student for student in self._roster.find()}
        stored = self._roster.group_names()
        changes = changes or GroupChanges()
        if unknown := changes.leave - stored.keys():
            raise GroupNotFound(f"There is no group {', '.join(sorted(unknown))} to leave: correct its id.")
        plan = Plan(table, known, stored, frozenset(group_ids), changes, make_ids=make_ids)
        return ImportReport(table, plan.rows, tuple(plan.findings), plan.group_names, applied=False)

    def apply(self, report: ImportReport) -> ImportReport:
        """Do what a report plans, or nothing where it has an error.

        Students are written one by one: when this is interrupted, the same import again does the rest.

        Raises:
            VersionConflict: a student was changed since the plan was made.
        """
        if report.errors:
            return report
        self._roster.ensure_groups(report.group_names)
        for row in report.rows:
            student_id = StudentId(row.student_id)
            if row.action is RowAction.ADD:
                self._roster.enrol(student_id, row.name, row.groups)
            elif row.action is RowAction.UPDATE and row.version is not None:
                self._roster.update(student_id, row.version, name=row.name, group_ids=row.groups)
        return replace(report, applied=True)
