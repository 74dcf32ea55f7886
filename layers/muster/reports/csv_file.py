"""A report as CSV that spreadsheets read as it is meant."""

import csv
import re
from enum import StrEnum
from io import StringIO

from muster.reports.attendance import AttendanceReport
from muster.reports.table import Kind, Value, attendance_table

# What a spreadsheet takes for a number, a time, a date or a truth value: `007`, `1e5`, `1-2`, `Mar1`, `7am`, `true`.
_TAKEN_FOR_A_NUMBER = re.compile(
    r"[0-9._-]*(?:e|am?|pm?|true|false|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)?[0-9._-]*",
    re.IGNORECASE,
)
# Where a formula could begin: at the start of a cell and, should the file be split at other separators, after those.
# The wide signs are those of East Asian keyboards, which some spreadsheets read as the narrow ones.
_FORMULA = re.compile(r"(?:^|(?<=[;,|\"']))(?=\s*[=+\-@\t\r\n＝＋－＠])")


class Delimiter(StrEnum):
    """What stands between the cells of a CSV file.

    Excel opens a file with a double click only where the delimiter is that of its country: a comma in English, a
    semicolon wherever the comma is the decimal separator, as in German and French.
    """

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"

    @property
    def character(self) -> str:
        """The character itself."""
        return {"comma": ",", "semicolon": ";", "tab": "\t"}[self.value]


def csv_file(report: AttendanceReport, delimiter: Delimiter = Delimiter.COMMA) -> bytes:
    """Return the report's table as CSV (RFC 4180), UTF-8 with the byte order mark by which Excel knows it.

    An id that a spreadsheet would take for a number is written `="007"`, which shows as 007 and keeps its zeros. A name
    that it would take for a formula gets an apostrophe in front. A rate has four decimals, after a comma where the
    delimiter is a semicolon, and a day is ISO 8601.
    """
    table = attendance_table(report)
    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter.character)
    writer.writerow([column.title for column in table.columns])
    kinds = [column.kind for column in table.columns]
    point = "," if delimiter is Delimiter.SEMICOLON else "."
    writer.writerows([_cell(value, kind, point) for value, kind in zip(row, kinds, strict=True)] for row in table.rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def _cell(value: Value, kind: Kind, point: str) -> Value:
    if isinstance(value, float):
        return f"{value:.4f}".replace(".", point)
    if kind is Kind.ID:
        return _identifier(str(value))
    if kind is Kind.TEXT:
        return _FORMULA.sub("'", str(value))
    return value


def _identifier(text: str) -> str:
    # An id has no quote in it, so that the formula can hold nothing but the text.
    return f'="{text}"' if _TAKEN_FOR_A_NUMBER.fullmatch(text) else text
