"""Bringing a whole roster in from a file, after a look at what would happen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from muster.domain.errors import MusterError
from muster.domain.identifiers import GroupId, StudentId, parse_group_id, parse_student_id
from muster.domain.student import MOST_GROUPS, Student
from muster.services.admission import checked_name
from muster.services.roster import Roster
from muster.services.roster_table import RosterRow, RosterTable


class RowAction(StrEnum):
    """What an import does with a row."""

    ADD = "add"
    UPDATE = "update"
    NOTHING = "nothing"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at in a row; an `error` keeps the whole file from being applied, a warning does not."""

    row: int
    code: str
    detail: str
    error: bool = True


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """What is to be done with one row; the student's groups are those it has then."""

    row: int
    action: RowAction
    student_id: str
    name: str
    groups: frozenset[GroupId]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do.

    Attributes:
        applied: whether anything may have been written: not in a dry run, nor where a row has an error.
    """

    rows: tuple[PlannedRow, ...]
    findings: tuple[Finding, ...]
    encoding: str
    applied: bool

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

    def run(self, table: RosterTable, group_ids: Sequence[GroupId] = (), *, dry_run: bool = False) -> ImportReport:
        """Bring in everyone in a table; those known already are renamed and join the groups, and leave none.

        Students are written one by one: cut off in the middle, the same import again does the rest.

        Args:
            group_ids: joined by everyone, besides the groups of each row.
        """
        findings: list[Finding] = []
        if table.encoding == "windows-1252":
            findings.append(
                Finding(
                    1, "encoding_assumed", "The file is not UTF-8: check that letters with accents are right.", False
                )
            )
        known = {student.id: student for student in self._roster.find()}
        planned = list(self._plan(table.rows, frozenset(group_ids), known, findings))
        applied = not dry_run and not any(finding.error for finding in findings)
        if applied:
            for row in planned:
                self._apply(row, known)
        return ImportReport(tuple(planned), tuple(findings), table.encoding, applied)

    def _plan(
        self,
        rows: Sequence[RosterRow],
        everyones: frozenset[GroupId],
        known: dict[StudentId, Student],
        findings: list[Finding],
    ) -> Iterator[PlannedRow]:
        seen: dict[str, int] = {}
        for row in rows:
            if row.numeric_id:
                findings.append(
                    Finding(
                        row.number,
                        "numeric_id",
                        f"The id {row.student_id} is a number: format the column as text if ids begin with zeros.",
                        False,
                    )
                )
            try:
                yield _planned(row, everyones, known, seen, findings)
            except MusterError as error:
                findings.append(Finding(row.number, error.code, str(error)))
                yield PlannedRow(row.number, RowAction.REFUSE, row.student_id, row.name, frozenset())

    def _apply(self, row: PlannedRow, known: dict[StudentId, Student]) -> None:
        student_id = StudentId(row.student_id)
        match row.action:
            case RowAction.ADD:
                self._roster.enrol(student_id, row.name, row.groups)
            case RowAction.UPDATE:
                self._roster.update(student_id, known[student_id].version, name=row.name, group_ids=row.groups)
            case RowAction.NOTHING | RowAction.REFUSE:
                pass


def _planned(
    row: RosterRow,
    everyones: frozenset[GroupId],
    known: dict[StudentId, Student],
    seen: dict[str, int],
    findings: list[Finding],
) -> PlannedRow:
    def refused(code: str, detail: str) -> PlannedRow:
        findings.append(Finding(row.number, code, detail))
        return PlannedRow(row.number, RowAction.REFUSE, row.student_id, row.name, frozenset())

    if row.formula:
        return refused("formula_cell", "A cell holds a formula: paste its value instead.")
    student_id = parse_student_id(row.student_id)
    name = checked_name(row.name)
    groups = everyones | {parse_group_id(group) for group in row.groups}
    if student_id in seen:
        return refused("repeated_id", f"Row {seen[student_id]} has the id {student_id} too: one of them is wrong.")
    seen[student_id] = row.number
    student = known.get(student_id)
    if student is not None:
        groups |= student.groups
    if not groups:
        return refused("group_missing", "Name a group in this row, or one for the whole file.")
    if len(groups) > MOST_GROUPS:
        return refused("too_many_groups", f"A student can be in {MOST_GROUPS} groups at most.")
    if student is None:
        return PlannedRow(row.number, RowAction.ADD, student_id, name, groups)
    if (student.name, student.groups) == (name, groups):
        return PlannedRow(row.number, RowAction.NOTHING, student_id, name, groups)
    if student.name != name:
        detail = f"{student_id} is {student.name} so far: check that it is the same person."
        findings.append(Finding(row.number, "renamed", detail, False))
    return PlannedRow(row.number, RowAction.UPDATE, student_id, name, groups)
