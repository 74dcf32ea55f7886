"""Reports as CSV that spreadsheet programs read without changing values."""

import csv
import re
from enum import StrEnum
from io import StringIO

from muster.reports.attendance import AttendanceReport
from muster.reports.table import ColumnKind, ReportTable, Value, attendance_table

# Texts that a spreadsheet converts to a number, time, date or truth value: `007`, `1e5`, `1-2`, `Mar1`, `7am`, `true`.
_CONVERTED_BY_SPREADSHEETS = re.compile(
    r"[0-9._-]*(?:e|am?|pm?|true|false|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)?[0-9._-]*",
    re.IGNORECASE,
)
# Possible starts of a formula: the start of a cell and, if the file is split at other separators, after those. Some
# spreadsheets treat the full-width signs of East Asian keyboards like the ASCII ones.
_FORMULA = re.compile(r"(?:^|(?<=[;,|\"']))(?=\s*[=+\-@\t\r\n＝＋－＠])")


class Delimiter(StrEnum):
    """Delimiters of a CSV file.

    On a double click, Excel reads a file correctly only with the delimiter of its locale: a comma in English, a
    semicolon where the comma is the decimal separator, as in German and French.
    """

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"

    @property
    def character(self) -> str:
        """The character itself."""
        return {"comma": ",", "semicolon": ";", "tab": "\t"}[self.value]


def csv_file(report: AttendanceReport, delimiter: Delimiter = Delimiter.COMMA) -> bytes:
    """Return the report's table as CSV (RFC 4180), UTF-8 with the byte order mark that Excel needs.

    Ids that a spreadsheet would convert to numbers are written as `="007"`, which shows as 007. Names that could be
    formulas get a leading apostrophe. Rates have four decimals, with a decimal comma if the delimiter is a semicolon;
    days are in ISO 8601.
    """
    return csv_of(attendance_table(report), delimiter)


def csv_of(table: ReportTable, delimiter: Delimiter = Delimiter.COMMA) -> bytes:
    """Return one table as CSV; see `csv_file`."""
    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter.character)
    writer.writerow([column.title for column in table.columns])
    kinds = [column.kind for column in table.columns]
    point = "," if delimiter is Delimiter.SEMICOLON else "."
    writer.writerows([_cell(value, kind, point) for value, kind in zip(row, kinds, strict=True)] for row in table.rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def _cell(value: Value, kind: ColumnKind, point: str) -> Value:
    if isinstance(value, float):
        return f"{value:.4f}".replace(".", point)
    if kind is ColumnKind.ID:
        return _identifier(str(value))
    if kind is ColumnKind.TEXT:
        return _FORMULA.sub("'", str(value))
    return value


def _identifier(text: str) -> str:
    # Ids contain no quotes, so the formula cannot contain anything but the text.
    return f'="{text}"' if _CONVERTED_BY_SPREADSHEETS.fullmatch(text) else text
