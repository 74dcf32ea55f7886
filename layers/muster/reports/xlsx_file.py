"""Reports as an XLSX workbook."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from muster.domain.attendance import MarkStatus
from muster.domain.codes import DEFAULT_TABLE, CodeTable
from muster.reports.attendance import AttendanceReport
from muster.reports.table import ColumnKind, ReportTable, Value, report_tables
from muster.reports.wording import (
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
_WIDTHS = {
    ColumnKind.ID: 16,
    ColumnKind.TEXT: 28,
    ColumnKind.DAY: 12,
    ColumnKind.COUNT: 10,
    ColumnKind.RATE: 10,
    ColumnKind.STATUS: 10,
    ColumnKind.MARK: 4,
}


def xlsx_file(report: AttendanceReport) -> bytes:
    """Return a workbook with the report's table, its totals, and an explanation of the figures.

    Ids and names are always text; the workbook contains no formulas.
    """
    return workbook_of(report_tables(report), _explanation(report), report.codes)


def workbook_of(
    tables: Iterable[ReportTable], explanation: Iterable[tuple[str, str]], codes: CodeTable = DEFAULT_TABLE
) -> bytes:
    """Return a workbook with a sheet per table, and a last one that explains the figures; see `xlsx_file`."""
    # Imported here, because it takes longer than most requests.
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    for table in tables:
        _write(workbook, table, codes)
    _explain(workbook, explanation)
    content = BytesIO()
    workbook.save(content)
    return content.getvalue()


def _write(workbook: Workbook, table: ReportTable, codes: CodeTable) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet = workbook.create_sheet(table.name)
    for at, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = _WIDTHS[column.kind]
    named = sum(column.kind in (ColumnKind.ID, ColumnKind.TEXT) for column in table.columns[:2])
    sheet.freeze_panes = f"{get_column_letter(named + 1)}2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    header = []
    for column in table.columns:
        cell = _text(sheet, column.title)
        cell.font = Font(bold=True)
        if column.kind is ColumnKind.MARK:
            cell.alignment = Alignment(text_rotation=90)
        header.append(cell)
    sheet.append(header)
    marks = _mark_cells(sheet, codes)
    kinds = [column.kind for column in table.columns]
    for row in table.rows:
        sheet.append([_cell(sheet, value, kind, marks) for value, kind in zip(row, kinds, strict=True)])


def _cell(sheet: WriteOnlyWorksheet, value: Value, kind: ColumnKind, marks: dict[Value, Cell]) -> Cell | Value:
    from openpyxl.cell import WriteOnlyCell

    if value is None or kind is ColumnKind.COUNT:
        return value
    if kind is ColumnKind.MARK:
        return marks[value]
    if kind in (ColumnKind.RATE, ColumnKind.DAY):
        cell = WriteOnlyCell(sheet)
        cell.value = value
        cell.number_format = "0.0%" if kind is ColumnKind.RATE else "yyyy-mm-dd"
        return cell
    return _text(sheet, str(value))


def _text(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, text)
    # openpyxl makes a formula of text that begins with an equals sign.
    cell.data_type = "s"
    cell.number_format = "@"
    # Without it, Excel makes a formula of such text when the cell is edited.
    cell.quotePrefix = text[:1] in "=+-@"
    return cell


def _mark_cells(sheet: WriteOnlyWorksheet, codes: CodeTable) -> dict[Value, Cell]:
    """Return one cell per status and code. The sheet writes each cell at once, so an object can be used again."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font, PatternFill

    cells: dict[Value, Cell] = {}
    letters = [(code.code, code.code, code.status) for code in codes.codes]
    letters += [(WORDS[status], LETTERS[status], status) for status in _FILLS]
    for value, letter, status in letters:
        cell = _text(sheet, letter)
        cell.fill = PatternFill("solid", start_color=_FILLS[status])
        cell.alignment = Alignment(horizontal="center")
        if status is MarkStatus.ABSENT:
            cell.font = Font(bold=True, color="FFFFFF")
        cells[value] = cell
    not_taken = WriteOnlyCell(sheet, NOT_TAKEN_SYMBOL)
    not_taken.alignment = Alignment(horizontal="center")
    cells[NOT_TAKEN] = not_taken
    return cells


def _explain(workbook: Workbook, explanation: Iterable[tuple[str, str]]) -> None:
    sheet = workbook.create_sheet("About")
    sheet.column_dimensions["A"].width = 24
    sheet.column_dimensions["B"].width = 100
    for title, text in explanation:
        sheet.append([_text(sheet, title), _text(sheet, text)])


def _letters(report: AttendanceReport) -> str:
    if not report.detailed:
        return ", ".join(f"{letter} {WORDS[status]}" for status, letter in LETTERS.items())
    of_codes = ", ".join(f"{code.code} {code.meaning}" for code in report.codes.codes)
    return f"{of_codes}, {LETTERS[MarkStatus.REVIEW]} {WORDS[MarkStatus.REVIEW]}"


def _explanation(report: AttendanceReport) -> list[tuple[str, str]]:
    lines = {
        "report": headline(report),
        "period": period_text(report),
        "time zone": report.zone.key,
        "attendance rate": RATE_MEANING,
        "absence in a row": "Sessions missed in a row; excused sessions neither count nor end a series.",
        "letters": _letters(report) + f", {NOT_TAKEN_SYMBOL} {NOT_TAKEN}; empty: not on the roster.",
        NOT_TAKEN: NOT_TAKEN_MEANING,
    }
    return [*lines.items(), *(("remark", text) for text in remarks(report))]
