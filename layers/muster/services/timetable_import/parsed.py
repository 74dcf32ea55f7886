"""Lessons as an import file gives them."""

from dataclasses import dataclass, field

from muster.domain.timetable import Lesson
from muster.services.roster_import.findings import Finding, Severity

MAX_BYTES = 5_000_000
MAX_ROWS = 5_000
"""Rows of a table, or events of a calendar; a school of 100 classes has about 4,000 lessons."""

MAX_FINDINGS = 200


@dataclass(slots=True)
class ParsedFile:
    """The lessons of a file.

    Attributes:
        kind: `table` or `icalendar`.
        lessons: with the row or the number of the event; their ids are empty.
        columns: titles of the columns that are read, by what they give.
    """

    kind: str
    lessons: list[tuple[int, Lesson]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)

    def refuse(self, row: int, code: str, detail: str, column: str | None = None, value: str | None = None) -> None:
        """Add an error, which keeps the whole file from being applied."""
        self._add(Finding(row, code, detail, Severity.ERROR, column, value))

    def note(self, row: int, code: str, detail: str) -> None:
        """Add a warning about something that is left out."""
        self._add(Finding(row, code, detail, Severity.WARNING))

    def _add(self, finding: Finding) -> None:
        # An error is always kept, since errors stop the import.
        if len(self.findings) < MAX_FINDINGS or not any(known.error for known in self.findings):
            self.findings.append(finding)
