"""The timetable: weekly lessons, terms and holidays, and the lessons of a day with their registers.

Times of lessons are local times of the school, so a lesson at 8:00 stays at 8:00 when clocks change.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from muster.domain.identifiers import GroupId, SessionId

EARLY: Final = timedelta(minutes=15)
"""How long before its start a lesson's register can be opened by a photo; rooms fill before the bell."""

_LESSON_SESSION: Final = re.compile("lesson-[0-9a-f]{32}")
_DAYS_OF_WEEK: Final = 7


class LessonState(StrEnum):
    """The state of the register of one lesson on one day.

    `planned`: the lesson is not over, and its register is not taken. `open`: it is taken, and can still be changed.
    `closed`: it is finished. `not_taken`: the lesson is over without a register that is taken.
    """

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A weekly lesson of a group.

    Attributes:
        id: unique within the group.
        weekday: 1 for Monday to 7 for Sunday (ISO 8601).
        starts, ends: local times of the school, on the same day.
        teacher: a name for people to read.
        first_day, last_day: both included; None leaves that end open.
        every_weeks: 2 for every other week, counted from the week of `first_day`.
        cancelled: days without the lesson.
    """

    id: str
    group_id: GroupId
    weekday: int
    starts: time
    ends: time
    subject: str = ""
    room: str = ""
    teacher: str = ""
    first_day: date | None = None
    last_day: date | None = None
    every_weeks: int = 1
    cancelled: frozenset[date] = frozenset()

    def is_on(self, day: date) -> bool:
        """Return whether the lesson takes place on a day, terms and holidays aside."""
        if day.isoweekday() != self.weekday or day in self.cancelled:
            return False
        if (self.first_day is not None and day < self.first_day) or (self.last_day is not None and day > self.last_day):
            return False
        if self.every_weeks == 1 or self.first_day is None:
            return True
        return ((_monday(day) - _monday(self.first_day)).days // _DAYS_OF_WEEK) % self.every_weeks == 0


@dataclass(frozen=True, slots=True)
class Span:
    """A term, or a holiday: a name, and its first and last day, both included.

    Attributes:
        source: `sourcedId` of the term in a OneRoster package that it came from; empty if a person entered it.
    """

    name: str
    first_day: date
    last_day: date
    source: str = field(default="", compare=False)

    def contains(self, day: date) -> bool:
        """Return whether a day lies within it."""
        return self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """The terms and holidays of the school. Without terms, every day that is no holiday may have lessons."""

    terms: tuple[Span, ...] = ()
    holidays: tuple[Span, ...] = ()

    def is_school_day(self, day: date) -> bool:
        """Return whether lessons take place on a day."""
        in_term = not self.terms or any(term.contains(day) for term in self.terms)
        return in_term and not any(holiday.contains(day) for holiday in self.holidays)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A lesson on one day.

    Attributes:
        starts_at, ends_at: UTC.
        session_id: of its register, whether or not that is open.
    """

    lesson: Lesson
    day: date
    starts_at: datetime
    ends_at: datetime
    session_id: SessionId

    def is_now(self, now: datetime) -> bool:
        """Return whether a photo taken now belongs to the lesson."""
        return self.starts_at - EARLY <= now < self.ends_at

    def started_at(self, now: datetime) -> datetime:
        """Return the start of a register that is opened now: the lesson's, or now if the class came a little early."""
        return now if self.starts_at - EARLY <= now < self.starts_at else self.starts_at


def occurrences(lessons: Iterable[Lesson], calendar: SchoolCalendar, day: date, zone: ZoneInfo) -> list[Occurrence]:
    """Return the lessons of a day, ordered by start, then by group and id."""
    if not calendar.is_school_day(day):
        return []
    found = [
        Occurrence(
            lesson,
            day,
            _moment(day, lesson.starts, zone),
            _moment(day, lesson.ends, zone),
            lesson_session(lesson.group_id, lesson.id, day),
        )
        for lesson in lessons
        if lesson.is_on(day)
    ]
    return sorted(found, key=lambda each: (each.starts_at, each.lesson.group_id, each.lesson.id))


def lesson_session(group_id: GroupId, lesson_id: str, day: date) -> SessionId:
    """Return the id of a lesson's register on a day: always the same, so two photos of one lesson are one register."""
    digest = hashlib.sha256(f"{group_id}/{lesson_id}/{day.isoformat()}".encode()).hexdigest()
    return SessionId(f"lesson-{digest[:32]}")


def is_lesson_session(session_id: SessionId) -> bool:
    """Return whether a session has the id of a lesson's register."""
    return _LESSON_SESSION.fullmatch(session_id) is not None


def state_of(occurrence: Occurrence, *, taken: bool, closed: bool, now: datetime) -> LessonState:
    """Return the state of a lesson's register."""
    if closed:
        return LessonState.CLOSED
    if taken:
        return LessonState.OPEN
    return LessonState.PLANNED if now < occurrence.ends_at else LessonState.NOT_TAKEN


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _moment(day: date, local: time, zone: ZoneInfo) -> datetime:
    # A time that clocks skip or repeat is read with the offset before the change (PEP 495, fold=0).
    return datetime.combine(day, local, zone).astimezone(UTC)
