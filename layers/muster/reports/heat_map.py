"""Heat map of a term: students by sessions, with each mark as a letter on a colour."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from html import escape
from itertools import groupby
from math import ceil

from muster.domain.attendance import MarkStatus
from muster.reports.attendance import AttendanceReport, SessionLine, StudentLine, Tally
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.wording import LETTERS, NOT_TAKEN_SYMBOL

SESSIONS_PER_SHEET = 62
"""Columns that are legible on a landscape A4 or Letter page, beside names and figures. Longer terms get more tables."""

_NOT_TAKEN_CELL = f'<td class="not-taken">{NOT_TAKEN_SYMBOL}</td>'
_FIGURES = (*(f"letter.{status.value}" for status in LETTERS), "head.rate", "head.longest", "head.now")
_Cells = Mapping[MarkStatus | None, str]


def heat_map(report: AttendanceReport, language: Language = ENGLISH) -> Iterator[str]:
    """Return HTML tables of at most `SESSIONS_PER_SHEET` sessions each, the first with the figures of each student."""
    cells: dict[MarkStatus | None, str] = {
        status: f'<td class="{status.value}">{language.text(f"letter.{status.value}")}</td>' for status in LETTERS
    }
    cells[None] = "<td></td>"
    several = {line.day for line in report.days if line.sessions > 1}
    sheets = max(ceil(len(report.sessions) / SESSIONS_PER_SHEET), 1)
    # Spread evenly, so that the last table does not have a few wide columns.
    width = max(ceil(len(report.sessions) / sheets), 1)
    for start in range(0, sheets * width, width):
        columns = slice(start, start + width)
        sessions = report.sessions[columns]
        figured = start == 0
        rows = "".join(_row(report, student, columns, cells, language, figured=figured) for student in report.students)
        yield (
            f'<div class="sheet"><table class="map">{_columns(len(sessions), figured=figured)}'
            f"<thead>{_head(sessions, several, language, figured=figured)}</thead><tbody>{rows}</tbody>"
            f"<tfoot>{_foot(report.tally, sessions, language, figured=figured)}</tfoot></table></div>"
        )


def _columns(sessions: int, *, figured: bool) -> str:
    figures = f'<col class="figure" span="{len(_FIGURES)}">' if figured else ""
    marks = f'<col span="{sessions}">' if sessions else ""
    return f'<colgroup><col class="who">{figures}{marks}</colgroup>'


def _head(sessions: Sequence[SessionLine], several: set[date], language: Language, *, figured: bool) -> str:
    figures = "".join(
        f'<th class="figure" rowspan="2" scope="col"><span>{language.text(figure)}</span></th>' for figure in _FIGURES
    )
    months = "".join(
        f'<th class="month" colspan="{len(list(same))}" scope="colgroup">{month}</th>'
        for month, same in groupby(language.month(session.started_at.date()) for session in sessions)
    )
    days = "".join(_session(session, language, timed=session.day in several) for session in sessions)
    student = language.text("head.student")
    return (
        f'<tr><th class="who" rowspan="2" scope="col">{student}</th>{figures if figured else ""}{months}</tr>'
        f"<tr>{days}</tr>"
    )


def _session(session: SessionLine, language: Language, *, timed: bool) -> str:
    weekday = language.weekdays_short[session.started_at.weekday()]
    words = f"{weekday} {language.in_digits(f'{session.started_at:%d}')}"
    words += f" {language.time(session.started_at)}" if timed else ""
    title = language.date_time(session.started_at) + ("" if session.taken else f", {language.text('not_taken')}")
    return f'<th class="session" scope="col" title="{title}"><span>{words}</span></th>'


def _row(
    report: AttendanceReport, student: StudentLine, columns: slice, cells: _Cells, language: Language, *, figured: bool
) -> str:
    left = "" if student.on_roster else f" <small>({language.text('left')})</small>"
    figures = _figures(language, student.tally, student.longest_absence, student.current_absence) if figured else ""
    return (
        f'<tr><th class="who" scope="row"><bdi>{escape(student.name)}</bdi> <small>{student.id}</small>{left}</th>'
        f"{figures}{_cells(report, student, columns, cells)}</tr>"
    )


def _cells(report: AttendanceReport, student: StudentLine, columns: slice, cells: _Cells) -> str:
    pairs = zip(report.sessions[columns], student.marks[columns], strict=True)
    if not report.detailed:
        return "".join(_cell(session, status, cells) for session, status in pairs)
    return "".join(_code_cell(report, student, *pair, cells) for pair in pairs)


def _code_cell(
    report: AttendanceReport, student: StudentLine, session: SessionLine, status: MarkStatus | None, cells: _Cells
) -> str:
    code = None if status is None else report.code_of(student.id, session, status)
    if status is None or code is None:
        return _cell(session, status, cells)
    # The colour of the table marks the codes that a person chose; the background stays that of the status.
    own = report.details_of(student.id, session).code is not None
    colour = f' style="border-bottom: 3px solid {code.colour}"' if own else ""
    return f'<td class="{status.value}" title="{escape(code.meaning)}"{colour}>{escape(code.code)}</td>'


def _cell(session: SessionLine, status: MarkStatus | None, cells: _Cells) -> str:
    return _NOT_TAKEN_CELL if status is None and not session.taken else cells[status]


def _figures(language: Language, tally: Tally, *absences: int) -> str:
    counts = (language.number(getattr(tally, status.value)) for status in LETTERS)
    values = (*counts, language.percentage(tally.rate), *map(language.number, absences))
    return "".join(f'<td class="figure">{value}</td>' for value in values)


def _foot(total: Tally, sessions: Sequence[SessionLine], language: Language, *, figured: bool) -> str:
    """Return the totals: overall figures, and for each session the rate and the number of absences."""
    figures = _figures(language, total) + '<td class="figure"></td>' * 2 if figured else ""
    rates = "".join(
        f'<td class="rate"><span>{language.percentage(session.tally.rate)}</span></td>' for session in sessions
    )
    blank = f'<td class="figure" colspan="{len(_FIGURES)}"></td>' if figured else ""
    absent = "".join(f'<td class="count">{_unless_zero(session.tally.absent, language)}</td>' for session in sessions)
    return (
        f'<tr><th class="who" scope="row">{language.text("foot.rate")}</th>{figures}{rates}</tr>'
        f'<tr><th class="who" scope="row">{language.text("head.absent")}</th>{blank}{absent}</tr>'
    )


def _unless_zero(count: int, language: Language) -> str:
    return language.number(count) if count else ""
