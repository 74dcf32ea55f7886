"""The tables of breakdowns, absences and days."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from muster.domain.identifiers import GroupId
from muster.domain.period import Period
from muster.reports.absences import Attendance
from muster.reports.attendance import Scope
from muster.reports.breakdown import Breakdown
from muster.reports.day import DayReport, DayState, DayStudent, Register
from muster.reports.listing import Listing
from muster.reports.table import ABSENCE, STUDENT, TALLY, Column, ColumnKind, ReportTable, Value, figures
from muster.reports.wording import NOT_TAKEN, NOT_TAKEN_MEANING, RATE_MEANING, WORDS, headline, period_text, remarks

_RATE = ("attendance rate", RATE_MEANING)
_NOT_TAKEN = ("not taken", NOT_TAKEN_MEANING)
_STATE_WORDS = {state: state.value for state in DayState} | {
    DayState.PARTLY: "absent in part",
    DayState.REVIEW: "to review",
    DayState.UNKNOWN: "not known",
}


def breakdown_listing(found: Breakdown) -> Listing:
    """Return a breakdown: one table of its lines, and the rate of each student in each line."""
    report, dimension = found.report, found.dimension
    labels = [line.label(dimension) for line in found.lines]
    columns = (
        Column(dimension.value, ColumnKind.TEXT),
        *_counts("sessions", "not_taken"),
        *TALLY,
    )
    lines = tuple(
        (label, line.sessions, line.not_taken, *figures(line.tally))
        for label, line in zip(labels, found.lines, strict=True)
    )
    by_student = ReportTable(
        "Students",
        (*STUDENT, *(Column(label, ColumnKind.RATE) for label in labels)),
        tuple((student.id, student.name, *(tally.rate for tally in student.tallies)) for student in found.students),
    )
    lines_of = report.students if report.scope is Scope.STUDENT else report.groups
    whose = "-".join(line.id for line in lines_of)
    return Listing(
        stem=_stem(f"attendance-by-{dimension}", whose, report.period),
        title=f"Attendance by {dimension}: {headline(report)}",
        setting=f"{_capital(period_text(report))}. Days and times are in {report.zone.key}.",
        tables=(ReportTable(f"By {dimension}", columns, lines), by_student),
        remarks=tuple(remarks(report)),
        meanings=(_RATE, _NOT_TAKEN),
    )


def missing_listing(
    found: Sequence[Attendance], at_least: int, unit: str, scope: str, period: Period, zone: ZoneInfo
) -> Listing:
    """Return the students who missed several sessions or days in a row."""
    table = ReportTable(
        "Absent in a row",
        (
            *STUDENT,
            Column("groups", ColumnKind.TEXT),
            *_counts("days_missed", "sessions_missed"),
            Column("missing_since", ColumnKind.DAY),
            Column("last_seen", ColumnKind.DAY),
            *_counts("open_questions"),
        ),
        tuple(
            (
                line.id,
                line.name,
                ", ".join(line.groups),
                line.days_missed,
                line.sessions_missed,
                line.missing_since,
                line.last_seen,
                line.questions,
            )
            for line in found
        ),
    )
    return Listing(
        stem=_stem("absent-in-a-row", scope, period),
        title=f"Absent for {at_least} {unit} in a row or more: {scope}",
        setting=_setting(period, zone),
        tables=(table,),
        remarks=tuple(_question_remark(sum(line.questions > 0 for line in found))),
        meanings=(
            (
                "absent in a row",
                "Up to the last session. Excused sessions and open questions neither count nor end a series.",
            ),
            ("days missed", "Days on which the student was absent and neither present nor late."),
        ),
    )


def low_listing(found: Sequence[Attendance], percent: float, scope: str, period: Period, zone: ZoneInfo) -> Listing:
    """Return the students whose attendance is below a percentage."""
    table = ReportTable(
        "Low attendance",
        (*STUDENT, Column("groups", ColumnKind.TEXT), *TALLY, ABSENCE[1]),
        tuple(
            (line.id, line.name, ", ".join(line.groups), *figures(line.tally), line.sessions_missed) for line in found
        ),
    )
    return Listing(
        stem=_stem("low-attendance", scope, period),
        title=f"Attendance below {percent:g} %: {scope}",
        setting=_setting(period, zone),
        tables=(table,),
        remarks=tuple(_question_remark(sum(line.tally.review > 0 for line in found))),
        meanings=(_RATE,),
    )


def day_listing(found: DayReport) -> Listing:
    """Return who is absent on a day, who may be, and the registers of the day."""
    absent = (DayState.ABSENT, DayState.PARTLY)
    registers = ReportTable(
        "Registers",
        (
            Column("time", ColumnKind.TEXT),
            Column("group", ColumnKind.TEXT),
            Column("subject", ColumnKind.TEXT),
            Column("taken", ColumnKind.STATUS),
            *_counts("present", "absent", "excused", "open_questions"),
        ),
        tuple(_register(found, register) for register in found.registers),
    )
    return Listing(
        stem=f"absent-{found.day}",
        title=f"Absent on {found.day:%A}, {found.day}",
        setting=f"Made at {found.at:%Y-%m-%d %H:%M}. Times are in {found.zone.key}.",
        tables=(
            _day_table("Absent", found.having(*absent)),
            _day_table("Open questions, perhaps present", found.having(DayState.REVIEW)),
            _day_table("Excused", found.having(DayState.EXCUSED)),
            _day_table("Not known, no register", found.having(DayState.UNKNOWN)),
            registers,
        ),
        remarks=tuple(day_remarks(found)),
        meanings=(_NOT_TAKEN,),
    )


def day_remarks(found: DayReport) -> Iterator[str]:
    """Return sentences about what is not known yet."""
    if questions := found.having(DayState.REVIEW):
        yield (
            f"{_counted(len(questions), 'student')} with an open question: they may be present, and are not listed as "
            "absent."
        )
    if found.not_taken:
        yield f"{_counted(len(found.not_taken), 'register')} not taken: nobody is absent there."
    if found.without_register:
        names = ", ".join(found.groups[group] for group in found.without_register)
        yield f"Groups without a register on this day: {names}."


def _day_table(name: str, students: Iterable[DayStudent]) -> ReportTable:
    columns = (
        *STUDENT,
        Column("groups", ColumnKind.TEXT),
        Column("state", ColumnKind.STATUS),
        *_counts("missed", "of_sessions"),
        Column("last_register", ColumnKind.TEXT),
        Column("remark", ColumnKind.TEXT),
    )
    return ReportTable(name, columns, tuple(_day_row(student) for student in students))


def _day_row(student: DayStudent) -> tuple[Value, ...]:
    last = None
    if student.last is not None:
        register, status = student.last
        last = f"{register.started_at:%H:%M} {register.group_id}: {WORDS[status]}"
    return (
        student.id,
        student.name,
        ", ".join(student.groups),
        _STATE_WORDS[student.state],
        student.missed,
        student.counted,
        last,
        "; ".join(student.remarks),
    )


def _register(found: DayReport, register: Register) -> tuple[Value, ...]:
    return (
        f"{register.started_at:%H:%M}",
        found.groups.get(register.group_id, register.group_id),
        register.subject,
        "yes" if register.taken else NOT_TAKEN,
        register.present,
        register.absent,
        register.excused,
        register.questions,
    )


def scope_name(group_id: GroupId | None) -> str:
    """Return the words for the groups of a report: one group, or all that the caller may see."""
    return "all groups" if group_id is None else str(group_id)


def _counts(*titles: str) -> tuple[Column, ...]:
    return tuple(Column(title, ColumnKind.COUNT) for title in titles)


def _question_remark(students: int) -> Iterator[str]:
    if students:
        yield f"{_counted(students, 'student')} with open questions: they may have been present."


def _setting(period: Period, zone: ZoneInfo) -> str:
    since = "the first session" if period.since is None else str(period.since)
    until = "the last" if period.until is None else str(period.until)
    return f"From {since} to {until}. Days are in {zone.key}."


def _stem(kind: str, whose: str, period: Period) -> str:
    days = [day.isoformat() for day in (period.since, period.until) if day is not None]
    return "-".join([kind, whose.replace(" ", "-"), *days])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
