"""Lessons of a table: CSV or XLSX, one lesson per row, columns found by their titles."""

from collections.abc import Iterator, Mapping
from datetime import date, time
from itertools import islice
from typing import Final

from muster.domain.errors import UnsupportedTable
from muster.domain.group import Group
from muster.domain.identifiers import GroupId
from muster.domain.timetable import Lesson
from muster.services.roster_import.cells import Cell
from muster.services.roster_import.delimited import cells_of_text, find_delimiter, split_separator_line
from muster.services.roster_import.encodings import decode
from muster.services.roster_import.findings import shorten
from muster.services.roster_import.headers import plain_title
from muster.services.roster_import.workbook import open_sheet
from muster.services.timetable.validation import lesson_problem
from muster.services.timetable_import.cell_values import read_day, read_time, read_times, read_weekdays
from muster.services.timetable_import.parsed import MAX_ROWS, ParsedFile

TITLES: Final[Mapping[str, str]] = {
    "group": "group, group id, group name, class, class id, class name, Gruppe, Klasse, Kurs, course",
    "weekday": "weekday, day, day of week, Wochentag, Tag",
    "starts": "starts, start, start time, begins, begin, from, Beginn, Anfang, Start, Startzeit, von",
    "ends": "ends, end, end time, until, to, Ende, Endzeit, bis",
    "times": "time, times, hours, period, Zeit, Uhrzeit, Zeiten",
    "subject": "subject, lesson, title, Fach, Unterricht, Unterrichtsfach, Titel",
    "room": "room, location, place, Raum, Zimmer, Ort",
    "teacher": "teacher, instructor, tutor, Lehrer, Lehrerin, Lehrkraft, Lehrperson, Dozent, Dozentin",
    "first_day": "first day, valid from, start date, from date, erster Tag, gültig ab, gültig von, ab, Startdatum",
    "last_day": "last day, valid until, valid to, end date, to date, letzter Tag, gültig bis, Enddatum",
    "every_weeks": "every weeks, interval, week interval, alle Wochen, Wochenrhythmus, Rhythmus, Intervall",
}
"""The titles of each column; docs/timetable.md lists them."""

_BY_TITLE: Final = {plain_title(title): kind for kind, titles in TITLES.items() for title in titles.split(",")}
_HEADER_WITHIN: Final = 20


def read_table(content: bytes, groups: Mapping[GroupId, Group], default: GroupId | None) -> ParsedFile:
    """Read the lessons of a table.

    Args:
        groups: all groups; a row names one by id or by name.
        default: the group of rows without one.

    Raises:
        UnsupportedTable: it is no table, has no usable header, or is too long.
        EncodingUnclear: the text can be read in several encodings.
    """
    numbered = enumerate((tuple(cell.text.strip() for cell in row) for row in _rows(content)), start=1)
    filled = ((number, cells) for number, cells in islice(numbered, 4 * MAX_ROWS) if any(cells))
    columns, titles = _header(filled, has_default=default is not None)
    parsed = ParsedFile("table", columns={kind: titles[at] for kind, at in columns.items()})
    reader = _Rows(parsed, columns, _names(groups), default)
    for count, (number, cells) in enumerate(filled):
        if count >= MAX_ROWS:
            raise UnsupportedTable(f"The file has more than {MAX_ROWS} lessons: split it.")
        reader.read(number, cells)
    return parsed


def _rows(content: bytes) -> Iterator[list[Cell]]:
    if content.startswith(b"PK"):
        return open_sheet(content)[1]
    text, delimiter = split_separator_line(decode(content, None).text)
    return cells_of_text(text, delimiter or find_delimiter(text))


def _header(
    filled: Iterator[tuple[int, tuple[str, ...]]], *, has_default: bool
) -> tuple[dict[str, int], tuple[str, ...]]:
    best: tuple[dict[str, int], tuple[str, ...]] = ({}, ())
    for _, cells in islice(filled, _HEADER_WITHIN):
        columns: dict[str, int] = {}
        for at, title in enumerate(cells):
            kind = _BY_TITLE.get(plain_title(title[:100]))
            if kind is not None:
                columns.setdefault(kind, at)
        if not _missing(columns, has_default=has_default):
            return columns, cells
        best = max(best, (columns, cells), key=lambda found: len(found[0]))
    missing = " and ".join(_missing(best[0], has_default=has_default))
    raise UnsupportedTable(
        f"The file has no column for {missing}. Name the columns group, weekday, start, end and subject; "
        "docs/timetable.md lists the titles that are understood."
    )


