"""Removal of photos and sessions after their retention period."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from muster.domain.errors import MusterError, SessionNotFound
from muster.domain.identifiers import SessionId
from muster.storage.ports import GroupStore, SessionStore

_log = logging.getLogger(__name__)

_DAY_SECONDS = 24 * 60 * 60.0


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """Retention periods in days; None keeps the data.

    Attributes:
        session_photos: for photos of sessions; faces and marks stay.
        sessions: for whole sessions, with their marks and changes.
    """

    session_photos: int | None
    sessions: int | None


@dataclass(frozen=True, slots=True)
class Expired:
    """The number of photos whose files were removed, and of sessions removed."""

    photos: int
    sessions: int


class Retention:
    """Removes expired data. A run may be interrupted, and may run concurrently with anything else.

    Faces that templates learned from removed sessions stay learned: `Roster.forget_faces` removes them.

    Args:
        clean: called at the end of each run, for deferred work of the store.
        expire: called with the time before which sessions expire; removes what belongs to the days before it.
        forget: called before a session is removed; removes what is kept beside it.
    """

    def __init__(
        self,
        groups: GroupStore,
        sessions: SessionStore,
        limits: RetentionLimits,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clean: Callable[[], object] = lambda: None,
        expire: Callable[[datetime], object] = lambda _: None,
        forget: Callable[[SessionId], object] = lambda _: None,
    ) -> None:
        self._groups = groups
        self._sessions = sessions
        self._limits = limits
        self._now = now
        self._clean = clean
        self._expire = expire
        self._forget = forget

    def run(self) -> Expired:
        """Remove expired photos and sessions, and return their numbers."""
        photos = sessions = 0
        now = self._now()
        for group in self._groups.find():
            if self._limits.sessions is not None:
                limit = now - timedelta(days=self._limits.sessions)
                sessions += sum(self._remove(session.id) for session in self._sessions.of_group(group.id, until=limit))
            if self._limits.session_photos is not None:
                limit = now - timedelta(days=self._limits.session_photos)
                # A photo may be added to a session long after it was opened, never before.
                for session in self._sessions.of_group(group.id, until=limit):
                    photos += self._sessions.drop_files(session.id, limit)
        if self._limits.sessions is not None:
            self._expire(now - timedelta(days=self._limits.sessions))
        self._clean()
        return Expired(photos, sessions)

    def _remove(self, session_id: SessionId) -> bool:
        self._forget(session_id)
        try:
            self._sessions.remove(session_id, closed_too=True)
        except SessionNotFound:
            # A concurrent run removed it.
            return False
        return True


@contextmanager
def daily(retention: Retention, every_seconds: float = _DAY_SECONDS) -> Iterator[None]:
    """Run the removal in the background, at once and then daily, until the block ends."""
    stopping = Event()

    def work() -> None:
        while True:
            try:
                expired = retention.run()
                _log.info("%d photos and %d sessions were past their limits", expired.photos, expired.sessions)
            except MusterError as error:
                # The disk may be full now but not tomorrow.
                _log.error("old photos and sessions are still there: %s", error)
            if stopping.wait(every_seconds):
                return

    thread = Thread(target=work, name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
