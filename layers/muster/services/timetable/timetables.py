"""Reading and changing lessons, terms and holidays, and the lessons of a day with their registers."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from muster.domain.actor import OPERATOR, Actor
from muster.domain.attendance import RollCall
from muster.domain.documents import SCHOOL, DocumentKind
from muster.domain.errors import LessonNotFound, SessionExists
from muster.domain.group import Group
from muster.domain.identifiers import GroupId
from muster.domain.period import Period
from muster.domain.taken import is_taken
from muster.domain.timetable import Lesson, LessonState, Occurrence, SchoolCalendar, occurrences, state_of
from muster.services.roll_call.sessions import SessionDetail, Sessions
from muster.services.timetable.bodies import calendar_body, lessons_body, read_calendar, read_lessons
from muster.services.timetable.validation import check_calendar, check_lessons
from muster.storage.ports import DocumentStore, GroupStore, SessionStore


@dataclass(frozen=True, slots=True)
class Versioned:
    """The lessons of a group with the version of their document; 0 if there are none yet."""

    lessons: tuple[Lesson, ...]
    version: int


@dataclass(frozen=True, slots=True)
class LessonOfDay:
    """A lesson of a day with the state of its register.

    Attributes:
        is_now: whether a photo taken now belongs to it.
        roll_call: its register, once it is open.
    """

    occurrence: Occurrence
    group: Group
    state: LessonState
    is_now: bool
    roll_call: RollCall | None


@dataclass(frozen=True, slots=True)
class MissingRegisters:
    """The registers of a day that are not taken.

    Attributes:
        by: lessons that started at or before this moment are due; UTC.
        due: how many registers are due.
        lessons: those of them that are not taken.
        groups: groups without a timetable, in which no roll call of the day was taken.
    """

    day: date
    by: datetime
    due: int
    lessons: tuple[LessonOfDay, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Timetables:
    """The timetable of the school."""

    documents: DocumentStore
    groups: GroupStore
    session_store: SessionStore
    sessions: Sessions
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def today(self) -> date:
        """Return the current day at the school."""
        return self.now().astimezone(self.zone).date()

    def calendar(self) -> tuple[SchoolCalendar, int]:
        """Return terms and holidays, with their version; 0 if none are stored."""
        document = self.documents.get(DocumentKind.TERMS, SCHOOL)
        return read_calendar(document.body), document.version

    def change_calendar(self, calendar: SchoolCalendar, expected: int) -> int:
        """Replace terms and holidays, and return their new version.

        Terms that do not change keep their `source`, which people do not see.

        Raises:
            InvalidRequest: a term or holiday is not valid.
            VersionConflict: the stored version is not the expected one.
        """
        check_calendar(calendar)
        sources = {term: term.source for term in self.calendar()[0].terms}
        terms = tuple(replace(term, source=term.source or sources.get(term, "")) for term in calendar.terms)
        calendar = replace(calendar, terms=terms)
        return self.documents.put(DocumentKind.TERMS, SCHOOL, expected, calendar_body(calendar)).version

    def lessons(self, group_id: GroupId) -> Versioned:
        """Return the weekly lessons of a group."""
        document = self.documents.get(DocumentKind.LESSONS, group_id)
        return Versioned(read_lessons(group_id, document.body), document.version)

    def change_lessons(self, group_id: GroupId, lessons: Sequence[Lesson], expected: int) -> Versioned:
        """Replace the weekly lessons of a group. Registers that were opened do not change.

        Raises:
            GroupNotFound: the group has no record.
            InvalidRequest: a lesson is not valid.
            VersionConflict: the stored version is not the expected one.
            DocumentTooLarge: the lessons have too much text.
        """
        self.groups.get(group_id)
        ordered = sorted(lessons, key=lambda lesson: (lesson.weekday, lesson.starts, lesson.subject, lesson.id))
        check_lessons(ordered)
        document = self.documents.put(DocumentKind.LESSONS, group_id, expected, lessons_body(ordered))
        return Versioned(tuple(ordered), document.version)

    def forget(self, group_id: GroupId) -> None:
        """Remove the lessons of a group that was removed, so that a later group with its id has none of them.

        Raises:
            VersionConflict: the lessons were changed concurrently.
        """
        document = self.documents.get(DocumentKind.LESSONS, group_id)
        if document.version:
            self.documents.remove(DocumentKind.LESSONS, group_id, document.version)

    def of_day(self, day: date, own: Collection[GroupId] | None = None) -> list[LessonOfDay]:
        """Return the lessons of a day with the state of their registers, ordered by start.

        Args:
            own: the groups to read; None means all.
        """
        return self._lessons_of(day, self._groups(own))

    def titles(self, group_id: GroupId, day: date) -> list[str]:
        """Return time and subject of a group's lessons of a day, in order."""
        return [
            f"{each.lesson.starts:%H:%M} {each.lesson.subject}".strip() for each in self._occurrences(day, [group_id])
        ]

    def missing(self, day: date, by: time, own: Collection[GroupId] | None = None) -> MissingRegisters:
        """Return the registers of a day that are not taken, of lessons that started by a local time, and by now.

        A group without any lesson in the timetable is missing if it had no roll call on a school day, once that time
        is over.
        """
        groups = self._groups(own)
        _check_day(day)
        moment = datetime.combine(day, by, self.zone).astimezone(UTC)
        until = min(moment, self.now())
        lessons = [each for each in self._lessons_of(day, groups) if each.occurrence.starts_at <= until]
        not_taken = [each for each in lessons if each.state in (LessonState.PLANNED, LessonState.NOT_TAKEN)]
        untimed, without_roll_call = self._without_timetable(day, groups) if moment <= self.now() else ([], [])
        due = len(lessons) + len(untimed)
        return MissingRegisters(day, moment, due, tuple(not_taken), tuple(without_roll_call))

    def open(self, group_id: GroupId, lesson_id: str, day: date, actor: Actor = OPERATOR) -> SessionDetail:
        """Open the register of a lesson, or return it if it is open already.

        Raises:
            LessonNotFound: the group has no such lesson on that day.
        """
        for occurrence in self._occurrences(day, [group_id]):
            if occurrence.lesson.id == lesson_id:
                try:
                    return self.sessions.open(group_id, occurrence.session_id, occurrence.started_at(self.now()), actor)
                except SessionExists:
                    return self.sessions.get(occurrence.session_id)
        raise LessonNotFound(
            f"The group {group_id} has no lesson {lesson_id[:80]!r} on {day.isoformat()}. Read the lessons of that day."
        )

    def _groups(self, own: Collection[GroupId] | None) -> dict[GroupId, Group]:
        return {group.id: group for group in self.groups.find() if own is None or group.id in own}

    def _occurrences(self, day: date, group_ids: Collection[GroupId]) -> list[Occurrence]:
        _check_day(day)
        stored = self.documents.get_many(DocumentKind.LESSONS, group_ids)
        lessons = [lesson for id, found in stored.items() for lesson in read_lessons(GroupId(id), found.body)]
        return occurrences(lessons, self.calendar()[0], day, self.zone) if lessons else []

    def _lessons_of(self, day: date, groups: dict[GroupId, Group]) -> list[LessonOfDay]:
        found = self._occurrences(day, groups)
        registers = self._registers(day, {each.lesson.group_id for each in found})
        now = self.now()
        return [
            self._described(each, groups[each.lesson.group_id], registers.get(each.session_id), now) for each in found
        ]

    def _registers(self, day: date, group_ids: Collection[GroupId]) -> dict[str, RollCall]:
        # A register that was opened early may start a few minutes before its day does.
        since, until = Period(day, day).moments(self.zone)
        early = None if since is None else since - timedelta(hours=1)
        return {
            roll_call.session.id: roll_call
            for roll_call in self.session_store.roll_calls_of_groups(group_ids, early, until)
        }

    def _described(self, each: Occurrence, group: Group, register: RollCall | None, now: datetime) -> LessonOfDay:
        taken = register is not None and is_taken(register.session, register.marks, now)
        closed = register is not None and register.session.is_closed
        return LessonOfDay(each, group, state_of(each, taken=taken, closed=closed, now=now), each.is_now(now), register)

    def _without_timetable(self, day: date, groups: dict[GroupId, Group]) -> tuple[list[Group], list[Group]]:
        """Return the groups without a timetable on a school day, and those in which no roll call was taken."""
        if not self.calendar()[0].is_school_day(day):
            return [], []
        stored = self.documents.get_many(DocumentKind.LESSONS, groups)
        planned = {id for id, document in stored.items() if document.body.get("lessons")}
        without = [group for id, group in groups.items() if id not in planned]
        registers = self._registers(day, {group.id for group in without}).values()
        now, since = self.now(), Period(day, day).moments(self.zone)[0]
        took = {
            each.session.group_id
            for each in registers
            if (since is None or each.session.started_at >= since) and is_taken(each.session, each.marks, now)
        }
        return without, [group for group in without if group.id not in took]


def _check_day(day: date) -> None:
    """Refuse days before 1970 or after 2999, whose moments may not exist."""
    Period(day, day)


def with_ids(lessons: Sequence[Lesson], new_id: Callable[[], str]) -> list[Lesson]:
    """Give an id to each lesson without one."""
    return [lesson if lesson.id else replace(lesson, id=new_id()) for lesson in lessons]
