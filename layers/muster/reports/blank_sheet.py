"""A blank register to print: the roster of a group, with empty columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from muster.domain.attendance import MarkStatus
from muster.domain.identifiers import StudentId
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.listing import Listing
from muster.reports.page import page, table_of
from muster.reports.table import STUDENT, Column, ColumnKind, ReportTable

MAX_COLUMNS = 40
"""Empty columns that fit on a landscape A4 page beside the names, each 5 mm wide."""

STATUSES_ON_PAPER = (MarkStatus.PRESENT, MarkStatus.LATE, MarkStatus.ABSENT, MarkStatus.EXCUSED)
"""Statuses that can be written by hand, in the order of reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlankSheet:
    """A sheet to fill in by hand.

    Attributes:
        day: None if the columns are not the lessons of a day.
        columns: titles of the empty columns.
        students: id and name, in the order to print.
    """

    group_id: str
    group: str
    day: date | None
    columns: tuple[str, ...]
    students: tuple[tuple[StudentId, str], ...]

    def listing(self) -> Listing:
        """Return the sheet for spreadsheets and for print."""
        titles = unique(self.columns)
        columns = (*STUDENT, *(Column(title, ColumnKind.TEXT) for title in titles))
        rows = tuple((*student, *(None for _ in titles)) for student in self.students)
        day = "" if self.day is None else f"-{self.day}"
        return Listing(
            stem=f"sheet-{self.group_id}{day}",
            title=f"Register: {self.group}",
            setting=self._setting(),
            tables=(ReportTable("Register", columns, rows),),
        )

    def html(self, language: Language = ENGLISH) -> str:
        """Return a page to print."""
        head = (language.text("head.student"), *(escape(title) for title in self.columns))
        rows = (
            (f"<bdi>{escape(name)}</bdi> <small>{id}</small>", *("" for _ in self.columns))
            for id, name in self.students
        )
        title = language.text("sheet.title", group=self.group)
        heading = language.text("sheet.title", group=f"<bdi>{escape(self.group)}</bdi>")
        return page(title, heading, self._setting(language), table_of(head, rows, "register"), language=language)

    def _setting(self, language: Language = ENGLISH) -> str:
        day = language.text("sheet.no_day") if self.day is None else language.long_date(self.day)
        students = language.text("count.students", count=len(self.students))
        letters = ", ".join(
            f"{language.text(f'letter.{status.value}')} {language.status(status)}" for status in STATUSES_ON_PAPER
        )
        return language.text("sheet.setting", day=day, students=students, letters=letters)


def unique(titles: Sequence[str]) -> list[str]:
    """Number the titles that occur more than once, and those that are empty."""
    return [
        title if title and titles.count(title) == 1 else f"{title} {place + 1}".strip()
        for place, title in enumerate(titles)
    ]
