"""The tables of a OneRoster package: rows by column, the manifest, and what is wrong with them."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from io import StringIO
from typing import Final

from muster.domain.errors import UnsupportedTable
from muster.services.oneroster.package import FILES, MANIFEST
from muster.services.roster_import.encodings import decode
from muster.services.roster_import.findings import Finding, Severity, shorten

VERSIONS: Final = ("1.1", "1.2")
MAX_ROWS: Final = 200_000
"""Rows of one file."""

TO_BE_DELETED: Final = "tobedeleted"
_STATUSES: Final = ("", "active", TO_BE_DELETED)

_REQUIRED: Final = {
    "academicSessions": ("sourcedId", "title", "startDate", "endDate"),
    "orgs": ("sourcedId", "name"),
    "courses": ("sourcedId", "title"),
    "classes": ("sourcedId", "title"),
    "users": ("sourcedId", "givenName", "familyName"),
    "roles": ("userSourcedId", "role"),
    "enrollments": ("sourcedId", "classSourcedId", "userSourcedId", "role"),
}
"""Columns without which a file cannot be read. The standard requires more, which are not needed here."""


class Mode(StrEnum):
    """How a file is to be taken."""

    ABSENT = "absent"
    BULK = "bulk"
    """The file is complete: what it does not list is gone."""
    DELTA = "delta"
    """The file lists what changed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        number: as a spreadsheet numbers it.
        cells: by column; a cell that is missing or empty is "".
    """

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def id(self) -> str:
        """The row's `sourcedId`."""
        return self["sourcedId"]

    @property
    def deleted(self) -> bool:
        """Whether the row announces a deletion."""
        return self["status"].lower() == TO_BE_DELETED

    def listed(self, column: str) -> tuple[str, ...]:
        """Return the values of a cell that holds a list."""
        return tuple(part for value in self[column].split(",") if (part := value.strip()))


@dataclass(frozen=True, slots=True)
class Tables:
    """A package as it was read.

    Attributes:
        version: of the standard.
        modes: by file.
        rows: by file; none for a file that is absent.
        findings: about the package and its rows.
    """

    version: str
    modes: Mapping[str, Mode]
    rows: Mapping[str, tuple[Row, ...]]
    findings: list[Finding] = field(default_factory=list)

    def of(self, file: str) -> tuple[Row, ...]:
        """Return the rows of a file."""
        return self.rows.get(file, ())

    def complete(self, file: str) -> bool:
        """Return whether a file lists everything."""
        return self.modes.get(file) is Mode.BULK


def read_tables(contents: Mapping[str, bytes]) -> Tables:
    """Read the files of a package.

    Args:
        contents: by file name without `.csv`, the manifest included.

    Raises:
        UnsupportedTable: a file is not CSV or has too many rows, or the manifest names another version.
        EncodingUnclear: a file is not UTF-8, and can be read in several ways.
    """
    version, modes = _manifest(contents[MANIFEST])
    findings: list[Finding] = []
    rows: dict[str, tuple[Row, ...]] = {}
    for file in FILES:
        mode = modes.get(file, Mode.ABSENT)
        if mode is Mode.ABSENT:
            continue
        if file not in contents:
            findings.append(_finding(file, 1, "file_missing", f"The manifest announces {file}.csv, which is missing."))
            modes[file] = Mode.ABSENT
            continue
        rows[file] = tuple(_checked(file, _rows(file, contents[file], findings), findings))
    return Tables(version, modes, rows, findings)


def _manifest(content: bytes) -> tuple[str, dict[str, Mode]]:
    properties: dict[str, str] = {}
    for cells in _cells(MANIFEST, content):
        if len(cells) >= 2:
            properties[cells[0].strip().lower()] = cells[1].strip()
    version = properties.get("oneroster.version", "")
    if version not in VERSIONS:
        raise UnsupportedTable(
            f"The manifest names the version {shorten(version) or 'nothing'} of OneRoster: export version "
            f"{' or '.join(VERSIONS)}."
        )
    modes = {}
    for file in FILES:
        value = properties.get(f"file.{file.lower()}", Mode.ABSENT).lower()
        if value not in set(Mode):
            raise UnsupportedTable(
                f"The manifest says {shorten(value)!r} of {file}.csv: it can be absent, bulk or delta."
            )
        modes[file] = Mode(value)
    return version, modes


def _rows(file: str, content: bytes, findings: list[Finding]) -> Iterator[Row]:
    lines = _cells(file, content)
    titles = [title.strip() for title in next(lines, [])]
    known = {title.lower() for title in titles}
    missing = [title for title in _REQUIRED[file] if title.lower() not in known]
    if missing:
        detail = f"The columns {', '.join(missing)} are missing: export {file}.csv with all columns of the standard."
        findings.append(_finding(file, 1, "column_missing", detail))
        return
    # Exports differ in capitals; the standard's own spelling is used here.
    columns = [_spelling(title) for title in titles]
    for number, cells in enumerate(lines, start=2):
        if number > MAX_ROWS + 1:
            raise UnsupportedTable(f"{file}.csv has more than {MAX_ROWS:,} rows: export one school at a time.")
        if any(cells):
            yield Row(number, dict(zip(columns, (cell.strip() for cell in cells), strict=False)))


_COLUMNS: Final = {
    column.lower(): column
    for column in (
        *("sourcedId", "status", "title", "type", "startDate", "endDate", "name", "identifier", "role", "username"),
        *("givenName", "familyName", "preferredGivenName", "preferredFamilyName", "email", "agentSourcedIds"),
        *("orgSourcedId", "orgSourcedIds", "primaryOrgSourcedId", "schoolSourcedId", "classSourcedId"),
        *("courseSourcedId", "classCode", "termSourcedIds", "userSourcedId", "beginDate"),
    )
}


def _spelling(title: str) -> str:
    return _COLUMNS.get(title.lower(), title)


def _checked(file: str, rows: Iterator[Row], findings: list[Finding]) -> Iterator[Row]:
    """Yield the rows that have an id, once each, and a status that is known."""
    seen: dict[str, int] = {}
    for row in rows:
        if row["status"].lower() not in _STATUSES:
            detail = f"The status {shorten(row['status'])!r} is unknown: it can be active or tobedeleted."
            findings.append(_finding(file, row.number, "status_unknown", detail, "status"))
            continue
        if file == "roles":
            yield row
        elif not row.id:
            findings.append(_finding(file, row.number, "id_missing", "The sourcedId is missing.", "sourcedId"))
        elif row.id in seen:
            detail = f"Row {seen[row.id]} has the sourcedId {shorten(row.id)} too: one of them is wrong."
            findings.append(_finding(file, row.number, "repeated_id", detail, "sourcedId"))
        else:
            seen[row.id] = row.number
            yield row


def _cells(file: str, content: bytes) -> Iterator[list[str]]:
    if not content.strip():
        return
    reader = csv.reader(StringIO(decode(content).text, newline=""), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise UnsupportedTable(
            f"{file}.csv cannot be read at line {reader.line_num} ({error}): export the package again."
        ) from error


def _finding(file: str, row: int, code: str, detail: str, column: str | None = None) -> Finding:
    return Finding(row, code, detail, Severity.ERROR, column, file=f"{file}.csv")
