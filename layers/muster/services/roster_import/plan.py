"""The plan of an import: the action for each row of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from muster.domain.errors import InvalidRequest, MusterError
from muster.domain.identifiers import GroupId, StudentId, parse_student_id
from muster.domain.student import MAX_GROUPS, Student
from muster.services.roster.names import checked_name, clean_name
from muster.services.roster_import.derived_ids import derived_id
from muster.services.roster_import.findings import Finding, Severity, shorten
from muster.services.roster_import.group_changes import GroupChanges
from muster.services.roster_import.group_names import GroupNames
from muster.services.roster_import.table import RosterRow, RosterTable


class RowAction(StrEnum):
    """What an import does with a row."""

    ADD = "add"
    UPDATE = "update"
    NOTHING = "nothing"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """The planned action for one student.

    Attributes:
        row: the first that names the student; None for one who is not in the file and leaves a group.
        groups: those that the student has afterwards.
        version: of the record that the plan was made for; None where there is none.
    """

    row: int | None
    action: RowAction
    student_id: str
    name: str
    groups: frozenset[GroupId] = frozenset()
    joins: frozenset[GroupId] = frozenset()
    leaves: frozenset[GroupId] = frozenset()
    version: int | None = None


@dataclass(slots=True)
class _Entry:
    """A student in the file, possibly from several rows; the groups of a refused one are ignored."""

    row: int
    written_id: str
    student_id: str
    name: str
    groups: set[GroupId] = field(default_factory=set)
    refused: bool = False


class Plan:
    """The plan for one file.

    Attributes:
        rows: one per student.
        findings: about the file and its rows.
        group_names: by id, of the groups that the file names.
    """

    def __init__(
        self,
        table: RosterTable,
        known: Mapping[StudentId, Student],
        stored_groups: Mapping[GroupId, str],
        everyones: frozenset[GroupId],
        changes: GroupChanges,
        *,
        make_ids: bool,
    ) -> None:
        self._table = table
        self._known = known
        self._everyones = everyones
        self._changes = changes
        self._make_ids = make_ids
        self._groups = GroupNames(stored_groups)
        self._made_ids: list[_Entry] = []
        self._lacks_groups = False
        self.findings = list(table.findings)
        entries = self._entries()
        self.group_names = self._groups.names
        self.rows = tuple(self._planned(entry) for entry in entries)
        if changes.replace:
            self.rows += self._leaving_only({StudentId(entry.student_id) for entry in entries})
        self._describe_cells()
        self.findings.sort(key=lambda finding: finding.row)

    def _entries(self) -> list[_Entry]:
        entries: list[_Entry] = []
        by_id: dict[str, _Entry] = {}
        for row in self._table.rows:
            entry = self._entry(row)
            first = by_id.get(entry.student_id)
            if entry.refused or first is None:
                entries.append(entry)
                if not entry.refused:
                    by_id[entry.student_id] = entry
            elif (first.written_id, first.name) == (entry.written_id, entry.name):
                first.groups |= entry.groups
            else:
                self._repeated(first, entry)
                entries.append(entry)
        return entries

    def _entry(self, row: RosterRow) -> _Entry:
        columns = self._table.columns
        entry = _Entry(row.number, row.student_id, row.student_id, row.name)
        entry.refused = any(finding.error for finding in row.findings)
        if entry.refused:
            return entry
        readers = [(columns.id, row.student_id, self._read_id), (columns.names[0], row.name, self._read_name)]
        readers += [(columns.groups[0], text, self._read_group) for text in row.groups]
        for column, value, read in readers:
            try:
                read(entry, value)
            except MusterError as error:
                self._refuse(entry, error.code, str(error), columns.title(column), value)
        return entry

    def _read_id(self, entry: _Entry, text: str) -> None:
        if not text:
            raise InvalidRequest("The student id is missing.")
        try:
            entry.student_id = parse_student_id(text)
        except InvalidRequest as error:
            made = derived_id(text)
            if not self._make_ids:
                raise InvalidRequest(
                    f"{error} Change it, or let the import keep it as {made} (--make-ids, or make_ids=true)."
                ) from error
            entry.student_id = parse_student_id(made)
            self._made_ids.append(entry)

    def _read_name(self, entry: _Entry, text: str) -> None:
        entry.name = checked_name(text)

    def _read_group(self, entry: _Entry, text: str) -> None:
        entry.groups.add(self._groups.resolve(text))

    def _repeated(self, first: _Entry, entry: _Entry) -> None:
        columns = self._table.columns
        if first.written_id != entry.written_id:
            detail = (
                f"{first.written_id!r} in row {first.row} and {entry.written_id!r} would both be kept as "
                f"{entry.student_id}: change one of them."
            )
            self._refuse(entry, "id_collision", detail, columns.title(columns.id), entry.written_id)
            return
        detail = (
            f"Row {first.row} has the id {entry.student_id} too, with the name {shorten(first.name)}: one of them is "
            "wrong."
        )
        self._refuse(entry, "repeated_id", detail, columns.title(columns.id), entry.written_id)

    def _refuse(self, entry: _Entry, code: str, detail: str, column: str | None = None, value: str = "") -> None:
        entry.refused = True
        self.findings.append(Finding(entry.row, code, detail, Severity.ERROR, column, shorten(value) or None))

    def _planned(self, entry: _Entry) -> PlannedRow:
        student = self._known.get(StudentId(entry.student_id))
        present: frozenset[GroupId] = frozenset() if student is None else student.groups
        listed = frozenset(entry.groups) | self._everyones
        named = self._everyones | self.group_names.keys()
        leaves = self._changes.leaving(present, listed, named, in_file=True)
        groups = (present | listed) - leaves
        if not entry.refused:
            self._check(entry, student, groups)
        if entry.refused:
            return PlannedRow(entry.row, RowAction.REFUSE, entry.student_id, entry.name)
        action = RowAction.UPDATE
        if student is None:
            action = RowAction.ADD
        elif (clean_name(student.name), present) == (entry.name, groups):
            action = RowAction.NOTHING
        return PlannedRow(
            entry.row,
            action,
            entry.student_id,
            entry.name,
            groups,
            groups - present,
            leaves,
            None if student is None else student.version,
        )

    def _check(self, entry: _Entry, student: Student | None, groups: frozenset[GroupId]) -> None:
        columns = self._table.columns
        if not groups:
            self._refuse_groupless(entry)
        elif len(groups) > MAX_GROUPS:
            self._refuse(entry, "too_many_groups", f"A student can be in {MAX_GROUPS} groups at most.")
        if student is None or clean_name(student.name) == entry.name or entry.refused:
            return
        title = columns.title(columns.names[0])
        if entry.written_id != entry.student_id:
            detail = f"The id {entry.student_id}, made from {entry.written_id!r}, is {student.name}'s: change it."
            self._refuse(entry, "id_collision", detail, columns.title(columns.id), entry.written_id)
            return
        detail = f"{entry.student_id} is {student.name} so far: check that this is the same person."
        self.findings.append(Finding(entry.row, "renamed", detail, Severity.WARNING, title, entry.name))

    def _refuse_groupless(self, entry: _Entry) -> None:
        columns = self._table.columns
        if columns.groups:
            detail = "Name a group in this row, or one for the whole file (--group, or group_id)."
            self._refuse(entry, "group_missing", detail, columns.title(columns.groups[0]))
            return
        if not entry.refused and not self._lacks_groups:
            self._lacks_groups = True
            detail = (
                "The file has no column for groups: name one for the whole file (--group, or group_id), or add a "
                "column titled group."
            )
            self.findings.append(Finding(self._table.header_row, "group_missing", detail))
        entry.refused = True

    def _leaving_only(self, in_file: set[StudentId]) -> tuple[PlannedRow, ...]:
        """Plan for the students that the file does not list; each keeps at least one group."""
        rows = []
        named = self._everyones | self.group_names.keys()
        for student in self._known.values():
            leaves = self._changes.leaving(student.groups, (), named, in_file=False)
            if student.id in in_file or not leaves:
                continue
            groups = student.groups - leaves
            if not groups:
                detail = (
                    f"{student.id} ({student.name}) is not in the file, but has no group except "
                    f"{', '.join(sorted(leaves))}, and stays there: move the student with `muster students change`, or "
                    "erase the record."
                )
                self.findings.append(Finding(self._table.header_row, "last_group", detail, Severity.WARNING))
                continue
            rows.append(
                PlannedRow(
                    None, RowAction.UPDATE, student.id, student.name, groups, leaves=leaves, version=student.version
                )
            )
        return tuple(rows)

    def _describe_cells(self) -> None:
        """Add the findings that one line says for many rows."""
        table, columns = self._table, self._table.columns
        numeric = [(row.number, row.student_id) for row in table.rows if row.numeric_id]
        self._describe_numbers("numeric_id", "ids", columns.title(columns.id), numeric)
        if columns.groups:
            numeric = [(row.number, "; ".join(row.groups)) for row in table.rows if row.numeric_group]
            self._describe_numbers("numeric_group", "groups", columns.title(columns.groups[0]), numeric)
        for group_id, name in self._groups.clashes.items():
            detail = f"{name!r} is read as the group {group_id}, which has another name so far: check that it is meant."
            title = columns.title(columns.groups[0]) if columns.groups else None
            self.findings.append(Finding(table.header_row, "group_renamed", detail, Severity.WARNING, title, name))
        if self._made_ids:
            first = self._made_ids[0]
            detail = f"{len(self._made_ids)} ids are kept in another form: {first.written_id!r} as {first.student_id}."
            title = columns.title(columns.id)
            self.findings.append(
                Finding(first.row, "ids_made", detail, Severity.WARNING, title, shorten(first.written_id))
            )

    def _describe_numbers(self, code: str, what: str, column: str, rows: list[tuple[int, str]]) -> None:
        if rows:
            number, value = rows[0]
            detail = (
                f"The {what} of {len(rows)} rows are numbers, the first being {value}. Format the column as text if "
                "they were typed with leading zeros or like 1e2."
            )
            self.findings.append(Finding(number, code, detail, Severity.WARNING, column, value))
