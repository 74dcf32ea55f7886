"""A lock that serialises registrations across instances."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import TracebackType
from uuid import uuid4

from muster.domain.errors import RegistrationsBusy
from muster.storage.aws import keys
from muster.storage.aws.table import ConditionFailed, Item, Table, back_off
from muster.storage.documents import time_text

_KEY = (keys.REGISTERING, keys.RECORD)

_LEASE_DURATION = timedelta(seconds=10)
"""Much longer than the search for duplicates and one transaction. If the holder is killed, others wait this long."""

_MAX_WAIT = timedelta(seconds=15)
"""Longer than the lease, so a killed holder turns nobody away, and half the time limit of a request through the
gateway; the photo was read before."""


class RegistrationLease:
    """A lock in the table, held from the search for duplicates until the registration is written.

    It expires, so that a killed holder does not block others for long. A holder that was suspended for longer cannot
    store its registration: the transaction that stores it includes `check_actions`.
    """

    def __init__(self, table: Table, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._table = table
        self._now = now
        self._within_process = Lock()
        self._holder = ""

    def __enter__(self) -> None:
        """Wait for the lease and acquire it.

        Raises:
            RegistrationsBusy: others held it for the whole waiting time.
        """
        self._within_process.acquire()
        try:
            self._acquire(uuid4().hex)
        except BaseException:
            self._within_process.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lease, unless it expired and another holder has it."""
        try:
            self._table.update(_KEY, "REMOVE holder, lapses_at", {":me": self._holder}, "holder = :me")
        except ConditionFailed:
            return
        finally:
            self._holder = ""
            self._within_process.release()

    def check_actions(self) -> list[Item]:
        """Renew the lease, and return the transaction actions that fail if another holder has it.

        The search may have taken most of the lease, and without time for the transaction nobody would be registered on
        a slow table. No actions if the lease is not held: not every store of a student is a registration.

        Raises:
            RegistrationsBusy: another holder acquired the lease.
        """
        if not self._holder:
            return []
        lapse = time_text(self._now() + _LEASE_DURATION)
        try:
            self._table.update(_KEY, "SET lapses_at = :lapse", {":me": self._holder, ":lapse": lapse}, "holder = :me")
        except ConditionFailed as error:
            raise _busy() from error
        return [self._table.condition_check(_KEY, "holder = :me", {":me": self._holder})]

    def check_held(self) -> None:
        """Check that the lease, if it was acquired, is still held.

        Raises:
            RegistrationsBusy: another holder acquired it.
        """
        if self._holder and (self._table.get(_KEY) or {}).get("holder") != self._holder:
            raise _busy()

    def _acquire(self, holder: str) -> None:
        until, attempt = self._now() + _MAX_WAIT, 0
        while True:
            now = self._now()
            values = {
                ":me": holder,
                ":lapse": time_text(now + _LEASE_DURATION),
                ":now": time_text(now),
                # A lease from the future was taken before the clock was set back, and is ignored.
                ":last": time_text(now + 2 * _LEASE_DURATION),
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
                    raise _busy() from error
            else:
                self._holder = holder
                return
            back_off(attempt)
            attempt += 1


def _busy() -> RegistrationsBusy:
    return RegistrationsBusy("Many students are being registered at once. Try again in a moment.")
