"""Cells of a roster file, whether of a text file or of a workbook."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from typing import Any


class CellKind(Enum):
    """What a cell holds: everything but TEXT may differ from what was typed."""

    TEXT = auto()
    NUMBER = auto()
    LONG_NUMBER = auto()
    DATE = auto()
    FORMULA = auto()
    ERROR = auto()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text and what kind of value the file holds there."""

    text: str
    kind: CellKind = CellKind.TEXT


EMPTY = Cell("")

# The way to keep the zeros of `0042` in a CSV file; our own exports use it.
_QUOTED_TEXT = re.compile(r'="([^"]*)"')
_ERRORS = re.compile(r"#(?:N/A|REF!|NAME\?|VALUE!|DIV/0!|NULL!|NUM!)")
_SHORTENED = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_ZEROS = re.compile(r"0{2,}")
# A spreadsheet keeps 15 digits of a number; the rest are zeros.
_MAX_DIGITS = 15


def text_cell(text: str) -> Cell:
    """Return the cell of a text."""
    text = text.strip()
    quoted = _QUOTED_TEXT.fullmatch(text)
    if quoted:
        return Cell(quoted[1].strip())
    return Cell(text, CellKind.FORMULA) if text.startswith("=") else _text(text)


def _text(text: str) -> Cell:
    if _ERRORS.fullmatch(text):
        return Cell(text, CellKind.ERROR)
    return Cell(text, CellKind.LONG_NUMBER if _SHORTENED.fullmatch(text) else CellKind.TEXT)


def workbook_cell(value: Any, number_format: str | None, data_type: str) -> Cell:
    """Return the cell of a workbook's value: of a number with leading zeros in its format, the digits shown.

    Args:
        data_type: as openpyxl names them: `f` for a formula, `e` for an error.
    """
    if data_type == "f":
        # A formula over several cells is an object.
        return text_cell(value) if isinstance(value, str) else Cell("=", CellKind.FORMULA)
    match value:
        case None:
            return EMPTY
        case bool():
            return Cell(str(value).upper())
        case int() | float():
            return _number(value, number_format or "")
        case datetime():
            midnight = value.time() == time()
            return Cell(str(value.date() if midnight else value), CellKind.DATE)
        case date() | time():
            return Cell(value.isoformat(), CellKind.DATE)
        case timedelta():
            return Cell(str(value), CellKind.DATE)
        case _:
            return _text(str(value).strip())


def _number(value: float, number_format: str) -> Cell:
    if abs(value) >= 10**_MAX_DIGITS:
        return Cell(f"{value:.0f}", CellKind.LONG_NUMBER)
    if isinstance(value, float) and value.is_integer():
        # A workbook has no whole numbers, only floats without a fraction.
        value = int(value)
    if isinstance(value, int) and value >= 0 and _ZEROS.fullmatch(number_format):
        return Cell(f"{value:0{len(number_format)}d}")
    return Cell(str(value), CellKind.NUMBER)
