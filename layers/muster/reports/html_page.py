"""Reports as a self-contained, printable HTML page without scripts."""

from collections.abc import Iterator
from html import escape

from muster.domain.attendance import MarkDetails, MarkStatus
from muster.domain.codes import AttendanceCode
from muster.reports.attendance import AttendanceReport, Scope, SessionLine, StudentLine
from muster.reports.heat_map import heat_map
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.page import page, table_of
from muster.reports.wording import LETTERS, NOT_TAKEN_SYMBOL, headline, period_text, remarks

LONG_ABSENCE = 3
"""Sessions missed in a row from which a student is listed at the top of the page."""


def html_page(report: AttendanceReport, language: Language = ENGLISH) -> str:
    """Return the page: a summary, then the marks as letters on colours with a legend.

    A group's report has a heat map of students by sessions, a student's report lists groups and sessions, and a
    session's report lists students. It is readable in black and white, and prints in landscape with the header on every
    page.
    """
    title = language.text("report.title", whose=headline(report, language))
    match report.scope:
        case Scope.GROUP:
            marks = "".join(heat_map(report, language))
        case Scope.STUDENT:
            marks = "".join(_of_student(report, language))
        case Scope.SESSION:
            marks = _of_session(report, language)
    setting = language.text("report.setting", period=period_text(report, language), zone=report.zone.key)
    body = f"{''.join(_summary(report, language))}{_legend(report, language)}{marks}"
    return page(title, _heading(report, language), setting, body, language=language)


def _summary(report: AttendanceReport, language: Language) -> Iterator[str]:
    tally = report.tally
    said = "".join(f"<p>{escape(text)}</p>" for text in remarks(report, language))
    if not tally.marks:
        yield f'<p class="summary">{language.text("summary.none")}</p>{said}'
        return
    words = [language.text("summary.rate", rate=language.percentage(tally.rate))]
    if report.scope is not Scope.STUDENT:
        words.append(language.text("count.students", count=len(report.students)))
    if report.scope is not Scope.SESSION:
        sessions = language.text("count.sessions", count=len(report.taken))
        days = language.text("count.days", count=len(report.days))
        words.append(language.text("summary.sessions_on_days", sessions=sessions, days=days))
    words += [
        f"{language.number(number)}&nbsp;{language.status(status)}"
        for status in LETTERS
        if (number := getattr(tally, status.value)) or status is not MarkStatus.REVIEW
    ]
    yield f'<p class="summary">{" · ".join(words)}</p>'
    away = [student for student in report.students if student.on_roster and student.current_absence >= LONG_ABSENCE]
    if away and report.scope is Scope.GROUP:
        away.sort(key=lambda student: -student.current_absence)
        names = ", ".join(
            f"<bdi>{escape(student.name)}</bdi>&nbsp;({language.number(student.current_absence)})" for student in away
        )
        yield f"<p><strong>{language.text('summary.missed', count=LONG_ABSENCE)}</strong> {names}.</p>"
    yield said


def _heading(report: AttendanceReport, language: Language) -> str:
    # A name in a right-to-left script must not reverse the words after it.
    if report.scope is Scope.STUDENT:
        student = report.students[0]
        return f"<bdi>{escape(student.name)}</bdi> <small>{student.id}</small>"
    return f"<bdi>{escape(headline(report, language))}</bdi>"


def _legend(report: AttendanceReport, language: Language) -> str:
    scope = report.scope
    keys = " ".join(_code_keys(report, language) if report.detailed else (_key(status, language) for status in LETTERS))
    keys += f' <span class="key not-taken">{NOT_TAKEN_SYMBOL}</span>&nbsp;{language.text("not_taken")}'
    words = [language.text("legend.rate")]
    if scope is Scope.GROUP:
        keys += f' <span class="key"></span>&nbsp;{language.text("not_on_roster")}'
        words.append(language.text("legend.series"))
    words.append(language.text("legend.not_taken"))
    return f'<p class="quiet">{keys}. {" ".join(words)}</p>'


def _of_student(report: AttendanceReport, language: Language) -> Iterator[str]:
    student = report.students[0]
    groups = {group.id: group.name for group in report.groups}
    totals = [
        [
            f"<bdi>{escape(group.name)}</bdi>"
            + ("" if group.current else f" <small>({language.text('left')})</small>"),
            language.number(group.sessions),
            *(language.number(getattr(group.tally, status.value)) for status in LETTERS),
            language.percentage(group.tally.rate),
        ]
        for group in report.groups
    ]
    titles = ("group", "sessions", *(status.value for status in LETTERS), "rate")
    yield table_of([language.text(f"head.{title}") for title in titles], totals)
    series = language.text("series", longest=student.longest_absence, current=student.current_absence)
    yield f"<p>{series}</p>"
    marks = [
        [
            language.short_date(session.started_at.date()),
            language.time(session.started_at),
            f"<bdi>{escape(groups[session.group_id])}</bdi>",
            _mark(report, student, session, status, language),
        ]
        for session, status in zip(report.sessions, student.marks, strict=True)
    ]
    yield table_of([language.text(f"head.{title}") for title in ("day", "time", "group", "mark")], marks)


def _of_session(report: AttendanceReport, language: Language) -> str:
    (session,) = report.sessions
    marks = [
        [student.id, f"<bdi>{escape(student.name)}</bdi>", _mark(report, student, session, student.marks[0], language)]
        for student in report.students
    ]
    return table_of([language.text(f"head.{title}") for title in ("id", "student", "mark")], marks)


def _mark(
    report: AttendanceReport, student: StudentLine, session: SessionLine, status: MarkStatus | None, language: Language
) -> str:
    if status is not None:
        code = report.code_of(student.id, session, status) if report.detailed else None
        if code is None:
            return _key(status, language)
        return _code_key(code) + _details(report.details_of(student.id, session), language)
    return "" if session.taken else language.text("not_taken")


def _details(details: MarkDetails, language: Language) -> str:
    minutes = "" if details.minutes_late is None else language.text("minutes_late", count=details.minutes_late)
    return minutes + (f", <bdi>{escape(details.remark)}</bdi>" if details.remark else "")


def _code_keys(report: AttendanceReport, language: Language) -> Iterator[str]:
    """Yield the keys of the codes that are used in the report, or could be by photos, and of marks in review."""
    used = {code for student in report.students for code in report.code_counts(student)}
    yield from (_code_key(code) for code in report.codes.codes if code.code in used)
    yield _key(MarkStatus.REVIEW, language)


def _code_key(code: AttendanceCode) -> str:
    colour = f'style="border-bottom: 3px solid {code.colour}"'
    return f'<span class="key {code.status.value}" {colour}>{escape(code.code)}</span>&nbsp;{escape(code.meaning)}'


def _key(status: MarkStatus, language: Language) -> str:
    letter = language.text(f"letter.{status.value}")
    return f'<span class="key {status.value}">{letter}</span>&nbsp;{language.status(status)}'
