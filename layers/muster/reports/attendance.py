"""Attendance reports, computed from the roll calls of a period."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from itertools import groupby
from typing import Self
from zoneinfo import ZoneInfo

from muster.domain.attendance import NO_DETAILS, LessonDetails, MarkDetails, MarkStatus, RollCall
from muster.domain.codes import DEFAULT_TABLE, NOON, AttendanceCode, CodeTable
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.period import Period
from muster.domain.taken import is_taken


class Scope(StrEnum):
    """Subject of a report."""

    GROUP = "group"
    STUDENT = "student"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Tally:
    """Number of marks by status."""

    present: int = 0
    late: int = 0
    absent: int = 0
    excused: int = 0
    review: int = 0

    @classmethod
    def of(cls, statuses: Iterable[MarkStatus]) -> Self:
        """Count marks."""
        counts = Counter(statuses)
        return cls(**{status.value: counts[status] for status in MarkStatus})

    @classmethod
    def of_counts(cls, counts: Mapping[MarkStatus, int]) -> Self:
        """Create a tally from counts."""
        return cls(**{status.value: counts.get(status, 0) for status in MarkStatus})

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.present + other.present,
            self.late + other.late,
            self.absent + other.absent,
            self.excused + other.excused,
            self.review + other.review,
        )

    @property
    def marks(self) -> int:
        """Total number of marks."""
        return self.present + self.late + self.absent + self.excused + self.review

    @property
    def rate(self) -> float | None:
        """The attendance rate, 0 to 1: present and late among present, late and absent; None without such marks."""
        expected = self.present + self.late + self.absent
        return (self.present + self.late) / expected if expected else None


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One session of the report.

    Attributes:
        started_at: in the school's zone.
        taken: whether the session is taken; if not, its tallies are empty.
        tally: marks of the report's students and of erased students.
        erased: the part of `tally` that belongs to erased students.
        questions: number of the report's students in review, also in a session that is not taken.
        lesson: the lesson of the session, as the timetable had it then.
    """

    id: SessionId
    group_id: GroupId
    started_at: datetime
    taken: bool
    tally: Tally
    erased: Tally
    questions: int
    lesson: LessonDetails | None = None

    @property
    def afternoon(self) -> bool:
        """Whether it begins at noon or later; a register can be opened before its lesson."""
        starts_at = None if self.lesson is None else self.lesson.starts_at
        local = self.started_at if starts_at is None else starts_at.astimezone(self.started_at.tzinfo)
        return local.hour >= NOON

    @property
    def day(self) -> date:
        """The day in the school's zone."""
        return self.started_at.date()


@dataclass(frozen=True, slots=True)
class StudentLine:
    """One student of the report.

    Attributes:
        on_roster: whether the student belongs to the group now; marks of former students stay in its reports.
        marks: for each session of the report the status, or None if the student was not on the roster. In a session
            that is not taken, only `review` occurs; it counts in no tally.
        longest_absence: maximum of sessions missed in a row; a session in which the student is excused or in review
            neither counts nor ends the series.
        current_absence: sessions missed in a row up to the last one of the report.
    """

    id: StudentId
    name: str
    on_roster: bool
    marks: tuple[MarkStatus | None, ...]
    tally: Tally
    longest_absence: int
    current_absence: int


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group of the report.

    Attributes:
        sessions: number of sessions that are taken.
        current: False in a report about a student who has marks in the group but has left it.
    """

    id: GroupId
    name: str
    sessions: int
    tally: Tally
    current: bool = True


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of the report, in the school's zone; `sessions` is the number of sessions that are taken."""

    day: date
    sessions: int
    tally: Tally


