"""Findings: what a person should know about a row of a roster file."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How a finding counts: an error keeps the whole file from being applied."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know about a row.

    Attributes:
        row: as a spreadsheet numbers it.
        code: stable, like those of errors.
        detail: a sentence that says what was found and what to do.
        column: the title of the column, as the file writes it; None where the row as a whole is meant.
        value: the cell as it was read.
        file: the name of the file, where an import reads several.
    """

    row: int
    code: str
    detail: str
    severity: Severity = Severity.ERROR
    column: str | None = None
    value: str | None = None
    file: str | None = None

    @property
    def error(self) -> bool:
        """Whether this finding keeps the file from being applied."""
        return self.severity is Severity.ERROR


_MAX_VALUE = 80


def shorten(value: str) -> str:
    """Return a cell's text, cut where it is too long to be shown."""
    return value if len(value) <= _MAX_VALUE else value[: _MAX_VALUE - 1] + "…"
