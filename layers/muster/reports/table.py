"""Reports as tables of plain values, for the CSV and XLSX writers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from muster.domain.attendance import MarkStatus
from muster.domain.codes import DEFAULT_TABLE
from muster.reports.attendance import AttendanceReport, Scope, SessionLine, StudentLine, Tally
from muster.reports.wording import NOT_TAKEN, WORDS

Value = str | int | float | date | None


class ColumnKind(Enum):
    """Kinds of values in a column. A STATUS is written as a word, a MARK is a cell of the grid of sessions."""

    ID = auto()
    TEXT = auto()
    DAY = auto()
    COUNT = auto()
    RATE = auto()
    STATUS = auto()
    MARK = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """Title and kind of a column."""

    title: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table with one value per column in each row; None is an empty cell."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


TALLY = (
    Column("present", ColumnKind.COUNT),
    Column("late", ColumnKind.COUNT),
    Column("absent", ColumnKind.COUNT),
    Column("excused", ColumnKind.COUNT),
    Column("to_review", ColumnKind.COUNT),
    Column("attendance_rate", ColumnKind.RATE),
)
"""Columns of `figures`."""
STUDENT = (Column("student_id", ColumnKind.ID), Column("name", ColumnKind.TEXT))
ABSENCE = (Column("longest_absence", ColumnKind.COUNT), Column("current_absence", ColumnKind.COUNT))
_SESSION = (
    Column("date", ColumnKind.DAY),
    Column("time", ColumnKind.TEXT),
    Column("group_id", ColumnKind.ID),
    Column("session_id", ColumnKind.ID),
)


_DETAILS = (
    Column("code", ColumnKind.TEXT),
    Column("minutes_late", ColumnKind.COUNT),
    Column("remark", ColumnKind.TEXT),
)


def report_tables(report: AttendanceReport) -> tuple[ReportTable, ...]:
    """Return the main table of a report and its totals, which include erased students."""
    first = attendance_table(report)
    if report.scope is Scope.SESSION:
        return (first,)
    if report.scope is Scope.STUDENT:
        return first, _groups(report)
    codes = (_codes(report),) if report.detailed else ()
    return first, _sessions(report), _days(report), *codes


def attendance_table(report: AttendanceReport) -> ReportTable:
    """Return the main table of a report.

    It has one row per student, with one column per session, for a group; one row per session for a student; and one row
    per student for a session.
    """
    if report.scope is Scope.STUDENT:
        return _of_student(report, report.students[0])
    if report.scope is Scope.SESSION:
        status = Column("status", ColumnKind.STATUS)
        return ReportTable(
            "Attendance",
            (*STUDENT, status, *_detail_columns(report)),
            tuple(
                (student.id, student.name, _word(report.sessions[0], student.marks[0]), *_details(report, student, 0))
                for student in report.students
            ),
        )
    sessions = tuple(Column(title, ColumnKind.MARK) for title in session_titles(report))
    rows = tuple(
        (
            student.id,
            student.name,
            *figures(student.tally),
            student.longest_absence,
            student.current_absence,
            *_marks(report, student),
        )
        for student in report.students
    )
    return ReportTable("Attendance", (*STUDENT, *TALLY, *ABSENCE, *sessions), rows)


def _sessions(report: AttendanceReport) -> ReportTable:
    rows = tuple(
        (
            session.day,
            f"{session.started_at:%H:%M}",
            session.group_id,
            session.id,
            "yes" if session.taken else NOT_TAKEN,
            *figures(session.tally),
        )
        for session in report.sessions
    )
    return ReportTable("Sessions", (*_SESSION, Column("taken", ColumnKind.STATUS), *TALLY), rows)


def _days(report: AttendanceReport) -> ReportTable:
    rows = tuple((line.day, line.sessions, *figures(line.tally)) for line in report.days)
    return ReportTable("Days", (Column("date", ColumnKind.DAY), Column("sessions", ColumnKind.COUNT), *TALLY), rows)


def session_titles(report: AttendanceReport) -> tuple[str, ...]:
    """Name each session by its local date and time, and by its id if two have the same name."""
    plain = [f"{session.started_at:%Y-%m-%d %H:%M}" for session in report.sessions]
    often = Counter(plain)
    return tuple(
        title if often[title] == 1 else f"{title} ({session.id})"
        for title, session in zip(plain, report.sessions, strict=True)
    )


def _of_student(report: AttendanceReport, student: StudentLine) -> ReportTable:
    rows = tuple(
        (
            session.day,
            f"{session.started_at:%H:%M}",
            session.group_id,
            session.id,
            _word(session, student.marks[at]),
            *_details(report, student, at),
        )
        for at, session in enumerate(report.sessions)
    )
    columns = (*_SESSION, Column("status", ColumnKind.STATUS), *_detail_columns(report))
    return ReportTable("Attendance", columns, rows)


def _groups(report: AttendanceReport) -> ReportTable:
    columns = (
        Column("group_id", ColumnKind.ID),
        Column("name", ColumnKind.TEXT),
        Column("sessions", ColumnKind.COUNT),
        *TALLY,
        Column("current", ColumnKind.STATUS),
    )
    rows = tuple(
        (group.id, group.name, group.sessions, *figures(group.tally), "yes" if group.current else "left")
        for group in report.groups
    )
    return ReportTable("Groups", columns, rows)


def figures(tally: Tally) -> Iterator[Value]:
    """Yield the values of the columns `TALLY`."""
    yield from (tally.present, tally.late, tally.absent, tally.excused, tally.review, tally.rate)


def _marks(report: AttendanceReport, student: StudentLine) -> Iterator[str | None]:
    """Yield the cells of the grid: words, or codes if the school has its own."""
    for session, status in zip(report.sessions, student.marks, strict=True):
        code = report.code_of(student.id, session, status) if report.detailed and status is not None else None
        is_own = code is not None and code not in DEFAULT_TABLE.codes
        yield code.code if code is not None and is_own else _word(session, status)


def _detail_columns(report: AttendanceReport) -> tuple[Column, ...]:
    return _DETAILS if report.detailed else ()


def _details(report: AttendanceReport, student: StudentLine, at: int) -> Iterator[Value]:
    session, status = report.sessions[at], student.marks[at]
    if not report.detailed:
        return
    details = report.details_of(student.id, session)
    code = None if status is None else report.code_of(student.id, session, status)
    yield from ("" if code is None else code.code, details.minutes_late, details.remark)


def _codes(report: AttendanceReport) -> ReportTable:
    columns = (*STUDENT, *(Column(code.code, ColumnKind.COUNT) for code in report.codes.codes))
    rows: list[tuple[Value, ...]] = []
    for student in report.students:
        counts = report.code_counts(student)
        rows.append((student.id, student.name, *(counts.get(code.code, 0) for code in report.codes.codes)))
    return ReportTable("Codes", columns, tuple(rows))


def _word(session: SessionLine, status: MarkStatus | None) -> str | None:
    if status is not None:
        return WORDS[status]
    return None if session.taken else NOT_TAKEN
