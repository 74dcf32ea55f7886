"""Wording that all formats of a report share."""

from muster.domain.attendance import MarkStatus
from muster.reports.attendance import AttendanceReport, Scope
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH

LETTERS = {
    MarkStatus.PRESENT: "P",
    MarkStatus.LATE: "L",
    MarkStatus.ABSENT: "A",
    MarkStatus.EXCUSED: "E",
    MarkStatus.REVIEW: "?",
}
"""Symbol of each status, in the order of reports."""

WORDS = {status: status.value for status in LETTERS} | {MarkStatus.REVIEW: "to review"}
"""Word of each status, in the same order."""

NOT_TAKEN = "not taken"
NOT_TAKEN_SYMBOL = "–"

RATE_MEANING = "Share of present and late among all marks except excused and to review."

NOT_TAKEN_MEANING = "Nobody was present, or the session has not started. It is not counted in any figure."


def percent(rate: float | None) -> str:
    """Format a rate in percent, or a dash for None. Only exactly 1 is shown as 100 %, and only 0 as 0 %."""
    if rate is None:
        return "–"
    return f"{rate:.0%}" if rate in (0, 1) else f"{min(max(rate, 0.001), 0.999):.1%}"


def headline(report: AttendanceReport, language: Language = ENGLISH) -> str:
    """Return the title: the group, the student or the session."""
    groups = ", ".join(group.name for group in report.groups)
    if report.scope is Scope.STUDENT:
        return f"{report.students[0].name} ({report.students[0].id}), {groups}"
    if report.scope is Scope.SESSION:
        return f"{groups}, {language.date_time(report.sessions[0].started_at)}"
    return groups


def period_text(report: AttendanceReport, language: Language = ENGLISH) -> str:
    """Return the period of the report in words."""
    since, until = report.period.since, report.period.until
    if report.scope is Scope.SESSION:
        return language.date(report.sessions[0].day)
    if since is None and until is None:
        if not report.sessions:
            return language.text("period.none")
        sessions = report.taken or report.sessions
        first, last = language.date(sessions[0].day), language.date(sessions[-1].day)
        return language.text("period.all", since=first, until=last)
    since_text = "" if since is None else language.date(since)
    if until is None:
        return language.text("period.since", since=since_text)
    key = "period.until" if since is None else "period.both"
    return language.text(key, since=since_text, until=language.date(until))


def remarks(report: AttendanceReport, language: Language = ENGLISH) -> list[str]:
    """Return sentences about marks that the figures exclude, and about marks of erased students."""
    sentences = []
    if questions := report.questions:
        sentences.append(language.text("remark.questions", count=questions))
    if left_out := len(report.sessions) - len(report.taken):
        sentences.append(language.text("remark.not_taken", count=left_out))
    if erased := report.erased.marks:
        sentences.append(language.text("remark.erased", count=erased))
    return sentences


def file_stem(report: AttendanceReport) -> str:
    """Return a portable file name without extension: letters, digits, dots, hyphens and underscores."""
    whose: dict[Scope, str] = {
        Scope.GROUP: "-".join(group.id for group in report.groups),
        Scope.STUDENT: "-".join(student.id for student in report.students),
        Scope.SESSION: "-".join(session.id for session in report.sessions),
    }
    days = [day.isoformat() for day in (report.period.since, report.period.until) if day is not None]
    return "-".join(["attendance", whose[report.scope], *days])