@dataclass(frozen=True)
class AttendanceReport:
    """Attendance in a period.

    Attributes:
        zone: the school's time zone.
        groups: ordered by id; exactly one, unless the report is about a student with several groups.
        sessions: oldest first, then by id.
        students: ordered by id.
        codes: the school's attendance codes.
        details: codes, minutes late and remarks, of the marks that have any.
    """

    scope: Scope
    period: Period
    zone: ZoneInfo
    groups: tuple[GroupLine, ...]
    sessions: tuple[SessionLine, ...]
    students: tuple[StudentLine, ...]
    codes: CodeTable = DEFAULT_TABLE
    details: Mapping[tuple[StudentId, SessionId], MarkDetails] = field(default_factory=dict)

    @property
    def detailed(self) -> bool:
        """Whether marks say more than their status: the school has its own codes, or a mark has details."""
        return bool(self.details) or self.codes.codes != DEFAULT_TABLE.codes

    def details_of(self, student_id: StudentId, session: SessionLine) -> MarkDetails:
        """Return the details of a mark."""
        return self.details.get((student_id, session.id), NO_DETAILS)

    def code_of(self, student_id: StudentId, session: SessionLine, status: MarkStatus) -> AttendanceCode | None:
        """Return the code of a mark; None for marks in review."""
        named = self.details_of(student_id, session).code
        found = None if named is None else self.codes.find(named)
        return found or self._defaults.get((status, session.afternoon))

    def code_counts(self, student: StudentLine) -> dict[str, int]:
        """Return how many marks a student has with each code, in the order of the table."""
        found = Counter(
            code.code
            for session, status in zip(self.sessions, student.marks, strict=True)
            if session.taken and status is not None and (code := self.code_of(student.id, session, status))
        )
        return {code.code: found[code.code] for code in self.codes.codes if found[code.code]}

    @cached_property
    def _defaults(self) -> dict[tuple[MarkStatus, bool], AttendanceCode | None]:
        return {
            (status, afternoon): self.codes.default(status, afternoon=afternoon)
            for status in MarkStatus
            for afternoon in (False, True)
        }

    @cached_property
    def tally(self) -> Tally:
        """All marks of the report, including those of erased students."""
        return _sum(session.tally for session in self.sessions)

    @cached_property
    def erased(self) -> Tally:
        """The marks of erased students."""
        return _sum(session.erased for session in self.sessions)

    @cached_property
    def taken(self) -> tuple[SessionLine, ...]:
        """The sessions that are taken."""
        return tuple(session for session in self.sessions if session.taken)

    @cached_property
    def questions(self) -> int:
        """Number of open questions, including sessions that are not taken."""
        return sum(session.questions for session in self.sessions)

    @cached_property
    def days(self) -> tuple[DayLine, ...]:
        """The days on which a session was taken, in order."""
        lines = []
        for day, sessions in groupby(self.taken, key=lambda session: session.day):
            tallies = [session.tally for session in sessions]
            lines.append(DayLine(day, len(tallies), _sum(tallies)))
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A student to include in a report; see `StudentLine.on_roster`."""

    id: StudentId
    name: str
    on_roster: bool = True


def build_report(
    scope: Scope,
    roll_calls: Iterable[RollCall],
    roster: Iterable[RosterEntry],
    names: Mapping[GroupId, str],
    period: Period,
    zone: ZoneInfo,
    now: datetime,
    codes: CodeTable = DEFAULT_TABLE,
) -> AttendanceReport:
    """Build a report; sessions that are not taken are listed but not counted.

    Args:
        roll_calls: in any order.
        roster: students with a line. Marks of others count as those of erased students, except in a report about a
            student, where they are ignored.
        names: names of the report's groups, including groups without a session.
        now: sessions that start later are not taken.
        codes: the school's attendance codes.
    """
    ordered = sorted(roll_calls, key=lambda roll_call: (roll_call.session.started_at, roll_call.session.id))
    taken = [is_taken(roll_call.session, roll_call.marks, now) for roll_call in ordered]
    marks = _by_student(ordered, taken)
    none: tuple[MarkStatus | None, ...] = (None,) * len(ordered)
    entries = sorted(roster, key=lambda entry: entry.id)
    students = tuple(_student(entry, marks.get(entry.id, none), taken) for entry in entries)
    known = {student.id for student in students}
    sessions = tuple(
        _session(roll_call, known, zone, scope, taken=held) for roll_call, held in zip(ordered, taken, strict=True)
    )
    return AttendanceReport(
        scope=scope,
        period=period,
        zone=zone,
        groups=tuple(_group(group_id, names[group_id], sessions) for group_id in sorted(names)),
        sessions=sessions,
        students=students,
        codes=codes,
        details={
            (mark.student_id, roll_call.session.id): mark.details
            for roll_call, held in zip(ordered, taken, strict=True)
            if held
            for mark in roll_call.marks
            if mark.code is not None or mark.minutes_late is not None or mark.remark
        },
    )


def streaks(statuses: Iterable[MarkStatus | None]) -> tuple[int, int]:
    """Return the longest and the last run of absences; excused, in review, or None neither counts nor ends a run."""
    longest = current = 0
    for status in statuses:
        if status is MarkStatus.ABSENT:
            current += 1
            longest = max(longest, current)
        elif status is MarkStatus.PRESENT or status is MarkStatus.LATE:
            current = 0
    return longest, current


def _by_student(roll_calls: Sequence[RollCall], taken: Sequence[bool]) -> dict[StudentId, list[MarkStatus | None]]:
    marks: dict[StudentId, list[MarkStatus | None]] = {}
    for index, roll_call in enumerate(roll_calls):
        for mark in roll_call.marks:
            if not taken[index] and mark.status is not MarkStatus.REVIEW:
                continue
            row = marks.get(mark.student_id)
            if row is None:
                row = marks[mark.student_id] = [None] * len(roll_calls)
            row[index] = mark.status
    return marks


def _student(entry: RosterEntry, marks: Sequence[MarkStatus | None], taken: Sequence[bool]) -> StudentLine:
    longest, current = streaks(marks)
    tally = Tally.of(status for status, held in zip(marks, taken, strict=True) if held and status is not None)
    return StudentLine(entry.id, entry.name, entry.on_roster, tuple(marks), tally, longest, current)


def _session(roll_call: RollCall, known: set[StudentId], zone: ZoneInfo, scope: Scope, *, taken: bool) -> SessionLine:
    session = roll_call.session
    tally = Tally.of(mark.status for mark in roll_call.marks if mark.student_id in known)
    erased = Tally()
    if scope is not Scope.STUDENT:
        unnamed = Tally.of(mark.status for mark in roll_call.marks if mark.student_id not in known)
        erased = Tally.of_counts(session.erased) + unnamed
    return SessionLine(
        id=session.id,
        group_id=session.group_id,
        started_at=session.started_at.astimezone(zone),
        taken=taken,
        tally=tally + erased if taken else Tally(),
        erased=erased if taken else Tally(),
        questions=tally.review,
        lesson=session.lesson,
    )


def _group(group_id: GroupId, name: str, sessions: Sequence[SessionLine]) -> GroupLine:
    own = [session for session in sessions if session.group_id == group_id]
    return GroupLine(group_id, name, sum(session.taken for session in own), _sum(session.tally for session in own))


def _sum(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
