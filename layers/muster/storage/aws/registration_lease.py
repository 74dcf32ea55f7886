"""Registrations of one school one after another, whatever instance they are on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import TracebackType
from uuid import uuid4

from muster.domain.errors import RegistrationsBusy
from muster.storage.aws import keys
from muster.storage.aws.table import ConditionFailed, Table, wait
from muster.storage.documents import time_text

_KEY = (keys.REGISTERING, keys.RECORD)

_HELD = timedelta(seconds=20)
"""Many times what the search for duplicates and one transaction take; a killed holder is in the way as long."""

_WAITED = timedelta(seconds=15)
"""Half of what a request through the gateway may take; the photo was read before."""


class RegistrationLease:
    """A lock in the table: the search for duplicates and the write of a registration see no other one in between.

    It lapses, so that a holder that was killed keeps nobody out for long; a holder that was frozen for longer than
    that may meet another.
    """

    def __init__(self, table: Table, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._table = table
        self._now = now
        self._within_process = Lock()
        self._holder = ""

    def __enter__(self) -> None:
        """Wait for the lease and take it.

        Raises:
            RegistrationsBusy: others held it all the time.
        """
        self._within_process.acquire()
        try:
            self._take(uuid4().hex)
        except BaseException:
            self._within_process.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lease back, unless it lapsed and is another's by now."""
        try:
            self._table.update(_KEY, "REMOVE holder, lapses_at", {":me": self._holder}, "holder = :me")
        except ConditionFailed:
            return
        finally:
            self._within_process.release()

    def _take(self, holder: str) -> None:
        until, attempt = self._now() + _WAITED, 0
        while True:
            now = self._now()
            values = {
                ":me": holder,
                ":lapse": time_text(now + _HELD),
                ":now": time_text(now),
                # A lease from the future, taken before a clock was set back, keeps nobody out.
                ":last": time_text(now + 2 * _HELD),
            }
            try:
                self._table.update(
                    _KEY,
                    "SET holder = :me, lapses_at = :lapse",
                    values,
                    "attribute_not_exists(holder) OR holder = :me OR lapses_at <= :now OR lapses_at > :last",
                )
            except ConditionFailed as error:
                if now >= until:
                    raise RegistrationsBusy("Many students are being registered at once: send it again.") from error
            else:
                self._holder = holder
                return
            wait(attempt)
            attempt += 1
