"""Attendance by subject, teacher, weekday or period of the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from muster.domain.identifiers import StudentId
from muster.reports.attendance import AttendanceReport, SessionLine, StudentLine, Tally
from muster.reports.language import Language
from muster.reports.languages.en import ENGLISH


class Dimension(StrEnum):
    """What sessions are grouped by. A period is the time at which lessons start."""

    SUBJECT = "subject"
    TEACHER = "teacher"
    WEEKDAY = "weekday"
    PERIOD = "period"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakdownLine:
    """The sessions that share a subject, a teacher, a weekday or a period.

    Attributes:
        key: the subject, the teacher, the weekday from 1 (Monday) to 7, or the time as `08:15`; None for sessions
            without a lesson, or whose lesson names no subject or teacher.
        sessions: number of sessions that are taken.
        not_taken: number of the others, which count in no figure.
        questions: open questions, also in sessions that are not taken.
    """

    key: str | None
    sessions: int
    not_taken: int
    questions: int
    tally: Tally

    def label(self, dimension: Dimension, language: Language = ENGLISH) -> str:
        """Return the name of the line."""
        if self.key is None:
            return language.text("no_lesson")
        if dimension is Dimension.WEEKDAY:
            return language.weekdays[int(self.key) - 1]
        return language.in_digits(self.key) if dimension is Dimension.PERIOD else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentBreakdown:
    """One student's marks, with one tally for each line of the breakdown."""

    id: StudentId
    name: str
    on_roster: bool
    tallies: tuple[Tally, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """A report, divided by one dimension; sessions without a lesson come last."""

    dimension: Dimension
    report: AttendanceReport
    lines: tuple[BreakdownLine, ...]
    students: tuple[StudentBreakdown, ...]


def break_down(report: AttendanceReport, dimension: Dimension) -> Breakdown:
    """Divide a report; the tallies of the lines add up to those of the report."""
    sessions_of: dict[str | None, list[int]] = {}
    for place, session in enumerate(report.sessions):
        sessions_of.setdefault(_key(session, dimension), []).append(place)
    keys = sorted(sessions_of, key=lambda key: (key is None, key or ""))
    return Breakdown(
        dimension=dimension,
        report=report,
        lines=tuple(_line(key, [report.sessions[place] for place in sessions_of[key]]) for key in keys),
        students=tuple(_student(report, student, keys, sessions_of) for student in report.students),
    )


def _key(session: SessionLine, dimension: Dimension) -> str | None:
    if dimension is Dimension.WEEKDAY:
        return str(session.started_at.isoweekday())
    lesson = session.lesson
    if lesson is None:
        return None
    if dimension is Dimension.PERIOD:
        starts_at = lesson.starts_at or session.started_at
        return f"{starts_at.astimezone(session.started_at.tzinfo):%H:%M}"
    return (lesson.subject if dimension is Dimension.SUBJECT else lesson.teacher) or None


def _line(key: str | None, sessions: Sequence[SessionLine]) -> BreakdownLine:
    taken = sum(session.taken for session in sessions)
    return BreakdownLine(
        key=key,
        sessions=taken,
        not_taken=len(sessions) - taken,
        questions=sum(session.questions for session in sessions),
        tally=sum((session.tally for session in sessions), Tally()),
    )


def _student(
    report: AttendanceReport,
    student: StudentLine,
    keys: Sequence[str | None],
    sessions_of: Mapping[str | None, Sequence[int]],
) -> StudentBreakdown:
    tallies = tuple(
        Tally.of(
            status
            for place in sessions_of[key]
            if (status := student.marks[place]) is not None and report.sessions[place].taken
        )
        for key in keys
    )
    return StudentBreakdown(id=student.id, name=student.name, on_roster=student.on_roster, tallies=tallies)
