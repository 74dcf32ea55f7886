"""A file lock that shows whether any process is using a store."""

import os
import sys
from pathlib import Path

from muster.domain.errors import StoreInUse, StoreUnusable

LOCK_FILE = "in-use.lock"


class UseLock:
    """A lock on a folder, held until the object is closed or garbage-collected, or the process ends.

    It uses `flock`, whose locks belong to the open file. Unlike SQLite's locks, it survives the closing of other
    descriptors. Windows has no `flock`, and no lock is held there.
    """

    def __init__(self, directory: Path, *, alone: bool) -> None:
        self._descriptor: int | None = None
        path = directory / LOCK_FILE
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
        except OSError:
            # In a read-only folder, nobody can replace the store either.
            try:
                self._descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                return
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(self._descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)

    def close(self) -> None:
        """Release the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        """Release the lock with the last reference."""
        self.close()


def share(directory: Path) -> UseLock:
    """Take a shared lock: this process uses the store.

    Raises:
        StoreUnusable: the store is being replaced.
    """
    try:
        return UseLock(directory, alone=False)
    except BlockingIOError as error:
        raise StoreUnusable(f"The store in {directory} is being restored: wait until that is done.") from error


def claim(directory: Path) -> UseLock:
    """Take an exclusive lock on the store.

    Raises:
        StoreInUse: another process uses it.
    """
    try:
        return UseLock(directory, alone=True)
    except BlockingIOError as error:
        raise StoreInUse(
            f"The store in {directory} is in use: stop `muster serve` and every other command, then try again."
        ) from error
