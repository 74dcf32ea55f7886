"""The sheet of a workbook (XLSX) that holds the roster, as rows of cells."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from typing import Any
from zipfile import BadZipFile, ZipFile

from muster.domain.errors import UnsupportedTable
from muster.services.roster_import.cells import EMPTY, Cell, workbook_cell
from muster.services.roster_import.delimited import HEADER_WITHIN, MAX_COLUMNS
from muster.services.roster_import.headers import read_header
from muster.services.roster_import.workbook_cost import check_cost

_MAX_SHEETS = 20
_STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"


def open_sheet(content: bytes) -> tuple[str, Iterator[list[Cell]]]:
    """Open the sheet that holds the roster; return its name and its rows.

    It is the sheet that was on top when the workbook was saved or, where that has no header, the first one that has.

    Raises:
        UnsupportedTable: the file is no workbook, is damaged or too large; the rows raise it as well.
    """
    # Only callers that send a workbook wait for the library.
    from openpyxl import load_workbook

    # The library warns of styles and extensions, which a roster does not need.
    warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
    with _reading():
        _check_archive(content)
        workbook = load_workbook(BytesIO(content), read_only=True)
        sheet = _roster_sheet(workbook)
        title = str(sheet.title)

    def rows() -> Iterator[list[Cell]]:
        try:
            with _reading():
                yield from _rows(sheet)
        finally:
            workbook.close()

    return title, rows()


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except UnsupportedTable:
        raise
    except BadZipFile as error:
        raise UnsupportedTable("The workbook is damaged: save it again as XLSX or CSV.") from error
    except Exception as error:
        # For a damaged workbook the library raises whatever its parser met.
        raise UnsupportedTable("The workbook cannot be read: save it again as XLSX or CSV.") from error


def _check_archive(content: bytes) -> None:
    with ZipFile(BytesIO(content)) as archive:
        names = set(archive.namelist())
        if "mimetype" in names:
            raise UnsupportedTable("This is an OpenDocument file: save the sheet as XLSX or CSV.")
        if "xl/workbook.bin" in names:
            raise UnsupportedTable("This is a binary workbook (XLSB): save it as XLSX or CSV.")
        if "xl/workbook.xml" in names and _STRICT in archive.read("xl/workbook.xml"):
            raise UnsupportedTable(
                "This workbook was saved as Strict Open XML: save it as Excel Workbook (XLSX) or CSV."
            )
        check_cost(archive)


def _roster_sheet(workbook: Any) -> Any:
    shown = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"] or workbook.worksheets
    if not shown:
        raise UnsupportedTable("The workbook has no sheet with cells: save the roster as XLSX or CSV.")
    sheets = sorted(shown[:_MAX_SHEETS], key=lambda sheet: sheet is not workbook.active)
    return next((sheet for sheet in sheets if _has_header(sheet)), sheets[0])


def _has_header(sheet: Any) -> bool:
    rows = islice(_rows(sheet), HEADER_WITHIN)
    return any(read_header([cell.text for cell in row]).complete for row in rows)


def _rows(sheet: Any) -> Iterator[list[Cell]]:
    # The size that a sheet states of itself is wrong in files of several programs; others claim a million rows.
    sheet.reset_dimensions()
    for row in sheet.iter_rows(max_col=MAX_COLUMNS):
        yield [
            EMPTY if cell.value is None else workbook_cell(cell.value, cell.number_format, cell.data_type)
            for cell in row
        ]
