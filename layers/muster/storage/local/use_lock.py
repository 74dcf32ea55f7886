"""Knowing whether any process uses a store, by a lock on a file of its own."""

import os
import sys
from pathlib import Path

from muster.domain.errors import StoreInUse, StoreUnusable

LOCK_FILE = "in-use.lock"


class UseLock:
    """A lock on a folder, held until the object is closed or collected, or the process ends.

    It is a lock of `flock`, which belongs to the open file: unlike SQLite's own locks it survives that other
    descriptors are closed. Windows has none, and no lock is held there.
    """

    def __init__(self, directory: Path, *, alone: bool) -> None:
        self._descriptor: int | None = None
        path = directory / LOCK_FILE
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
        except OSError:
            # A read-only folder, in which nobody can replace anything either.
            try:
                self._descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                return
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(self._descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let go of the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        """Let go of the lock with the last reference to it."""
        self.close()


def share(directory: Path) -> UseLock:
    """Say that this process uses the store of a directory.

    Raises:
        StoreUnusable: the store is being replaced.
    """
    try:
        return UseLock(directory, alone=False)
    except BlockingIOError as error:
        raise StoreUnusable(f"The store in {directory} is being restored: wait until that is done.") from error


def claim(directory: Path) -> UseLock:
    """Take the store of a directory for this process alone.

    Raises:
        StoreInUse: another process uses it.
    """
    try:
        return UseLock(directory, alone=True)
    except BlockingIOError as error:
        raise StoreInUse(
            f"The store in {directory} is in use: stop `muster serve` and every other command, then try again."
        ) from error
