"""Letting go of what is no longer needed."""

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
    """How many days things are kept; None keeps them.

    Attributes:
        session_photos: photos of sessions; faces and marks stay.
        sessions: whole sessions, with their marks and changes.
    """

    session_photos: int | None
    sessions: int | None


@dataclass(frozen=True, slots=True)
class Expired:
    """How many photos lost their files, and how many sessions are gone."""

    photos: int
    sessions: int


class Retention:
    """The use case of letting go, once a day; it may be cut off, and run beside anything else.

    Faces that templates learned from removed sessions stay learned: `Roster.forget_faces` removes them.

    Args:
        clean: called at the end of each run, for what the store itself puts off.
    """

    def __init__(
        self,
        groups: GroupStore,
        sessions: SessionStore,
        limits: RetentionLimits,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clean: Callable[[], object] = lambda: None,
    ) -> None:
        self._groups = groups
        self._sessions = sessions
        self._limits = limits
        self._now = now
        self._clean = clean

    def run(self) -> Expired:
        """Remove what is past its limit, and return how much that was."""
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
        self._clean()
        return Expired(photos, sessions)

    def _remove(self, session_id: SessionId) -> bool:
        try:
            self._sessions.remove(session_id)
        except SessionNotFound:
            # Another sweep was faster.
            return False
        return True


@contextmanager
def daily(retention: Retention, every_seconds: float = _DAY_SECONDS) -> Iterator[None]:
    """Run the sweep in the background, at once and then each day, until the block ends."""
    stopping = Event()

    def work() -> None:
        while True:
            try:
                expired = retention.run()
                _log.info("%d photos and %d sessions were past their limits", expired.photos, expired.sessions)
            except MusterError as error:
                # A full disk now need not be one tomorrow.
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
