"""One SQLite database, open in as many threads and processes as there are."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import local

from muster.domain.errors import StorageFull, StoreUnusable
from muster.storage.local.schema import MIGRATIONS, PAGE_SIZE

# A writer holds the lock while it brings a photo to the disk; a slow card needs about a second for ten of them.
_LOCK_WAIT_SECONDS = 30.0
_RETRY_SECONDS = 0.02

# A quota or a file size limit reaches SQLite as a failed write, not as a full disk.
_NO_SPACE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_UNREADABLE = frozenset(
    {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
)


class Database:
    """A connection for each thread, and the two ways to use it: `read` and `write`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of_thread = local()

    def read(self) -> sqlite3.Connection:
        """Return this thread's connection, for statements that read."""
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._connect()
        return connection

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose statements all see the database at one moment."""
        connection = self.read()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, or undo everything if the block raises.

        Raises:
            StorageFull: the disk is full; nothing was stored.
        """
        connection = self.read()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in _NO_SPACE:
                raise StorageFull("The disk is full: free some space and try again; nothing was stored.") from error
            raise
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def truncate_log(self, *, patient: bool = True) -> bool:
        """Bring the write-ahead log into the database and cut it to nothing, so that nothing erased stays in it.

        Args:
            patient: wait for other threads' and processes' reads to end, up to half a minute.

        Returns:
            Whether it was done; if not, the next opening does it.
        """
        connection = self.read()
        deadline = time.monotonic() + (_LOCK_WAIT_SECONDS if patient else 0)
        while True:
            try:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, *_NO_SPACE}:
                    raise
                busy = True
            if not busy:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)

    def _connect(self) -> sqlite3.Connection:
        # A connection may be collected in another thread than its own, after that one ended.
        connection = sqlite3.connect(
            self._path, timeout=_LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def open_database(path: Path) -> Database:
    """Open a database, made if it is missing, its tables brought to the present layout.

    Raises:
        StoreUnusable: it is of a newer layout, damaged, or cannot be written.
        StorageFull: the disk is full.
    """
    try:
        # SQLite gives the log and the shared memory the permissions of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        database = Database(path)
        _use_log(database.read())
        _migrate(database, path)
    except OSError as error:
        raise StoreUnusable(f"The file {path} cannot be written: choose another folder with --data.") from error
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _UNREADABLE:
            raise StoreUnusable(
                f"The database {path} cannot be read ({error}): restore it from a backup or choose another folder."
            ) from error
        raise
    return database


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite does not wait for others here, who may be opening at the same time."""
    deadline = time.monotonic() + _LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def _migrate(database: Database, path: Path) -> None:
    with closing(database.read().execute("PRAGMA user_version")) as cursor:
        version = cursor.fetchone()[0]
    if version == len(MIGRATIONS):
        return
    with database.write() as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise StoreUnusable(
                f"The database {path} was written by a newer version of Muster (layout {version}, this one reads "
                f"{len(MIGRATIONS)}): update Muster, or choose another folder."
            )
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
