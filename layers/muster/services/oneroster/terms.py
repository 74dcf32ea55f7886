"""The terms of a package, and the school calendar with them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from muster.domain.errors import InvalidRequest
from muster.domain.timetable import SchoolCalendar, Span
from muster.services.oneroster.enrolments import read_day
from muster.services.oneroster.tables import Row, Tables
from muster.services.roster_import.findings import Finding, Severity, shorten
from muster.services.roster_import.plan import RowAction
from muster.services.timetable.validation import check_calendar

_TYPES: Final = ("term", "semester")
"""Types of academic sessions that can be terms; the second is read if a package has none of the first."""


@dataclass(frozen=True, slots=True)
class PlannedTerm:
    """The planned action for one term; a term with `remove` is deleted in the package."""

    term: Span
    action: RowAction
    remove: bool = False


class TermPlan:
    """The terms of a package beside those of the school.

    Terms that were entered by hand stay, and terms of the package that overlap them are left out. Terms of earlier
    packages follow their rows, and stay if a package does not list them.

    Attributes:
        calendar: afterwards.
        terms: one per row that is taken.
        findings: rows that are left out. None is an error, so that they do not keep students out.
    """

    def __init__(self, tables: Tables, stored: SchoolCalendar) -> None:
        self.calendar = stored
        self.findings: list[Finding] = []
        self.terms = tuple(self._plan(_rows(tables)))
        if self.calendar.terms and not stored.terms:
            detail = "The school has had no terms so far. With them, lessons take place within terms only."
            self._add(1, "first_terms", detail, Severity.INFORMATION)

    def _plan(self, rows: list[Row]) -> Iterator[PlannedTerm]:
        for row in sorted(rows, key=lambda row: not row.deleted):
            before = next((term for term in self.calendar.terms if term.source == row.id), None)
            if row.deleted:
                if before is not None:
                    self._replace(before, None)
                    yield PlannedTerm(before, RowAction.UPDATE, remove=True)
                continue
            term = self._term(row)
            if term is None:
                continue
            if (before is None and term in self.calendar.terms) or before == term:
                yield PlannedTerm(term, RowAction.NOTHING)
            elif self._replace(before, term, row):
                yield PlannedTerm(term, RowAction.ADD if before is None else RowAction.UPDATE)

    def _term(self, row: Row) -> Span | None:
        try:
            first, end = read_day(row["startDate"]), read_day(row["endDate"])
        except InvalidRequest as error:
            self._add(row.number, "term_left_out", f"The term is left out: {error}")
            return None
        if first is None or end is None or end <= first:
            self._add(row.number, "term_left_out", "The term is left out: it needs a startDate before its endDate.")
            return None
        return Span(row["title"], first, _last_day(end), row.id)

    def _replace(self, before: Span | None, after: Span | None, row: Row | None = None) -> bool:
        kept = tuple(term for term in self.calendar.terms if term is not before)
        calendar = replace(self.calendar, terms=(*kept, after) if after else kept)
        try:
            check_calendar(calendar)
        except InvalidRequest as error:
            detail = f"The term {shorten(row['title'])} is left out: {error}" if row else str(error)
            self._add(row.number if row else 1, "term_left_out", detail)
            return False
        self.calendar = replace(calendar, terms=tuple(sorted(calendar.terms, key=lambda term: term.first_day)))
        return True

    def _add(self, row: int, code: str, detail: str, severity: Severity = Severity.WARNING) -> None:
        self.findings.append(Finding(row, code, detail, severity, file="academicSessions.csv"))


def _rows(tables: Tables) -> list[Row]:
    sessions = tables.of("academicSessions")
    of_type = [[row for row in sessions if row["type"].lower() == wanted] for wanted in _TYPES]
    return next((rows for rows in of_type if rows), [])


def _last_day(end: date) -> date:
    # The standard excludes the end date of an academic session.
    return end - timedelta(days=1)