def _missing(columns: Mapping[str, int], *, has_default: bool) -> list[str]:
    missing = ["the group"] if "group" not in columns and not has_default else []
    missing += ["the weekday"] if "weekday" not in columns else []
    if "times" not in columns:
        missing += [f"the {kind[:-1]}" for kind in ("starts", "ends") if kind not in columns]
    return missing


def _names(groups: Mapping[GroupId, Group]) -> dict[str, GroupId | None]:
    """Return group ids by id and by name; None for a name that several groups have."""
    names: dict[str, GroupId | None] = {}
    for group in groups.values():
        name = group.name.casefold()
        names[name] = None if name in names else group.id
    return {**names, **{id.casefold(): id for id in groups}}


class _Rows:
    """Reads the rows of one table."""

    def __init__(
        self,
        parsed: ParsedFile,
        columns: Mapping[str, int],
        names: Mapping[str, GroupId | None],
        default: GroupId | None,
    ) -> None:
        self._parsed = parsed
        self._columns = columns
        self._names = names
        self._default = default

    def read(self, row: int, cells: tuple[str, ...]) -> None:
        """Read one row: its lessons, or an error."""

        def text(kind: str) -> str:
            at = self._columns.get(kind)
            return cells[at] if at is not None and at < len(cells) else ""

        group = self._group(row, text("group"))
        weekdays = read_weekdays(text("weekday"))
        if weekdays is None:
            self._refuse(row, "weekday", text("weekday"), "weekday_unknown", "is no weekday: write Monday or Mo")
        times = self._times(row, text("times"), text("starts"), text("ends"))
        first, last = (self._day(row, kind, text(kind)) for kind in ("first_day", "last_day"))
        weeks = text("every_weeks") or "1"
        if not weeks.isdecimal():
            self._refuse(row, "every_weeks", weeks, "weeks_unknown", "is no number: write 2 for every other week")
        if group is None or weekdays is None or times is None or not weeks.isdecimal():
            return
        for weekday in weekdays:
            lesson = Lesson(
                id="",
                group_id=group,
                weekday=weekday,
                starts=times[0],
                ends=times[1],
                subject=text("subject"),
                room=text("room"),
                teacher=text("teacher"),
                first_day=first,
                last_day=last,
                every_weeks=int(weeks[:3]),
            )
            problem = lesson_problem(lesson, with_id=False)
            if problem is not None:
                self._parsed.refuse(row, "lesson_invalid", f"The lesson in row {row} is not valid: {problem}")
            else:
                self._parsed.lessons.append((row, lesson))

    def _group(self, row: int, text: str) -> GroupId | None:
        if not text and self._default is not None:
            return self._default
        found = self._names.get(text.casefold())
        if found is None:
            reason = (
                "names several groups: write the id" if text.casefold() in self._names else "is no group: add it first"
            )
            self._refuse(row, "group", text, "group_unknown", reason)
        return found

    def _times(self, row: int, both: str, starts: str, ends: str) -> tuple[time, time] | None:
        if both and not (starts and ends):
            found = read_times(both)
            if found is None:
                self._refuse(row, "times", both, "time_unknown", "is no start and end: write it like 8:00-8:45")
            return found
        read = read_time(starts), read_time(ends)
        for kind, value, written in (("starts", read[0], starts), ("ends", read[1], ends)):
            if value is None:
                self._refuse(row, kind, written, "time_unknown", "is no time: write it like 8:00")
        return None if read[0] is None or read[1] is None else (read[0], read[1])

    def _day(self, row: int, kind: str, text: str) -> date | None:
        day = read_day(text) if text else None
        if text and day is None:
            self._refuse(row, kind, text, "day_unknown", "is no day: write it like 2026-09-01 or 1.9.2026")
        return day

    def _refuse(self, row: int, kind: str, text: str, code: str, reason: str) -> None:
        title = self._parsed.columns.get(kind)
        self._parsed.refuse(row, code, f"{shorten(text)!r} {reason}.", title, shorten(text))
