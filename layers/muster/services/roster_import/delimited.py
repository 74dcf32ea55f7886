"""Delimited text (CSV) as rows of cells."""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

from muster.domain.errors import UnsupportedTable
from muster.services.roster_import.cells import Cell, text_cell
from muster.services.roster_import.headers import read_header

if TYPE_CHECKING:
    import _csv

DELIMITERS = ",;\t|"
MAX_COLUMNS = 100
"""Columns that are read from a file."""

HEADER_WITHIN = 10
"""Rows that are searched for the header: school software prints titles above it."""

# A line that sets the delimiter for Excel.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)


def split_separator_line(text: str) -> tuple[str, str | None]:
    """Take the line `sep=;` off a text; return the rest and the delimiter."""
    found = _SEPARATOR_LINE.match(text)
    return (text[found.end() :], found[1]) if found else (text, None)


def find_delimiter(text: str) -> str:
    """Return the delimiter with which the first rows hold the most titles of a roster, then the most cells."""

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(islice(_reader(text, delimiter), HEADER_WITHIN))
        except csv.Error:
            return (0, 0)
        known = max((read_header(row[:MAX_COLUMNS]).known for row in rows), default=0)
        return known, max(map(len, rows), default=0)

    return max(DELIMITERS, key=fit)


def cells_of_text(text: str, delimiter: str) -> Iterator[list[Cell]]:
    """Yield the rows of a text.

    Raises:
        UnsupportedTable: a quoted cell does not end as it should.
    """
    reader = _reader(text, delimiter)
    try:
        for row in reader:
            yield [text_cell(cell) for cell in row[:MAX_COLUMNS]]
    except csv.Error as error:
        raise UnsupportedTable(
            f"The roster cannot be read as CSV at line {reader.line_num} ({error}): save it again as CSV or XLSX."
        ) from error


def _reader(text: str, delimiter: str) -> "_csv.Reader":
    return csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
