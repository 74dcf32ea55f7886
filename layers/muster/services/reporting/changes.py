"""The changes that people made in the registers of a period, for admins."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from muster.domain.anonymisation import students_in_change
from muster.domain.attendance import Change, Session
from muster.domain.errors import InvalidRequest, ReportTooLarge, StudentNotFound
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.period import Period
from muster.reports.changes import ChangeList, SessionChange
from muster.services.roster.groups import Groups
from muster.storage.ports import SessionStore, StudentStore

RECENT_DAYS = 60
"""Days whose registers are read unless the caller names a period."""

MAX_CHANGES = 20_000
"""Changes per file, about 3 MB; a Lambda function can return 6 MB."""

MAX_SESSIONS_PER_PAGE = 500
"""Sessions that are read for one page, so that a filter that nothing passes does not read a whole year."""

_SESSIONS_PER_READ = 50

_LAST = "99999999"
"""The number, in a key, of a change after the last one of a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """Which changes are wanted: those in registers of a period, of one group, or that concern one student.

    Attributes:
        period: days on which registers were held, not those of the changes.
    """

    period: Period
    group_id: GroupId | None = None
    student_id: StudentId | None = None


@dataclass(frozen=True, slots=True)
class ChangeHistory:
    """Reads the changes of many registers, ordered by the start of the register, and oldest first in each.

    A page holds no more than it needs; a whole period is limited. Changes that concern an erased student name nobody.

    Attributes:
        zone: the school's time zone.
    """

    students: StudentStore
    sessions: SessionStore
    groups: Groups
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def recent(self) -> Period:
        """Return the period of the last `RECENT_DAYS` days."""
        return Period(since=self.now().astimezone(self.zone).date() - timedelta(days=RECENT_DAYS))

    def page(self, wanted: ChangeFilter, limit: int, after: str | None = None) -> tuple[ChangeList, str | None]:
        """Return at most `limit` changes, and the key after which the next page begins; None at the end.

        A page may hold fewer changes, or none, although others follow.

        Args:
            after: the key that the previous page returned.

        Raises:
            InvalidRequest: the key is malformed.
            GroupNotFound: the group is unknown.
            StudentNotFound: nobody has the student's id.
        """
        sessions = [session for session in self._sessions(wanted, after) if after is None or _key(session) > after]
        read = sessions[:MAX_SESSIONS_PER_PAGE]
        following = (
            change for change in self._changes(read, wanted.student_id) if after is None or _key_of(change) > after
        )
        found = list(islice(following, limit + 1))
        if len(found) > limit:
            return self._list(wanted, found[:limit]), _key_of(found[limit - 1])
        return self._list(wanted, found), _key(read[-1]) if len(sessions) > len(read) else None

    def whole(self, wanted: ChangeFilter) -> ChangeList:
        """Return all changes of the period.

        Raises:
            GroupNotFound: the group is unknown.
            StudentNotFound: nobody has the student's id.
            ReportTooLarge: there are more than `MAX_CHANGES`.
        """
        found = list(islice(self._changes(self._sessions(wanted), wanted.student_id), MAX_CHANGES + 1))
        if len(found) > MAX_CHANGES:
            raise ReportTooLarge(f"There are more than {MAX_CHANGES} changes. Choose a shorter period, or one group.")
        return self._list(wanted, found)

    def _sessions(self, wanted: ChangeFilter, after: str | None = None) -> list[Session]:
        since, until = wanted.period.moments(self.zone)
        if after is not None:
            since = max(since or _start_of(after), _start_of(after))
        if until is not None and since is not None and since >= until:
            return []
        if wanted.student_id is not None:
            self.students.get(wanted.student_id)
            # Every student whose mark or face was changed has a mark.
            found = [call.session for call in self.sessions.roll_calls_of_student(wanted.student_id, since, until)]
            return [session for session in found if wanted.group_id in (None, session.group_id)]
        if wanted.group_id is not None:
            self.groups.get(wanted.group_id)
            return self.sessions.of_group(wanted.group_id, since, until)
        group_ids = [group.id for group in self.groups.find()]
        found = [session for group_id in group_ids for session in self.sessions.of_group(group_id, since, until)]
        return sorted(found, key=_key)

    def _changes(self, sessions: Sequence[Session], student_id: StudentId | None) -> Iterator[SessionChange]:
        for start in range(0, len(sessions), _SESSIONS_PER_READ):
            part = sessions[start : start + _SESSIONS_PER_READ]
            changes = self.sessions.changes_of([session.id for session in part])
            for session in part:
                for number, change in enumerate(changes.get(session.id, ())):
                    if student_id is None or student_id in students_in_change(change):
                        yield SessionChange(session, number, change)

    def _list(self, wanted: ChangeFilter, found: Sequence[SessionChange]) -> ChangeList:
        names = self._names({each.session.group_id for each in found}, [each.change for each in found])
        return ChangeList(tuple(found), names, wanted.period, self.zone, wanted.group_id, wanted.student_id)

    def _names(self, group_ids: Iterable[GroupId], changes: Iterable[Change]) -> dict[StudentId, str]:
        named = set[StudentId]().union(*map(students_in_change, changes))
        known = {student.id: student.name for group_id in sorted(group_ids) for student in self.students.find(group_id)}
        for student_id in sorted(named - known.keys()):
            try:
                known[student_id] = self.students.get(student_id).name
            except StudentNotFound:
                # Erased since the changes were read.
                continue
        return {student_id: name for student_id, name in known.items() if student_id in named}


def _key(session: Session) -> str:
    """Return the key after the last change of a session; keys have the order of the list."""
    return f"{session.started_at.isoformat(timespec='microseconds')} {session.id} {_LAST}"


def _key_of(change: SessionChange) -> str:
    return f"{_key(change.session).removesuffix(_LAST)}{change.number:08d}"


def _start_of(key: str) -> datetime:
    try:
        return datetime.fromisoformat(key.split(" ")[0]).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest("Invalid cursor for this list. Start again without one.") from error
