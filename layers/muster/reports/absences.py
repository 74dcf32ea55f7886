"""Students who missed their last sessions or days, and students whose attendance is below a threshold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from muster.domain.attendance import MarkStatus, RollCall
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.student import Student
from muster.domain.taken import is_taken
from muster.reports.attendance import Tally, streaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """One student's attendance over all groups of a report.

    Attributes:
        groups: the groups that the student belongs to now.
        tally: marks of sessions that are taken.
        sessions_missed: sessions missed in a row, up to the last one.
        days_missed: days missed in a row. A day is missed if the student was absent and neither present nor late; a day
            on which they were only excused or to review neither counts nor ends the series.
        missing_since: the first day of the sessions missed in a row.
        last_seen: the last day on which the student was present or late.
        questions: open questions since the student was last seen; the student may have been present.
    """

    id: StudentId
    name: str
    groups: tuple[GroupId, ...]
    tally: Tally
    sessions_missed: int
    days_missed: int
    missing_since: date | None
    last_seen: date | None
    questions: int


_SEEN = frozenset({MarkStatus.PRESENT, MarkStatus.LATE})


def attendances(
    roll_calls: Iterable[RollCall], students: Iterable[Student], zone: ZoneInfo, now: datetime
) -> list[Attendance]:
    """Return the attendance of each student over the roll calls, by id; students without marks have empty figures."""
    entries: dict[StudentId, list[tuple[date, MarkStatus, bool]]] = {student.id: [] for student in students}
    for roll_call in sorted(roll_calls, key=lambda call: (call.session.started_at, call.session.id)):
        taken = is_taken(roll_call.session, roll_call.marks, now)
        day = roll_call.session.started_at.astimezone(zone).date()
        for mark in roll_call.marks:
            if mark.student_id in entries and (taken or mark.status is MarkStatus.REVIEW):
                entries[mark.student_id].append((day, mark.status, taken))
    ordered = sorted(students, key=lambda student: student.id)
    return [_attendance(student, entries[student.id]) for student in ordered]


def _attendance(student: Student, entries: Sequence[tuple[date, MarkStatus, bool]]) -> Attendance:
    seen = [place for place, (_, status, _) in enumerate(entries) if status in _SEEN]
    later = entries[seen[-1] + 1 :] if seen else entries
    missed = [day for day, status, _ in later if status is MarkStatus.ABSENT]
    return Attendance(
        id=student.id,
        name=student.name,
        groups=tuple(sorted(student.groups)),
        tally=Tally.of(status for _, status, taken in entries if taken),
        sessions_missed=len(missed),
        days_missed=streaks(_day_status(statuses) for statuses in _by_day(entries))[1],
        missing_since=missed[0] if missed else None,
        last_seen=entries[seen[-1]][0] if seen else None,
        questions=sum(status is MarkStatus.REVIEW for _, status, _ in later),
    )


def _by_day(entries: Sequence[tuple[date, MarkStatus, bool]]) -> Iterable[set[MarkStatus]]:
    for _, of_day in groupby(entries, key=lambda entry: entry[0]):
        yield {status for _, status, _ in of_day}


def _day_status(statuses: set[MarkStatus]) -> MarkStatus | None:
    if statuses & _SEEN:
        return MarkStatus.PRESENT
    # With an open question on that day, the student may have been there.
    if MarkStatus.ABSENT in statuses and MarkStatus.REVIEW not in statuses:
        return MarkStatus.ABSENT
    return None


def missing_in_a_row(found: Iterable[Attendance], at_least: int, *, days: bool) -> list[Attendance]:
    """Return the students who missed at least so many of their last sessions or days, the longest series first."""
    length: Callable[[Attendance], int] = lambda line: line.days_missed if days else line.sessions_missed  # noqa: E731
    return sorted((line for line in found if length(line) >= at_least), key=lambda line: (-length(line), line.id))


def below(found: Iterable[Attendance], percent: float) -> list[Attendance]:
    """Return the students whose rate is below a percentage, the lowest first; students without a rate are left out."""
    rated = [(line.tally.rate, line) for line in found]
    low = [(rate, line) for rate, line in rated if rate is not None and rate * 100 < percent]
    return [line for _, line in sorted(low, key=lambda pair: (pair[0], pair[1].id))]
