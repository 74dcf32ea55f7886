"""Health checks and cleaning of a local store."""

import os
import shutil
import time
from contextlib import closing
from threading import Lock
from typing import Final

from muster.domain.errors import MusterError, StorageFull, StoreBusy, StoreUnusable
from muster.storage.local.connection import LOCK_WAIT_SECONDS, connect
from muster.storage.local.database import Database

MIN_FREE_BYTES: Final = 10_000_000
"""Less than one photo may take."""

_CHECK_INTERVAL_SECONDS = 1.0


class Upkeep:
    """Checks and cleans one database.

    Attributes:
        database: for features that only the local store has, such as backups.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = Lock()
        self._checked_at = float("-inf")
        self._failure: MusterError | None = None

    def rewrite(self, *, lock_wait: float = LOCK_WAIT_SECONDS) -> bool:
        """Rewrite the file, if that is due; see `Database.rewrite`."""
        return self.database.rewrite(lock_wait=lock_wait)

    def close(self, *, wait: float = 0) -> None:
        """Move the log into the database file and close it; see `Database.close`."""
        self.database.close(wait=wait)

    def check_writable(self) -> None:
        """Check that the store can be written; the result is cached for one second.

        Raises:
            StoreUnusable: the database cannot be written, or is not the file that this process has open.
            StorageFull: there is no space for a photo.
        """
        with self._lock:
            if time.monotonic() - self._checked_at > _CHECK_INTERVAL_SECONDS:
                self._failure = self._find_failure()
                self._checked_at = time.monotonic()
            failure = self._failure
        if failure is not None:
            raise type(failure)(str(failure))

    def _find_failure(self) -> MusterError | None:
        path = self.database.path
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) != self.database.file_id:
                raise StoreUnusable(
                    f"The database {path} was replaced while the server ran: restart the server, and use "
                    "`muster restore` next time."
                )
            if self.database.read_only or not os.access(path.parent, os.W_OK) or not os.access(path, os.W_OK):
                raise StoreUnusable(f"The database {path} cannot be written, only read: make its folder writable.")
            self._begin_to_write()
            if not path.with_name(path.name + "-wal").exists():
                raise StoreUnusable(f"The log of the database {path} was removed while the server ran: restart it.")
            if shutil.disk_usage(path.parent).free < MIN_FREE_BYTES:
                raise StorageFull("The disk is full: free some space and try again.")
        except OSError as error:
            return StoreUnusable(f"The database {path} is gone ({error.strerror}): put it back and restart the server.")
        except MusterError as error:
            return error
        return None

    def _begin_to_write(self) -> None:
        with closing(connect(self.database.path, lock_wait=0)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except StoreBusy:
                # Another connection is writing.
                return
