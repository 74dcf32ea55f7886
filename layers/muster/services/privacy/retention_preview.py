"""Preview of what retention removes soon."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from muster.domain.identifiers import GroupId
from muster.services.privacy.retention import RetentionLimits
from muster.storage.ports import GroupStore, SessionStore

DAYS_AHEAD = 30
"""How far a preview looks ahead: long enough for a school to export a report first."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """What a group loses soon.

    Attributes:
        session_photos: sessions whose photos reach their limit.
        sessions: sessions that are removed with their marks.
    """

    group_id: GroupId
    session_photos: int
    sessions: int


@dataclass(frozen=True, slots=True)
class RetentionPreview:
    """Reads what will expire; removes nothing.

    Attributes:
        limits: of `Retention`; the storage may remove photos by rules of its own.
    """

    groups: GroupStore
    sessions: SessionStore
    limits: RetentionLimits
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def expiring(self, days: int = DAYS_AHEAD) -> list[Expiring]:
        """Return the groups that lose something within so many days, ordered by id.

        One query per group and limit. A photo that was added to a session later than its first day is counted with
        that day.
        """
        now, found = self.now(), []
        for group in self.groups.find():
            photos = self._count(group.id, self.limits.session_photos, now, days, passed=False)
            sessions = self._count(group.id, self.limits.sessions, now, days, passed=True)
            if photos or sessions:
                found.append(Expiring(group.id, photos, sessions))
        return sorted(found, key=lambda expiring: expiring.group_id)

    def _count(self, group_id: GroupId, limit: int | None, now: datetime, days: int, *, passed: bool) -> int:
        """Count the sessions that reach a limit; those past it only if they are still to be removed."""
        if limit is None:
            return 0
        since = None if passed else now - timedelta(days=limit)
        until = now - timedelta(days=limit - days)
        return len(self.sessions.of_group(group_id, since=since, until=min(until, now)))
