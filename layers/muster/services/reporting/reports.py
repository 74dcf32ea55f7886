"""Attendance reports on a group, a student or a session."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from muster.domain.attendance import RollCall
from muster.domain.codes import DEFAULT_TABLE, CodeTable
from muster.domain.errors import GroupNotFound, NotAllowed, ReportTooLarge, StudentNotFound
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.period import Period
from muster.reports.attendance import AttendanceReport, RosterEntry, Scope, build_report
from muster.storage.ports import GroupStore, SessionStore, StudentStore

MAX_MARKS = 200_000
"""Marks per report: ten years of a group of 100 with 200 sessions a year, or 6 MB of HTML."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Creates attendance reports.

    Attributes:
        zone: the school's time zone, in which days begin and end.
        codes: returns the school's attendance codes.
    """

    students: StudentStore
    sessions: SessionStore
    groups: GroupStore
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    codes: Callable[[], CodeTable] = lambda: DEFAULT_TABLE

    def of_group(self, group_id: GroupId, period: Period) -> AttendanceReport:
        """Report on everyone who is, or was, in a group.

        Raises:
            GroupNotFound: the group has no record, no students and no sessions.
            ReportTooLarge: the period has too many marks.
        """
        roll_calls = self._roll_calls(group_id, period)
        if sum(len(roll_call.marks) for roll_call in roll_calls) > MAX_MARKS:
            raise ReportTooLarge(f"The report would hold more than {MAX_MARKS} marks. Choose a shorter period.")
        roster = [RosterEntry(student.id, student.name) for student in self.students.find(group_id)]
        names = {group_id: self._name(group_id, known=bool(roster or roll_calls))}
        roster += self._former(roll_calls, {entry.id for entry in roster})
        return build_report(Scope.GROUP, roll_calls, roster, names, period, self.zone, self.now(), self.codes())

    def of_student(
        self, student_id: StudentId, period: Period, visible: Collection[GroupId] | None = None
    ) -> AttendanceReport:
        """Report on one student across the groups they belong to now, and those in which they have marks.

        Args:
            visible: the groups that the caller may see; None means all.

        Raises:
            StudentNotFound: nobody has this id.
            NotAllowed: the caller may see none of these groups.
        """
        student = self.students.get(student_id)
        roll_calls = self.sessions.roll_calls_of_student(student_id, *period.moments(self.zone))
        group_ids = student.groups | {roll_call.session.group_id for roll_call in roll_calls}
        if visible is not None:
            group_ids &= set(visible)
            roll_calls = [roll_call for roll_call in roll_calls if roll_call.session.group_id in group_ids]
        if not group_ids:
            raise NotAllowed("You teach none of this student's groups. Ask an admin.")
        names = {group_id: self._name(group_id, known=True) for group_id in group_ids}
        roster = [RosterEntry(student.id, student.name)]
        report = build_report(Scope.STUDENT, roll_calls, roster, names, period, self.zone, self.now(), self.codes())
        groups = tuple(replace(group, current=group.id in student.groups) for group in report.groups)
        return replace(report, groups=groups)

    def of_session(self, session_id: SessionId) -> AttendanceReport:
        """Report on one session.

        Raises:
            SessionNotFound: no session has this id.
        """
        session = self.sessions.get(session_id)
        roll_call = RollCall(session, tuple(self.sessions.marks(session_id)))
        marked = {mark.student_id for mark in roll_call.marks}
        students = self.students.find(session.group_id)
        roster = [RosterEntry(student.id, student.name) for student in students if student.id in marked]
        roster += self._former([roll_call], {entry.id for entry in roster})
        names = {session.group_id: self._name(session.group_id, known=True)}
        return build_report(Scope.SESSION, [roll_call], roster, names, Period(), self.zone, self.now(), self.codes())

    def _roll_calls(self, group_id: GroupId, period: Period) -> list[RollCall]:
        return self.sessions.roll_calls(group_id, *period.moments(self.zone))

    def _former(self, roll_calls: Iterable[RollCall], known: set[StudentId]) -> list[RosterEntry]:
        """Return the students who have marks but left the group, except erased ones."""
        former = {mark.student_id for roll_call in roll_calls for mark in roll_call.marks} - known
        entries = []
        for student_id in sorted(former):
            try:
                entries.append(RosterEntry(student_id, self.students.get(student_id).name, on_roster=False))
            except StudentNotFound:
                continue
        return entries

    def _name(self, group_id: GroupId, *, known: bool) -> str:
        try:
            return self.groups.get(group_id).name
        except GroupNotFound:
            if not known:
                raise
            return group_id
