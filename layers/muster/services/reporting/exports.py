"""Marks for other programs: Moodle's attendance plugin, and files by a mapping."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from muster.domain.attendance import RollCall
from muster.domain.codes import DEFAULT_TABLE, CodeTable
from muster.domain.errors import GroupNotFound, ReportTooLarge, StudentNotFound
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.period import Period
from muster.reports.mark_rows import MarkRow, mark_rows
from muster.services.reporting.reports import MAX_MARKS
from muster.storage.ports import GroupStore, SessionStore, StudentStore


@dataclass(frozen=True, slots=True)
class Exports:
    """Reads marks one by one.

    Attributes:
        zone: the school's time zone.
        codes: returns the school's table of codes.
    """

    students: StudentStore
    sessions: SessionStore
    groups: GroupStore
    zone: ZoneInfo
    codes: Callable[[], CodeTable] = lambda: DEFAULT_TABLE
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def of_group(self, group_id: GroupId, period: Period) -> list[MarkRow]:
        """Return the marks of a group's sessions that are taken, by session and student, without erased students.

        Raises:
            GroupNotFound: the group has no record, no students and no sessions.
            ReportTooLarge: the period has too many marks.
        """
        roll_calls = self.sessions.roll_calls(group_id, *period.moments(self.zone))
        if sum(len(roll_call.marks) for roll_call in roll_calls) > MAX_MARKS:
            raise ReportTooLarge(f"The export would hold more than {MAX_MARKS} marks. Choose a shorter period.")
        return self._rows(group_id, roll_calls)

    def of_session(self, session_id: SessionId) -> list[MarkRow]:
        """Return the marks of one session by student; none if it is not taken.

        Raises:
            SessionNotFound: no session has this id.
        """
        session = self.sessions.get(session_id)
        return self._rows(session.group_id, [RollCall(session, tuple(self.sessions.marks(session_id)))])

    def _rows(self, group_id: GroupId, roll_calls: Sequence[RollCall]) -> list[MarkRow]:
        names = {student.id: student.name for student in self.students.find(group_id)}
        try:
            group = self.groups.get(group_id).name
        except GroupNotFound:
            if not names and not roll_calls:
                raise
            group = group_id
        former = {mark.student_id for roll_call in roll_calls for mark in roll_call.marks} - names.keys()
        names.update({student_id: name for student_id in former if (name := self._name(student_id)) is not None})
        return mark_rows(roll_calls, names, group, self.codes(), self.zone, self.now())

    def _name(self, student_id: StudentId) -> str | None:
        try:
            return self.students.get(student_id).name
        except StudentNotFound:
            return None
