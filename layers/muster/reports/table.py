"""A report as tables of plain values, which the writers of CSV and XLSX put into their own form."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from muster.domain.attendance import MarkStatus
from muster.reports.attendance import AttendanceReport, Scope, SessionLine, StudentLine, Tally
from muster.reports.look import NOT_TAKEN, WORDS

Value = str | int | float | date | None


class Kind(Enum):
    """What a column holds: a STATUS is a word beside others, a MARK one of many in a grid."""

    ID = auto()
    TEXT = auto()
    DAY = auto()
    COUNT = auto()
    RATE = auto()
    STATUS = auto()
    MARK = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A title and what stands below it."""

    title: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as long as the columns; None is an empty cell."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


_TALLY = (
    Column("present", Kind.COUNT),
    Column("late", Kind.COUNT),
    Column("absent", Kind.COUNT),
    Column("excused", Kind.COUNT),
    Column("to_review", Kind.COUNT),
    Column("attendance_rate", Kind.RATE),
)
_STUDENT = (Column("student_id", Kind.ID), Column("name", Kind.TEXT))
_ABSENCE = (Column("longest_absence", Kind.COUNT), Column("current_absence", Kind.COUNT))
_SESSION = (
    Column("date", Kind.DAY),
    Column("time", Kind.TEXT),
    Column("group_id", Kind.ID),
    Column("session_id", Kind.ID),
)


def tables(report: AttendanceReport) -> tuple[Table, ...]:
    """Return the table that a report is about, then its totals; those of erased students count in the latter."""
    first = attendance_table(report)
    if report.scope is Scope.SESSION:
        return (first,)
    if report.scope is Scope.STUDENT:
        return first, _groups(report)
    return first, _sessions(report), _days(report)


def attendance_table(report: AttendanceReport) -> Table:
    """Return the table that a report is about.

    Of a group: a row for each student, a column for each session. Of a student: a row for each session. Of a session: a
    row for each student.
    """
    if report.scope is Scope.STUDENT:
        return _of_student(report, report.students[0])
    if report.scope is Scope.SESSION:
        status = Column("status", Kind.STATUS)
        return Table(
            "Attendance",
            (*_STUDENT, status),
            tuple((student.id, student.name, *_marks(report, student)) for student in report.students),
        )
    sessions = tuple(Column(title, Kind.MARK) for title in session_titles(report))
    rows = tuple(
        (
            student.id,
            student.name,
            *_figures(student.tally),
            student.longest_absence,
            student.current_absence,
            *_marks(report, student),
        )
        for student in report.students
    )
    return Table("Attendance", (*_STUDENT, *_TALLY, *_ABSENCE, *sessions), rows)


def _sessions(report: AttendanceReport) -> Table:
    rows = tuple(
        (
            session.day,
            f"{session.started_at:%H:%M}",
            session.group_id,
            session.id,
            "yes" if session.taken else NOT_TAKEN,
            *_figures(session.tally),
        )
        for session in report.sessions
    )
    return Table("Sessions", (*_SESSION, Column("taken", Kind.STATUS), *_TALLY), rows)


def _days(report: AttendanceReport) -> Table:
    rows = tuple((line.day, line.sessions, *_figures(line.tally)) for line in report.days)
    return Table("Days", (Column("date", Kind.DAY), Column("sessions", Kind.COUNT), *_TALLY), rows)


def session_titles(report: AttendanceReport) -> tuple[str, ...]:
    """Name each session by its local date and time; where two would be named alike, by its id too."""
    plain = [f"{session.started_at:%Y-%m-%d %H:%M}" for session in report.sessions]
    often = Counter(plain)
    return tuple(
        title if often[title] == 1 else f"{title} ({session.id})"
        for title, session in zip(plain, report.sessions, strict=True)
    )


def _of_student(report: AttendanceReport, student: StudentLine) -> Table:
    rows = tuple(
        (session.day, f"{session.started_at:%H:%M}", session.group_id, session.id, status)
        for session, status in zip(report.sessions, _marks(report, student), strict=True)
    )
    return Table("Attendance", (*_SESSION, Column("status", Kind.STATUS)), rows)


def _groups(report: AttendanceReport) -> Table:
    columns = (Column("group_id", Kind.ID), Column("name", Kind.TEXT), Column("sessions", Kind.COUNT), *_TALLY)
    rows = tuple((group.id, group.name, group.sessions, *_figures(group.tally)) for group in report.groups)
    return Table("Groups", columns, rows)


def _figures(tally: Tally) -> Iterator[Value]:
    yield from (tally.present, tally.late, tally.absent, tally.excused, tally.review, tally.rate)


def _marks(report: AttendanceReport, student: StudentLine) -> Iterator[str | None]:
    for session, status in zip(report.sessions, student.marks, strict=True):
        yield _word(session, status)


def _word(session: SessionLine, status: MarkStatus | None) -> str | None:
    if status is not None:
        return WORDS[status]
    return None if session.taken else NOT_TAKEN
