"""The tables of breakdowns, absences and days."""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from muster.domain.identifiers import GroupId
from muster.domain.period import Period
from muster.reports.absences import Attendance
from muster.reports.attendance import Scope
from muster.reports.breakdown import Breakdown
from muster.reports.day import DayReport, DayState, DayStudent, Register
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH
from muster.reports.listing import Listing
from muster.reports.table import ABSENCE, STUDENT, TALLY, Column, ColumnKind, ReportTable, Value, figures
from muster.reports.wording import NOT_TAKEN_MEANING, RATE_MEANING, headline, period_text, remarks

_RATE = ("attendance rate", RATE_MEANING)
_NOT_TAKEN = ("not taken", NOT_TAKEN_MEANING)


def breakdown_listing(found: Breakdown, language: Language = ENGLISH) -> Listing:
    """Return a breakdown: one table of its lines, and the rate of each student in each line."""
    report, dimension = found.report, found.dimension
    labels = [line.label(dimension, language) for line in found.lines]
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
        stem=listing_stem(f"attendance-by-{dimension}", whose, report.period),
        title=language.text(f"breakdown.{dimension.value}", whose=headline(report, language)),
        setting=language.text(
            "breakdown.setting", period=_capital(period_text(report, language)), zone=report.zone.key
        ),
        tables=(ReportTable(f"By {dimension}", columns, lines), by_student),
        remarks=tuple(remarks(report, language)),
        meanings=(_RATE, _NOT_TAKEN),
        language=language,
    )


def missing_listing(
    found: Sequence[Attendance],
    at_least: int,
    unit: str,
    scope: str,
    period: Period,
    zone: ZoneInfo,
    language: Language = ENGLISH,
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
        stem=listing_stem("absent-in-a-row", scope, period),
        title=language.text(f"missing.{unit}", at_least=at_least, whose=_whose(scope, language)),
        setting=listing_setting(period, zone, language),
        tables=(table,),
        remarks=tuple(_question_remark(sum(line.questions > 0 for line in found), language)),
        language=language,
        meanings=(
            (
                "absent in a row",
                "Up to the last session. Excused sessions and open questions neither count nor end a series.",
            ),
            ("days missed", "Days on which the student was absent and neither present nor late."),
        ),
    )


def low_listing(
    found: Sequence[Attendance],
    percent: float,
    scope: str,
    period: Period,
    zone: ZoneInfo,
    language: Language = ENGLISH,
) -> Listing:
    """Return the students whose attendance is below a percentage."""
    table = ReportTable(
        "Low attendance",
        (*STUDENT, Column("groups", ColumnKind.TEXT), *TALLY, ABSENCE[1]),
        tuple(
            (line.id, line.name, ", ".join(line.groups), *figures(line.tally), line.sessions_missed) for line in found
        ),
    )
    return Listing(
        stem=listing_stem("low-attendance", scope, period),
        title=language.text("low.title", below=language.in_digits(f"{percent:g}"), whose=_whose(scope, language)),
        setting=listing_setting(period, zone, language),
        tables=(table,),
        remarks=tuple(_question_remark(sum(line.tally.review > 0 for line in found), language)),
        meanings=(_RATE,),
        language=language,
    )


def day_listing(found: DayReport, language: Language = ENGLISH) -> Listing:
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
        tuple(_register(found, register, language) for register in found.registers),
    )
    return Listing(
        stem=f"absent-{found.day}",
        title=language.text("day.title", day=language.long_date(found.day)),
        setting=language.text("day.setting", moment=language.date_time(found.at), zone=found.zone.key),
        tables=(
            _day_table("Absent", found.having(*absent), language),
            _day_table("Open questions, perhaps present", found.having(DayState.REVIEW), language),
            _day_table("Excused", found.having(DayState.EXCUSED), language),
            _day_table("Not known, no register", found.having(DayState.UNKNOWN), language),
            registers,
        ),
        remarks=tuple(day_remarks(found, language)),
        meanings=(_NOT_TAKEN,),
        language=language,
    )


def day_remarks(found: DayReport, language: Language = ENGLISH) -> Iterator[str]:
    """Return sentences about what is not known yet."""
    if questions := found.having(DayState.REVIEW):
        yield language.text("day.questions", count=len(questions))
    if found.not_taken:
        yield language.text("day.not_taken", count=len(found.not_taken))
    if found.without_register:
        names = ", ".join(found.groups[group] for group in found.without_register)
        yield language.text("day.without_register", groups=names)


def _day_table(name: str, students: Iterable[DayStudent], language: Language) -> ReportTable:
    columns = (
        *STUDENT,
        Column("groups", ColumnKind.TEXT),
        Column("state", ColumnKind.STATUS),
        *_counts("missed", "of_sessions"),
        Column("last_register", ColumnKind.TEXT),
        Column("remark", ColumnKind.TEXT),
    )
    return ReportTable(name, columns, tuple(_day_row(student, language) for student in students))


def _day_row(student: DayStudent, language: Language) -> tuple[Value, ...]:
    last = None
    if student.last is not None:
        register, status = student.last
        last = f"{language.time(register.started_at)} {register.group_id}: {language.status(status)}"
    return (
        student.id,
        student.name,
        ", ".join(student.groups),
        language.text(f"state.{student.state.value}"),
        student.missed,
        student.counted,
        last,
        "; ".join(student.remarks),
    )


def _register(found: DayReport, register: Register, language: Language) -> tuple[Value, ...]:
    return (
        language.time(register.started_at),
        found.groups.get(register.group_id, register.group_id),
        register.subject,
        language.text("yes" if register.taken else "not_taken"),
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


def _question_remark(students: int, language: Language) -> Iterator[str]:
    if students:
        yield language.text("listing.questions", count=students)


def _whose(scope: str, language: Language) -> str:
    return language.text("all_groups") if scope == scope_name(None) else scope


def listing_setting(period: Period, zone: ZoneInfo, language: Language) -> str:
    """Return the sentence about a period and the time zone of its days."""
    since = language.text("listing.first") if period.since is None else language.date(period.since)
    until = language.text("listing.last") if period.until is None else language.date(period.until)
    return language.text("listing.setting", since=since, until=until, zone=zone.key)


def listing_stem(kind: str, whose: str, period: Period) -> str:
    """Return the name of a file, without extension."""
    days = [day.isoformat() for day in (period.since, period.until) if day is not None]
    return "-".join([kind, whose.replace(", ", "-").replace(" ", "-"), *days])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
