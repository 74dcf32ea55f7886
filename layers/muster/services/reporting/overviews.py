"""Reports over all groups that a caller may see: absences in a row, low attendance, one day, and blank sheets."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from muster.domain.attendance import RollCall
from muster.domain.codes import DEFAULT_TABLE, CodeTable
from muster.domain.errors import GroupNotFound, InvalidRequest, ReportTooLarge
from muster.domain.guests import Guest
from muster.domain.identifiers import GroupId, SessionId
from muster.domain.period import Period
from muster.domain.student import Student
from muster.reports.absences import Attendance, attendances, below, missing_in_a_row
from muster.reports.blank_sheet import MAX_COLUMNS, BlankSheet
from muster.reports.day import DayReport, day_report
from muster.storage.ports import GroupStore, SessionStore, StudentStore

MAX_MARKS = 400_000
"""Marks per report over several groups: 2,000 students with 200 sessions, about 100 MB while it is made."""

_GROUPS_PER_READ = 25

RECENT_DAYS = 60
"""Days that a report on absences in a row covers unless the caller names a period."""


@dataclass(frozen=True, slots=True)
class Overviews:
    """Creates reports over several groups.

    In each method, `group_id` limits the report to one group, and `visible` to the groups that the caller may see; None
    means all.

    Attributes:
        zone: the school's time zone.
        lessons: titles of the lessons that a group has on a day, in order.
        guests: of sessions.
        codes: returns the school's table.
    """

    students: StudentStore
    sessions: SessionStore
    groups: GroupStore
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    lessons: Callable[[GroupId, date], Sequence[str]] = lambda _group, _day: ()
    guests: Callable[[Collection[SessionId]], Mapping[SessionId, Sequence[Guest]]] = lambda _: {}
    codes: Callable[[], CodeTable] = lambda: DEFAULT_TABLE

    def missing(
        self,
        at_least: int,
        period: Period,
        *,
        days: bool,
        group_id: GroupId | None = None,
        visible: Collection[GroupId] | None = None,
    ) -> list[Attendance]:
        """Return the students who missed at least so many sessions or days in a row up to the end of the period.

        Raises:
            InvalidRequest: `at_least` is not from 1 to 1000.
            GroupNotFound: the group is unknown.
            ReportTooLarge: the period has too many marks.
        """
        if not 1 <= at_least <= 1000:
            raise InvalidRequest("Give a number of days or sessions from 1 to 1000.")
        return missing_in_a_row(self._attendances(period, group_id, visible), at_least, days=days)

    def recent(self) -> Period:
        """Return the period of the last `RECENT_DAYS` days."""
        return Period(since=self.today() - timedelta(days=RECENT_DAYS))

    def low(
        self,
        percent: float,
        period: Period,
        *,
        group_id: GroupId | None = None,
        visible: Collection[GroupId] | None = None,
    ) -> list[Attendance]:
        """Return the students whose attendance rate is below a percentage, the lowest first.

        Raises:
            InvalidRequest: the percentage is not above 0 and at most 100.
            GroupNotFound: the group is unknown.
            ReportTooLarge: the period has too many marks.
        """
        if not 0 < percent <= 100:
            raise InvalidRequest("Give the threshold in percent, above 0 and at most 100.")
        return below(self._attendances(period, group_id, visible), percent)

    def of_day(
        self, day: date | None = None, *, group_id: GroupId | None = None, visible: Collection[GroupId] | None = None
    ) -> DayReport:
        """Report on one day; None means today.

        Raises:
            GroupNotFound: the group is unknown.
            ReportTooLarge: the day has too many marks.
        """
        day = day or self.today()
        names, students = self._rosters(group_id, visible)
        roll_calls = self._roll_calls(names, Period(day, day))
        guests = self.guests([roll_call.session.id for roll_call in roll_calls])
        found = day_report(day, roll_calls, students, names, self.zone, self.now(), self.codes())
        return replace(found, guests=guests)

    def blank_sheet(self, group_id: GroupId, day: date | None = None, columns: int | None = None) -> BlankSheet:
        """Return a sheet with the roster and empty columns.

        Args:
            day: columns are the lessons of this day, or its sessions where the group has no timetable.
            columns: that many columns without titles; None means the lessons of the day.

        Raises:
            InvalidRequest: there are too many columns.
            GroupNotFound: the group is unknown.
        """
        if columns is not None and not 1 <= columns <= MAX_COLUMNS:
            raise InvalidRequest(f"Give a number of columns from 1 to {MAX_COLUMNS}.")
        names, students = self._rosters(group_id, None)
        if columns is None:
            day = day or self.today()
            titles = self._titles(group_id, day)
        else:
            titles = [""] * columns
        by_name = sorted(students, key=lambda student: (student.name.casefold(), student.id))
        return BlankSheet(
            group_id=group_id,
            group=names[group_id],
            day=day,
            columns=tuple(titles),
            students=tuple((student.id, student.name) for student in by_name),
        )

    def today(self) -> date:
        """Return the day that it is in the school's time zone."""
        return self.now().astimezone(self.zone).date()

    def _titles(self, group_id: GroupId, day: date) -> Sequence[str]:
        if lessons := self.lessons(group_id, day):
            return lessons[:MAX_COLUMNS]
        sessions = self.sessions.of_group(group_id, *Period(day, day).moments(self.zone))
        return [f"{session.started_at.astimezone(self.zone):%H:%M}" for session in sessions][:MAX_COLUMNS] or [""]

    def _attendances(
        self, period: Period, group_id: GroupId | None, visible: Collection[GroupId] | None
    ) -> list[Attendance]:
        names, students = self._rosters(group_id, visible)
        return attendances(self._roll_calls(names, period), students, self.zone, self.now())

    def _rosters(
        self, group_id: GroupId | None, visible: Collection[GroupId] | None
    ) -> tuple[dict[GroupId, str], list[Student]]:
        """Return the names of the groups, and their students, each once and with these groups only."""
        if group_id is not None:
            students = self.students.find(group_id)
            return {group_id: self._name(group_id, known=bool(students))}, _restricted(students, {group_id})
        names = {group.id: group.name for group in self.groups.find() if visible is None or group.id in visible}
        if visible is None:
            students = self.students.find()
            for student in students:
                # Groups may be in use without a record.
                names.update({group: group for group in student.groups if group not in names})
            return names, students
        found = {student.id: student for group in sorted(names) for student in self.students.find(group)}
        return names, _restricted(found.values(), names.keys())

    def _name(self, group_id: GroupId, *, known: bool) -> str:
        try:
            return self.groups.get(group_id).name
        except GroupNotFound:
            if not known:
                raise
            return group_id

    def _roll_calls(self, names: Mapping[GroupId, str], period: Period) -> list[RollCall]:
        found: list[RollCall] = []
        marks = 0
        since, until = period.moments(self.zone)
        for group_ids in _parts(sorted(names)):
            part = self.sessions.roll_calls_of_groups(group_ids, since, until)
            marks += sum(len(roll_call.marks) for roll_call in part)
            if marks > MAX_MARKS:
                raise ReportTooLarge(
                    f"The report would hold more than {MAX_MARKS} marks. Choose a shorter period, or one group."
                )
            found += part
        return found


def _restricted(students: Iterable[Student], groups: Collection[GroupId]) -> list[Student]:
    return [replace(student, groups=student.groups & set(groups)) for student in students]


def _parts(group_ids: Iterable[GroupId]) -> Iterator[list[GroupId]]:
    remaining = iter(group_ids)
    while part := list(islice(remaining, _GROUPS_PER_READ)):
        yield part
