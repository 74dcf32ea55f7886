"""Reports as a self-contained, printable HTML page without scripts."""

from collections.abc import Iterator
from html import escape

from muster.domain.attendance import MarkDetails, MarkStatus
from muster.domain.codes import AttendanceCode
from muster.reports.attendance import AttendanceReport, Scope, SessionLine, StudentLine
from muster.reports.heat_map import heat_map
from muster.reports.page import page, table_of
from muster.reports.wording import (
    LETTERS,
    NOT_TAKEN,
    NOT_TAKEN_MEANING,
    NOT_TAKEN_SYMBOL,
    RATE_MEANING,
    WORDS,
    headline,
    percent,
    period_text,
    remarks,
)

LONG_ABSENCE = 3
"""Sessions missed in a row from which a student is listed at the top of the page."""


def html_page(report: AttendanceReport) -> str:
    """Return the page: a summary, then the marks as letters on colours with a legend.

    A group's report has a heat map of students by sessions, a student's report lists groups and sessions, and a
    session's report lists students. It is readable in black and white, and prints in landscape with the header on every
    page.
    """
    title = f"Attendance: {headline(report)}"
    match report.scope:
        case Scope.GROUP:
            marks = "".join(heat_map(report))
        case Scope.STUDENT:
            marks = "".join(_of_student(report))
        case Scope.SESSION:
            marks = _of_session(report)
    setting = f"Attendance, {period_text(report)}. Days and times are in {report.zone.key}."
    return page(title, _heading(report), setting, f"{''.join(_summary(report))}{_legend(report)}{marks}")


def _summary(report: AttendanceReport) -> Iterator[str]:
    tally = report.tally
    said = "".join(f"<p>{escape(text)}</p>" for text in remarks(report))
    if not tally.marks:
        yield f'<p class="summary">There are no marks in this period.</p>{said}'
        return
    words = [f"<strong>{percent(tally.rate)}</strong> attendance"]
    if report.scope is not Scope.STUDENT:
        words.append(_count(len(report.students), "student"))
    if report.scope is not Scope.SESSION:
        words.append(f"{_count(len(report.taken), 'session')} on {_count(len(report.days), 'day')}")
    words += [
        f"{number}&nbsp;{WORDS[status]}"
        for status in LETTERS
        if (number := getattr(tally, status.value)) or status is not MarkStatus.REVIEW
    ]
    yield f'<p class="summary">{" · ".join(words)}</p>'
    away = [student for student in report.students if student.on_roster and student.current_absence >= LONG_ABSENCE]
    if away and report.scope is Scope.GROUP:
        away.sort(key=lambda student: -student.current_absence)
        names = ", ".join(f"<bdi>{escape(student.name)}</bdi>&nbsp;({student.current_absence})" for student in away)
        yield f"<p><strong>Missed their last {LONG_ABSENCE} sessions or more:</strong> {names}.</p>"
    yield said


def _heading(report: AttendanceReport) -> str:
    # A name in a right-to-left script must not reverse the words after it.
    if report.scope is Scope.STUDENT:
        student = report.students[0]
        return f"<bdi>{escape(student.name)}</bdi> <small>{student.id}</small>"
    return f"<bdi>{escape(headline(report))}</bdi>"


def _legend(report: AttendanceReport) -> str:
    scope = report.scope
    keys = " ".join(_code_keys(report) if report.detailed else (_key(status) for status in LETTERS))
    keys += f' <span class="key not-taken">{NOT_TAKEN_SYMBOL}</span>&nbsp;{NOT_TAKEN}'
    words = f"Rate: {RATE_MEANING[0].lower()}{RATE_MEANING[1:]}"
    if scope is Scope.GROUP:
        keys += ' <span class="key"></span>&nbsp;not on the roster'
        words += (
            " Longest, now: the longest series of missed sessions, and the current one; excused sessions neither count "
            "nor end a series."
        )
    words += f" Not taken: {NOT_TAKEN_MEANING[0].lower()}{NOT_TAKEN_MEANING[1:]}"
    return f'<p class="quiet">{keys}. {words}</p>'


def _of_student(report: AttendanceReport) -> Iterator[str]:
    student = report.students[0]
    groups = {group.id: group.name for group in report.groups}
    totals = [
        [
            f"<bdi>{escape(group.name)}</bdi>" + ("" if group.current else " <small>(left)</small>"),
            group.sessions,
            group.tally.present,
            group.tally.late,
            group.tally.absent,
            group.tally.excused,
            group.tally.review,
            percent(group.tally.rate),
        ]
        for group in report.groups
    ]
    yield table_of(("Group", "Sessions", "Present", "Late", "Absent", "Excused", "To review", "Rate"), totals)
    yield (
        f"<p>Sessions missed in a row: {student.longest_absence} at most, {student.current_absence} most recently.</p>"
    )
    marks = [
        [
            f"{session.started_at:%a %Y-%m-%d}",
            f"{session.started_at:%H:%M}",
            f"<bdi>{escape(groups[session.group_id])}</bdi>",
            _mark(report, student, session, status),
        ]
        for session, status in zip(report.sessions, student.marks, strict=True)
    ]
    yield table_of(("Day", "Time", "Group", "Mark"), marks)


def _of_session(report: AttendanceReport) -> str:
    (session,) = report.sessions
    marks = [
        [student.id, f"<bdi>{escape(student.name)}</bdi>", _mark(report, student, session, student.marks[0])]
        for student in report.students
    ]
    return table_of(("Id", "Student", "Mark"), marks)


def _mark(report: AttendanceReport, student: StudentLine, session: SessionLine, status: MarkStatus | None) -> str:
    if status is not None:
        code = report.code_of(student.id, session, status) if report.detailed else None
        return _key(status) if code is None else _code_key(code) + _details(report.details_of(student.id, session))
    return "" if session.taken else NOT_TAKEN


def _details(details: MarkDetails) -> str:
    minutes = "" if details.minutes_late is None else f", {details.minutes_late} min late"
    return minutes + (f", <bdi>{escape(details.remark)}</bdi>" if details.remark else "")


def _code_keys(report: AttendanceReport) -> Iterator[str]:
    """Yield the keys of the codes that are used in the report, or could be by photos, and of marks in review."""
    used = {code for student in report.students for code in report.code_counts(student)}
    yield from (_code_key(code) for code in report.codes.codes if code.code in used)
    yield _key(MarkStatus.REVIEW)


def _code_key(code: AttendanceCode) -> str:
    colour = f'style="border-bottom: 3px solid {code.colour}"'
    return f'<span class="key {code.status.value}" {colour}>{escape(code.code)}</span>&nbsp;{escape(code.meaning)}'


def _key(status: MarkStatus) -> str:
    return f'<span class="key {status.value}">{LETTERS[status]}</span>&nbsp;{WORDS[status]}'


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
