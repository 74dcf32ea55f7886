"""A roster file, CSV or XLSX, as rows of text."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import islice
from typing import Any
from zipfile import BadZipFile, ZipFile

from muster.domain.errors import EmptyUpload, UnsupportedTable
from muster.services.workbook_cost import check_cost

MOST_ROWS = 5_000
"""Students of one file; a school with more imports a file for each year."""

MOST_BYTES = 5_000_000
_MOST_COLUMNS = 100

_HEADERS = {
    "id": {"id", "studentid", "number", "studentnumber", "rollnumber", "rollno", "matriculationnumber"},
    "name": {"name", "studentname", "fullname", "student"},
    "first": {"firstname", "givenname", "forename"},
    "last": {"lastname", "surname", "familyname"},
    "groups": {"group", "groups", "groupid", "groupids", "class", "classes", "course", "courses"},
}


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One line of the file, its cells as written.

    Attributes:
        number: of the row as a spreadsheet shows it, the header being 1 where nothing lies above it.
        groups: the ids named, which `;`, `,` or `|` separate.
        formula: a cell that is read holds a formula: its text is not what the person sees.
        numeric_id: the id was a number in a spreadsheet, so that leading zeros may have been lost.
    """

    number: int
    student_id: str
    name: str
    groups: tuple[str, ...]
    formula: bool = False
    numeric_id: bool = False


@dataclass(frozen=True, slots=True)
class RosterTable:
    """The rows of a file; `encoding` is that of a text file, `xlsx` for a spreadsheet."""

    rows: tuple[RosterRow, ...]
    encoding: str


def read_roster(content: bytes) -> RosterTable:
    """Read a roster: a header that names the columns, then one student a row; empty rows are passed over.

    Columns are found by name: an id, a name (or first and last name) and, if there is one, the groups. CSV may be
    UTF-8, UTF-16 with a byte order mark, or Windows-1252, with commas, semicolons or tabs. Of a workbook the first
    sheet is read.

    Raises:
        EmptyUpload: there are no bytes.
        UnsupportedTable: it is no such file, has no usable header, or is too large.
    """
    if not content.strip():
        raise EmptyUpload("The roster is empty: choose the file again.")
    if len(content) > MOST_BYTES:
        raise UnsupportedTable(f"The roster is larger than {MOST_BYTES // 1_000_000} MB: send a file for each year.")
    if content.startswith(b"PK"):
        return RosterTable(tuple(_rows(_cells_of_workbook(content))), "xlsx")
    text, encoding = _decoded(content)
    return RosterTable(tuple(_rows(_cells_of_text(text))), encoding)


def _decoded(content: bytes) -> tuple[str, str]:
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "windows-1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding.removesuffix("-sig")
    raise UnsupportedTable("The roster is neither CSV nor XLSX: save it from the spreadsheet as one of them.")


def _cells_of_text(text: str) -> Iterator[list[Any]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise UnsupportedTable(f"The roster cannot be read as CSV ({error}): save it anew as CSV or XLSX.") from error


def _cells_of_workbook(content: bytes) -> Iterator[list[Any]]:
    # Only whoever sends a workbook waits for the library.
    from openpyxl import load_workbook

    try:
        with ZipFile(BytesIO(content)) as archive:
            check_cost(archive)
        workbook = load_workbook(BytesIO(content), read_only=True)
        try:
            sheet = workbook.worksheets[0]
            # A sheet may claim a million empty rows and columns.
            yield from (list(row) for row in sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS))
        finally:
            workbook.close()
    except (UnsupportedTable, GeneratorExit):
        raise
    except BadZipFile as error:
        raise UnsupportedTable("The workbook is damaged: save it anew as XLSX or CSV.") from error
    except Exception as error:
        # Of a damaged workbook the library raises whatever its parser met.
        raise UnsupportedTable("The workbook cannot be read: save it anew as XLSX or CSV.") from error


def _rows(lines: Iterable[list[Any]]) -> Iterator[RosterRow]:
    columns: dict[str, int] = {}
    found = 0
    # A workbook may hold any number of empty rows below the last student.
    for number, cells in enumerate(islice(lines, 20 * MOST_ROWS), start=1):
        if not any(_text(cell) for cell in cells):
            continue
        if not columns:
            columns = _columns(cells)
            continue
        found += 1
        if found > MOST_ROWS:
            raise UnsupportedTable(f"The roster has more than {MOST_ROWS} students: send a file for each year.")
        yield _row(number, cells, columns)
    if not columns:
        raise UnsupportedTable(_NO_HEADER)


_NO_HEADER = "The first row must name the columns: student_id, name and, if you like, group."


def _columns(header: list[Any]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for at, cell in enumerate(header):
        title = re.sub(r"[\W_]+", "", _text(cell)).casefold()
        for column, titles in _HEADERS.items():
            if title in titles:
                columns.setdefault(column, at)
    if "id" not in columns or not ("name" in columns or {"first", "last"} & columns.keys()):
        raise UnsupportedTable(_NO_HEADER)
    return columns


def _row(number: int, cells: list[Any], columns: dict[str, int]) -> RosterRow:
    def cell(column: str) -> Any:
        at = columns.get(column)
        return cells[at] if at is not None and at < len(cells) else None

    name = _text(cell("name")) or " ".join(filter(None, (_text(cell("first")), _text(cell("last")))))
    read = [_text(cell(column)) for column in columns]
    return RosterRow(
        number=number,
        student_id=_text(cell("id")),
        name=name,
        groups=tuple(part for part in re.split(r"[;,|]\s*|\s+", _text(cell("groups"))) if part),
        formula=any(text.startswith("=") for text in read),
        numeric_id=isinstance(cell("id"), int | float),
    )


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        # A spreadsheet has no whole numbers, only floats without a fraction.
        cell = int(cell)
    return str(cell).strip()
