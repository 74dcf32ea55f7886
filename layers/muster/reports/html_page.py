"""A report as a page to look at and to print: nothing in it is fetched, and no script runs."""

from collections.abc import Iterable, Iterator
from html import escape
from importlib import resources

from muster.domain.attendance import MarkStatus
from muster.reports.attendance import AttendanceReport, Scope
from muster.reports.heat_map import heat_map
from muster.reports.look import LETTERS, RATE_MEANING, headline, percent, period_text

LONG_ABSENCE = 3
"""Sessions missed in a row from which on a student is named at the top of the page."""

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page's Content-Security-Policy: its own style and nothing else."""

_STYLE = resources.files("muster.reports").joinpath("page.css").read_text(encoding="utf-8")


def html_page(report: AttendanceReport) -> str:
    """Return the page: what stands out in words, then the marks, as letters on colours with a legend.

    A report of a group shows the heat map of its students by its sessions, one of a student the groups and sessions,
    one of a session the students. It reads in black and white too, and prints landscape with its header on every page.
    """
    title = escape(headline(report))
    match report.scope:
        case Scope.GROUP:
            marks = "".join(heat_map(report))
        case Scope.STUDENT:
            marks = "".join(_of_student(report))
        case Scope.SESSION:
            marks = _of_session(report)
    setting = f"Attendance, {period_text(report)}. Days and times of {report.zone.key}."
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{PAGE_POLICY}">'
        f"<title>Attendance: {title}</title><style>{_STYLE}</style></head>"
        f'<body><h1>{_heading(report)}</h1><p class="quiet">{escape(setting)}</p>'
        f"{''.join(_summary(report))}{_legend(report.scope)}{marks}</body></html>\n"
    )


def _summary(report: AttendanceReport) -> Iterator[str]:
    tally = report.tally
    if not tally.marks:
        yield '<p class="summary">There is no mark in this period.</p>'
        return
    words = [f"<strong>{percent(tally.rate)}</strong> attendance"]
    if report.scope is not Scope.STUDENT:
        words.append(_count(len(report.students), "student"))
    if report.scope is not Scope.SESSION:
        words.append(f"{_count(len(report.sessions), 'session')} on {_count(len(report.days), 'day')}")
    words += [f"{getattr(tally, status.value)}&nbsp;{status.value}" for status in LETTERS]
    yield f'<p class="summary">{" · ".join(words)}</p>'
    away = [student for student in report.students if student.on_roster and student.current_absence >= LONG_ABSENCE]
    if away and report.scope is Scope.GROUP:
        away.sort(key=lambda student: -student.current_absence)
        names = ", ".join(f"<bdi>{escape(one.name)}</bdi>&nbsp;({one.current_absence})" for one in away)
        yield f"<p><strong>Missed their last {LONG_ABSENCE} sessions or more:</strong> {names}.</p>"
    if report.erased.marks:
        yield f"<p>The totals count {_count(report.erased.marks, 'mark')} of students who were erased since.</p>"


def _heading(report: AttendanceReport) -> str:
    # A name written from right to left must not turn the words after it around.
    if report.scope is Scope.STUDENT:
        student = report.students[0]
        return f"<bdi>{escape(student.name)}</bdi> <small>{student.id}</small>"
    return f"<bdi>{escape(headline(report))}</bdi>"


def _legend(scope: Scope) -> str:
    keys = " ".join(f'<span class="key {letter}">{letter}</span>&nbsp;{status}' for status, letter in LETTERS.items())
    words = f"Rate: {RATE_MEANING[0].lower()}{RATE_MEANING[1:]}"
    if scope is Scope.GROUP:
        keys += ' <span class="key"></span>&nbsp;not on the roster'
        words += (
            " Longest, now: sessions missed in a row, at most and up to the last one; an excused one neither counts "
            "nor ends the row."
        )
    return f'<p class="quiet">{keys}. {words}</p>'


def _of_student(report: AttendanceReport) -> Iterator[str]:
    student = report.students[0]
    groups = {group.id: group.name for group in report.groups}
    totals = [
        [
            f"<bdi>{escape(group.name)}</bdi>",
            group.sessions,
            group.tally.present,
            group.tally.late,
            group.tally.absent,
            group.tally.excused,
            percent(group.tally.rate),
        ]
        for group in report.groups
    ]
    yield _list(("Group", "Sessions", "Present", "Late", "Absent", "Excused", "Rate"), totals)
    yield (
        f"<p>Missed in a row: {student.longest_absence} at most, {student.current_absence} up to the last session.</p>"
    )
    marks = [
        [
            f"{session.started_at:%a %Y-%m-%d}",
            f"{session.started_at:%H:%M}",
            f"<bdi>{escape(groups[session.group_id])}</bdi>",
            _mark(status),
        ]
        for session, status in zip(report.sessions, student.marks, strict=True)
    ]
    yield _list(("Day", "Time", "Group", "Mark"), marks)


def _of_session(report: AttendanceReport) -> str:
    marks = [[student.id, f"<bdi>{escape(student.name)}</bdi>", _mark(student.marks[0])] for student in report.students]
    return _list(("Id", "Student", "Mark"), marks)


def _mark(status: MarkStatus | None) -> str:
    return "" if status is None else f'<span class="key {LETTERS[status]}">{LETTERS[status]}</span>&nbsp;{status}'


def _list(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Make a table of cells that are HTML already."""
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="sheet"><table class="list"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
