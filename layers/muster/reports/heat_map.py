"""Heat map of a term: students by sessions, with each mark as a letter on a colour."""

from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from itertools import groupby
from math import ceil

from muster.domain.attendance import MarkStatus
from muster.reports.attendance import AttendanceReport, SessionLine, StudentLine, Tally
from muster.reports.wording import LETTERS, NOT_TAKEN, NOT_TAKEN_SYMBOL, percent

SESSIONS_PER_SHEET = 62
"""Columns that are legible on a landscape A4 or Letter page, beside names and figures. Longer terms get more tables."""

_CELLS: dict[MarkStatus | None, str] = {
    status: f'<td class="{status.value}">{letter}</td>' for status, letter in LETTERS.items()
}
_CELLS[None] = "<td></td>"
_NOT_TAKEN_CELL = f'<td class="not-taken">{NOT_TAKEN_SYMBOL}</td>'
_FIGURES = (*LETTERS.values(), "Rate", "Longest", "Now")


def heat_map(report: AttendanceReport) -> Iterator[str]:
    """Return HTML tables of at most `SESSIONS_PER_SHEET` sessions each, the first with the figures of each student."""
    several = {line.day for line in report.days if line.sessions > 1}
    sheets = max(ceil(len(report.sessions) / SESSIONS_PER_SHEET), 1)
    # Spread evenly, so that the last table does not have a few wide columns.
    width = max(ceil(len(report.sessions) / sheets), 1)
    for start in range(0, sheets * width, width):
        columns = slice(start, start + width)
        sessions = report.sessions[columns]
        figured = start == 0
        rows = "".join(_row(report, student, columns, figured=figured) for student in report.students)
        yield (
            f'<div class="sheet"><table class="map">{_columns(len(sessions), figured=figured)}'
            f"<thead>{_head(sessions, several, figured=figured)}</thead><tbody>{rows}</tbody>"
            f"<tfoot>{_foot(report.tally, sessions, figured=figured)}</tfoot></table></div>"
        )


def _columns(sessions: int, *, figured: bool) -> str:
    figures = f'<col class="figure" span="{len(_FIGURES)}">' if figured else ""
    marks = f'<col span="{sessions}">' if sessions else ""
    return f'<colgroup><col class="who">{figures}{marks}</colgroup>'


def _head(sessions: Sequence[SessionLine], several: set[date], *, figured: bool) -> str:
    figures = "".join(f'<th class="figure" rowspan="2" scope="col"><span>{figure}</span></th>' for figure in _FIGURES)
    months = "".join(
        f'<th class="month" colspan="{len(list(same))}" scope="colgroup">{month}</th>'
        for month, same in groupby(f"{session.started_at:%b %Y}" for session in sessions)
    )
    days = "".join(_session(session, timed=session.day in several) for session in sessions)
    return (
        f'<tr><th class="who" rowspan="2" scope="col">Student</th>{figures if figured else ""}{months}</tr>'
        f"<tr>{days}</tr>"
    )


def _session(session: SessionLine, *, timed: bool) -> str:
    words = f"{session.started_at:%a %d}" + (f" {session.started_at:%H:%M}" if timed else "")
    title = f"{session.started_at:%Y-%m-%d %H:%M}" + ("" if session.taken else f", {NOT_TAKEN}")
    return f'<th class="session" scope="col" title="{title}"><span>{words}</span></th>'


def _row(report: AttendanceReport, student: StudentLine, columns: slice, *, figured: bool) -> str:
    left = "" if student.on_roster else " <small>(left)</small>"
    figures = _figures(student.tally, student.longest_absence, student.current_absence) if figured else ""
    return (
        f'<tr><th class="who" scope="row"><bdi>{escape(student.name)}</bdi> <small>{student.id}</small>{left}</th>'
        f"{figures}{_cells(report, student, columns)}</tr>"
    )


def _cells(report: AttendanceReport, student: StudentLine, columns: slice) -> str:
    sessions, marks = report.sessions[columns], student.marks[columns]
    if not report.detailed:
        return "".join(map(_cell, sessions, marks))
    return "".join(_code_cell(report, student, *pair) for pair in zip(sessions, marks, strict=True))


def _code_cell(report: AttendanceReport, student: StudentLine, session: SessionLine, status: MarkStatus | None) -> str:
    code = None if status is None else report.code_of(student.id, session, status)
    if status is None or code is None:
        return _cell(session, status)
    # The colour of the table marks the codes that a person chose; the background stays that of the status.
    own = report.details_of(student.id, session).code is not None
    colour = f' style="border-bottom: 3px solid {code.colour}"' if own else ""
    return f'<td class="{status.value}" title="{escape(code.meaning)}"{colour}>{escape(code.code)}</td>'


def _cell(session: SessionLine, status: MarkStatus | None) -> str:
    return _NOT_TAKEN_CELL if status is None and not session.taken else _CELLS[status]


def _figures(tally: Tally, *absences: int) -> str:
    values = (*(getattr(tally, status.value) for status in LETTERS), percent(tally.rate), *absences)
    return "".join(f'<td class="figure">{value}</td>' for value in values)


def _foot(total: Tally, sessions: Sequence[SessionLine], *, figured: bool) -> str:
    """Return the totals: overall figures, and for each session the rate and the number of absences."""
    figures = _figures(total) + '<td class="figure"></td>' * 2 if figured else ""
    rates = "".join(f'<td class="rate"><span>{percent(session.tally.rate)}</span></td>' for session in sessions)
    blank = f'<td class="figure" colspan="{len(_FIGURES)}"></td>' if figured else ""
    absent = "".join(f'<td class="count">{session.tally.absent or ""}</td>' for session in sessions)
    return (
        f'<tr><th class="who" scope="row">All students, rate per session</th>{figures}{rates}</tr>'
        f'<tr><th class="who" scope="row">Absent</th>{blank}{absent}</tr>'
    )
