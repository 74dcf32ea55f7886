"""The state of a local store as a whole: whether it can be written, and what is still to be cleaned."""

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

_CHECK_LASTS_SECONDS = 1.0


class Upkeep:
    """Checks and cleans one database.

    Attributes:
        database: for what belongs to the local store alone, such as backups.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = Lock()
        self._checked_at = float("-inf")
        self._failure: MusterError | None = None

    def rewrite(self, *, lock_wait: float = LOCK_WAIT_SECONDS) -> bool:
        """Overwrite what deleted rows left in the file, if that is due; return whether nothing is due any more."""
        return self.database.rewrite(lock_wait=lock_wait)

    def close(self, *, wait: float = 0) -> None:
        """Bring the log into the database file and close it; see `Database.close`."""
        self.database.close(wait=wait)

    def check_writable(self) -> None:
        """Check that the store takes writes; the answer holds for a second, however often it is asked.

        Raises:
            StoreUnusable: the database cannot be written, or is not the file that this process has open.
            StorageFull: there is no room for a photo.
        """
        with self._lock:
            if time.monotonic() - self._checked_at > _CHECK_LASTS_SECONDS:
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
                # Somebody is writing at this moment.
                return
