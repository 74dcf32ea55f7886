"""A roster file, CSV or XLSX, as rows of students."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from muster.domain.errors import EmptyUpload, RosterEmpty, UnsupportedTable
from muster.services.roster_import.cells import Cell
from muster.services.roster_import.columns import Columns, cell_at, choose_columns, unused_candidates
from muster.services.roster_import.delimited import HEADER_WITHIN, cells_of_text, find_delimiter, split_separator_line
from muster.services.roster_import.encodings import decode
from muster.services.roster_import.findings import Finding, Severity, shorten
from muster.services.roster_import.headers import MISSING_HELP, Header, read_header
from muster.services.roster_import.rows import RosterRow, is_footer, read_row
from muster.services.roster_import.workbook import open_sheet

__all__ = ["MAX_BYTES", "MAX_ROWS", "RosterRow", "RosterTable", "read_roster"]

MAX_ROWS = 5_000
"""Students of one file; a school with more imports a file for each year."""

MAX_BYTES = 5_000_000

_SAMPLE = 3
_MAX_TITLES = 12


@dataclass(frozen=True, slots=True)
class RosterTable:
    """The rows of a file and how it was understood.

    Attributes:
        encoding: of a text file; `xlsx` for a workbook.
        delimiter: of a text file.
        sheet: the one that was read of a workbook.
        header_row: the number of the row of titles.
        columns: the titles of the columns that are read, by what they give.
        findings: about the file and its rows, in the order of the rows.
    """

    rows: tuple[RosterRow, ...]
    encoding: str
    delimiter: str | None
    sheet: str | None
    header_row: int
    columns: Columns
    findings: tuple[Finding, ...]


def read_roster(content: bytes, file_name: str = "", encoding: str | None = None) -> RosterTable:
    """Read a roster: a header that names the columns, then one student per row; empty rows are skipped.

    docs/rosters.md describes the titles, encodings and delimiters that are understood.

    Args:
        file_name: as the person knows it; a file named .xlsx that is none is refused.
        encoding: of a text file; None to find it out.

    Raises:
        EmptyUpload: there are no bytes.
        RosterEmpty: there are no students.
        EncodingUnclear: the text can be read in several encodings.
        UnsupportedTable: it is no such file, has no usable header, or is too large.
        InvalidRequest: `encoding` is unknown, or the file is not in it.
    """
    if not content.strip():
        raise EmptyUpload("The roster is empty: choose the file again.")
    if len(content) > MAX_BYTES:
        raise UnsupportedTable(f"The roster is larger than {MAX_BYTES // 1_000_000} MB: send a file for each year.")
    if content.startswith(b"PK"):
        sheet, rows = open_sheet(content)
        return _table(rows, "xlsx", sheet=sheet)
    _check_is_text(content, file_name)
    decoded = decode(content, encoding)
    text, delimiter = split_separator_line(decoded.text)
    delimiter = delimiter or find_delimiter(text)
    return _table(cells_of_text(text, delimiter), decoded.encoding, delimiter, guessed=decoded.guessed)


def _check_is_text(content: bytes, file_name: str) -> None:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnsupportedTable("This is a workbook of Excel 97-2003, or one with a password: save it as XLSX or CSV.")
    if re.match(rb"\s*(?:<!doctype html|<html|<table|<\?xml)", content[:200], re.IGNORECASE):
        raise UnsupportedTable("This is a web page or XML, not a table: save it from the spreadsheet as XLSX or CSV.")
    if file_name.lower().endswith((".xlsx", ".xlsm", ".xls")):
        raise UnsupportedTable(
            f"{file_name} is no workbook, although it is named like one: give it its own ending, such as .csv, if "
            "it is a text file, or save it from the spreadsheet again."
        )


def _table(
    lines: Iterable[list[Cell]],
    encoding: str,
    delimiter: str | None = None,
    sheet: str | None = None,
    *,
    guessed: bool = False,
) -> RosterTable:
    # A workbook may hold any number of empty rows below the last student.
    numbered = ((number, _trimmed(cells)) for number, cells in enumerate(islice(lines, 20 * MAX_ROWS), start=1))
    filled = ((number, cells) for number, cells in numbered if cells)
    header_row, header = _find_header(filled)
    findings: list[Finding] = []
    rows = _students(filled, header, findings)
    columns = choose_columns(header, [cells for _, cells in rows])
    while rows and is_footer(rows[-1][1], columns):
        number, cells = rows.pop()
        text = shorten(" ".join(cell.text for cell in cells if cell.text))
        findings.append(Finding(number, "row_skipped", f"{text!r} is no student.", Severity.WARNING, value=text))
    if not rows:
        raise RosterEmpty(f"The roster names no student: row {header_row} is the header, and no student follows it.")
    students = tuple(read_row(number, cells, columns) for number, cells in rows)
    findings += unused_candidates(header, columns, header_row)
    if guessed:
        findings.append(_encoding_assumed(students, encoding, header_row, columns))
    findings += (finding for row in students for finding in row.findings)
    return RosterTable(students, encoding, delimiter, sheet, header_row, columns, tuple(findings))


def _trimmed(cells: list[Cell]) -> list[Cell]:
    while cells and not cells[-1].text:
        cells.pop()
    return cells


def _find_header(filled: Iterator[tuple[int, list[Cell]]]) -> tuple[int, Header]:
    """Return the first complete header among the first rows, with its row number; the iterator goes on below it."""
    seen: list[Header] = []
    for number, cells in filled:
        header = read_header([cell.text for cell in cells])
        if header.complete:
            return number, header
        seen.append(header)
        if number >= HEADER_WITHIN:
            break
    if not seen:
        raise RosterEmpty("The roster holds no cell with text: choose the file again.")
    best = max(seen, key=lambda header: (header.known, len(header.titles)))
    missing = ["the student id"] * (not best.ids)
    missing += ["the name"] * (best.name is None and best.first is None and best.last is None)
    titles = ", ".join(shorten(title) for title in best.titles[:_MAX_TITLES] if title)
    raise UnsupportedTable(
        f"The roster has no column for {' and '.join(missing)}. The titles found are: {titles}. Name the columns "
        f"student_id, name and, if there are groups, group; {MISSING_HELP}."
    )


def _students(
    filled: Iterator[tuple[int, list[Cell]]], header: Header, findings: list[Finding]
) -> list[tuple[int, list[Cell]]]:
    rows: list[tuple[int, list[Cell]]] = []
    for number, cells in filled:
        if tuple(cell.text for cell in cells) == header.titles:
            # Printed lists repeat the titles on each page.
            continue
        if reason := _other_person(cells, header):
            findings.append(Finding(number, "row_skipped", reason, Severity.INFORMATION))
            continue
        rows.append((number, cells))
        if len(rows) > MAX_ROWS:
            raise UnsupportedTable(f"The roster has more than {MAX_ROWS} students: send a file for each year.")
    return rows


def _other_person(cells: list[Cell], header: Header) -> str | None:
    """Say why OneRoster's row is no student: another role, or a record to be deleted. An empty status is active."""
    role, status = cell_at(cells, header.role).text, cell_at(cells, header.status).text
    if role and role.lower() != "student":
        return f"The role is {shorten(role)}, not student."
    if status and status.lower() != "active":
        return f"The status is {shorten(status)}, not active."
    return None


def _encoding_assumed(rows: tuple[RosterRow, ...], encoding: str, header_row: int, columns: Columns) -> Finding:
    changed = [row for row in rows if not row.name.isascii()]
    names = ", ".join(shorten(row.name) for row in changed[:_SAMPLE])
    shown = f", which gives {names}" if names else ""
    return Finding(
        changed[0].number if changed else header_row,
        "encoding_assumed",
        f"The file is not UTF-8 and was read as {encoding}{shown}. If that is wrong, name the encoding (--encoding).",
        Severity.WARNING,
        columns.title(columns.names[0]),
        shorten(changed[0].name) if changed else None,
    )
