"""A report as a workbook."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from muster.domain.attendance import MarkStatus
from muster.reports.attendance import AttendanceReport
from muster.reports.look import (
    LETTERS,
    NOT_TAKEN,
    NOT_TAKEN_MEANING,
    NOT_TAKEN_SYMBOL,
    RATE_MEANING,
    WORDS,
    headline,
    period_text,
    remarks,
)
from muster.reports.table import Kind, Table, Value, tables

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

_FILLS = {
    MarkStatus.PRESENT: "DDF1E4",
    MarkStatus.LATE: "FFE08A",
    MarkStatus.ABSENT: "C0392B",
    MarkStatus.EXCUSED: "D5DEEE",
    MarkStatus.REVIEW: "F3D9FA",
}
_WIDTHS = {Kind.ID: 16, Kind.TEXT: 28, Kind.DAY: 12, Kind.COUNT: 10, Kind.RATE: 10, Kind.STATUS: 10, Kind.MARK: 4}


def xlsx_file(report: AttendanceReport) -> bytes:
    """Return a workbook: the report's table, the totals by session and by day, and what the figures mean.

    Ids and names are text, whatever they look like; nothing in it is a formula.
    """
    # The library takes longer to import than most requests take to answer.
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    for table in tables(report):
        _write(workbook, table)
    _explain(workbook, report)
    content = BytesIO()
    workbook.save(content)
    return content.getvalue()


def _write(workbook: Workbook, table: Table) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet = workbook.create_sheet(table.name)
    for at, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = _WIDTHS[column.kind]
    named = sum(column.kind in (Kind.ID, Kind.TEXT) for column in table.columns[:2])
    sheet.freeze_panes = f"{get_column_letter(named + 1)}2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    header = []
    for column in table.columns:
        cell = _text(sheet, column.title)
        cell.font = Font(bold=True)
        if column.kind is Kind.MARK:
            cell.alignment = Alignment(text_rotation=90)
        header.append(cell)
    sheet.append(header)
    marks = _mark_cells(sheet)
    kinds = [column.kind for column in table.columns]
    for row in table.rows:
        sheet.append([_cell(sheet, value, kind, marks) for value, kind in zip(row, kinds, strict=True)])


def _cell(sheet: WriteOnlyWorksheet, value: Value, kind: Kind, marks: dict[Value, Cell]) -> Cell | Value:
    from openpyxl.cell import WriteOnlyCell

    if value is None or kind is Kind.COUNT:
        return value
    if kind is Kind.MARK:
        return marks[value]
    if kind in (Kind.RATE, Kind.DAY):
        cell = WriteOnlyCell(sheet)
        cell.value = value
        cell.number_format = "0.0%" if kind is Kind.RATE else "yyyy-mm-dd"
        return cell
    return _text(sheet, str(value))


def _text(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, text)
    # The library makes a formula of what begins with an equals sign.
    cell.data_type = "s"
    cell.number_format = "@"
    # Without it, Excel makes a formula of such a text when somebody edits the cell.
    cell.quotePrefix = text[:1] in "=+-@"
    return cell


def _mark_cells(sheet: WriteOnlyWorksheet) -> dict[Value, Cell]:
    """One cell for each status: the sheet writes a cell at once and keeps none, so that it serves in every place."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font, PatternFill

    cells: dict[Value, Cell] = {}
    for status, colour in _FILLS.items():
        cell = WriteOnlyCell(sheet, LETTERS[status])
        cell.fill = PatternFill("solid", start_color=colour)
        cell.alignment = Alignment(horizontal="center")
        if status is MarkStatus.ABSENT:
            cell.font = Font(bold=True, color="FFFFFF")
        cells[WORDS[status]] = cell
    not_taken = WriteOnlyCell(sheet, NOT_TAKEN_SYMBOL)
    not_taken.alignment = Alignment(horizontal="center")
    cells[NOT_TAKEN] = not_taken
    return cells


def _explain(workbook: Workbook, report: AttendanceReport) -> None:
    sheet = workbook.create_sheet("About")
    sheet.column_dimensions["A"].width = 24
    sheet.column_dimensions["B"].width = 100
    lines = {
        "report": headline(report),
        "period": period_text(report),
        "time zone": report.zone.key,
        "attendance rate": RATE_MEANING,
        "absence in a row": "Sessions missed one after the other; an excused one neither counts nor ends the row.",
        "letters": ", ".join(f"{letter} {WORDS[status]}" for status, letter in LETTERS.items())
        + f", {NOT_TAKEN_SYMBOL} {NOT_TAKEN}; empty: not on the roster.",
        NOT_TAKEN: NOT_TAKEN_MEANING,
    }
    for title, text in [*lines.items(), *(("remark", text) for text in remarks(report))]:
        sheet.append([_text(sheet, title), _text(sheet, text)])
