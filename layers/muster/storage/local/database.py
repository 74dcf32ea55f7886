"""An SQLite database that any number of threads and processes can open.

SQLite uses POSIX locks, which belong to the process: closing any descriptor of the file releases all of them
(sqlite.org/howtocorrupt.html, 2.2). Another process may then assume that it is the last user and delete the write-ahead
log that the first still uses. Therefore only SQLite opens the database file and its `-shm` file, and a process has at
most one `Database` for each file.
"""

import atexit
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock, local
from uuid import uuid4
from weakref import WeakSet, WeakValueDictionary

from muster.domain.errors import MusterError, StorageFull, StoreBusy, StoreUnusable
from muster.storage.local.connection import LOCK_WAIT_SECONDS, Connection, connect
from muster.storage.local.schema import MIGRATIONS

_RETRY_SECONDS = 0.02

READ_ONLY = "mode=ro"
IMMUTABLE = "mode=ro&immutable=1"

_REWRITE_DUE = "SELECT value FROM store WHERE key = 'rewrite_due'"


class Database:
    """One connection per thread, used through `read` and `write`.

    Args:
        options: query string of the SQLite URI; empty for reading and writing.
    """

    def __init__(self, path: Path, options: str = "") -> None:
        self.path = path
        self.read_only = bool(options)
        self._options = options
        self._of_thread = local()
        self._connections: WeakSet[Connection] = WeakSet()
        # While it is open, the file keeps its inode number, by which `open_database` finds this object.
        self._first: Connection | None = self._of_this_thread()
        status = path.stat()
        self.file_id = (status.st_dev, status.st_ino)
        self._held: list[object] = []

    def hold(self, resource: object) -> None:
        """Keep an object alive while the database is open."""
        self._held.append(resource)

    def read(self) -> sqlite3.Connection:
        """Return this thread's connection, for statements that read."""
        return self._of_this_thread()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection in a read transaction."""
        connection = self.read()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, or roll back if the block raises.

        Raises:
            StorageFull: the disk is full; nothing was stored.
            StoreUnusable: the database cannot be written.
        """
        connection = self.read()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def truncate_log(self, *, wait: float = LOCK_WAIT_SECONDS) -> bool:
        """Move the write-ahead log into the database and truncate it, so that it keeps no erased data.

        Args:
            wait: seconds to wait for reads of other threads and processes.

        Returns:
            Whether it succeeded; if not, the next opening tries again.
        """
        connection = self.read()
        deadline = time.monotonic() + wait
        while True:
            try:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except (StoreBusy, StorageFull):
                busy = True
            if not busy:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)

    def rewrite_due(self) -> bool:
        """Return whether free space in the file may contain bytes of deleted rows."""
        return self.read().execute(_REWRITE_DUE).fetchone() is not None

    def rewrite(self, *, lock_wait: float = LOCK_WAIT_SECONDS) -> bool:
        """Rewrite the file if that is due and truncate the write-ahead log, so that no byte of deleted rows remains.

        When SQLite balances its trees it moves rows between pages, and their bytes stay in the free space of the old
        page even with `secure_delete`. Other processes can read during the rewrite, but not write.

        Args:
            lock_wait: seconds to wait for locks of others.

        Returns:
            Whether the rewrite is complete; if not, the next opening tries again.
        """
        due = self.read().execute(_REWRITE_DUE).fetchone()
        if due is not None:
            try:
                # VACUUM needs a connection without open statements.
                with closing(connect(self.path, lock_wait=lock_wait)) as connection:
                    connection.execute("VACUUM")
                    # Not if something else was deleted after VACUUM began.
                    connection.execute("DELETE FROM store WHERE key = 'rewrite_due' AND value = ?", due)
            except MusterError:
                # Busy, or no space for SQLite's copy. The erasure itself is complete; the rewrite stays due.
                self.truncate_log(wait=0)
                return False
        return self.truncate_log(wait=lock_wait) and not self.rewrite_due()

    def close(self, *, wait: float = 0) -> None:
        """Move the log into the database file and close this thread's connection; other threads close theirs on exit.

        Afterwards the file is complete without the log, unless another process is using it.

        Args:
            wait: seconds to wait for others.
        """
        if not self.read_only and self.path.exists():
            # If that fails, the log stays beside the file, and the next opening reads it.
            with suppress(MusterError):
                self.truncate_log(wait=wait)
        self._first = None
        connection: Connection | None = getattr(self._of_thread, "connection", None)
        if connection is not None:
            del self._of_thread.connection
            connection.close()
        _opened.pop(self.file_id, None)
        self._held.clear()

    def forget_inherited(self) -> None:
        """Abandon the connections of the parent process; after a fork, SQLite forbids using and closing them."""
        _inherited.extend([self._first, *self._connections])
        self._first = None
        self._of_thread = local()
        self._connections = WeakSet()

    def _of_this_thread(self) -> Connection:
        connection: Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = connect(self.path, options=self._options)
            self._connections.add(connection)
        return connection


_opening = Lock()
_opened: WeakValueDictionary[tuple[int, int], Database] = WeakValueDictionary()
_inherited: list[Connection | None] = []


def open_database(path: Path, check_new: Callable[[], None] = lambda: None) -> Database:
    """Open a database; create it if it is missing, and migrate it to the current layout.

    Returns the existing object if this process has the database open. One that cannot be written is opened for reading.

    Args:
        check_new: called before a new database is filled; raises if there must not be one.

    Raises:
        StoreUnusable: it has a newer layout, is damaged, or cannot be opened.
        StorageFull: the disk is full.
    """
    with _opening:
        database = _find_or_create(path, check_new)
        if database.read_only:
            _check_layout(database, _layout(database))
        else:
            _use_log(database.read())
            _migrate(database, check_new)
        return database


def close_databases() -> None:
    """Close every database of this process."""
    for database in list(_opened.values()):
        database.close()


def note_rewrite_due(connection: sqlite3.Connection) -> None:
    """Note, in the transaction that deletes rows, that the file must be rewritten."""
    connection.execute("INSERT OR REPLACE INTO store VALUES ('rewrite_due', ?)", (uuid4().hex,))


def read_only_options(path: Path) -> str:
    """Return the query string of the SQLite URI for reading a database, which other processes may be writing.

    Raises:
        StoreUnusable: its log cannot be read in a read-only folder.
    """
    try:
        # The `-shm` file exists while others use the database; otherwise SQLite would create it.
        needs_log = path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        needs_log = False
    if os.access(path.parent, os.W_OK) or path.with_name(path.name + "-shm").exists():
        return READ_ONLY
    if needs_log:
        raise StoreUnusable(
            f"The database {path} has changes in its log, which cannot be read in a read-only folder: copy the folder "
            "somewhere else, then read it there."
        )
    return IMMUTABLE


def _find_or_create(path: Path, check_new: Callable[[], None]) -> Database:
    try:
        if not path.exists():
            check_new()
            # SQLite gives the log and the shared memory the permissions of the database. This process cannot have the
            # file open, since it did not exist; another process may create it first.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        status = path.stat()
        database = _opened.get((status.st_dev, status.st_ino))
        if database is None:
            writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
            database = Database(path, "" if writable else read_only_options(path))
            _opened[database.file_id] = database
    except OSError as error:
        raise StoreUnusable(
            f"The file {path} cannot be read or written ({error.strerror}): choose another folder with --data."
        ) from error
    return database


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, with retries: SQLite does not wait for other processes here."""
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def _layout(database: Database) -> int:
    return int(database.read().execute("PRAGMA user_version").fetchone()[0])


def _check_layout(database: Database, version: int) -> None:
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"The database {database.path} was written by a newer version of Muster (layout {version}, this one reads "
            f"{len(MIGRATIONS)}): update Muster, or choose another folder."
        )
    if version < len(MIGRATIONS) and database.read_only:
        raise StoreUnusable(
            f"The database {database.path} was written by an older version of Muster and cannot be brought up to date "
            "in a read-only folder: copy the folder somewhere else, then open it there."
        )


def _migrate(database: Database, check_new: Callable[[], None]) -> None:
    if _layout(database) == len(MIGRATIONS):
        return
    with database.write() as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        _check_layout(database, version)
        if version == 0:
            check_new()
        try:
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
        except sqlite3.Error as error:
            raise StoreUnusable(
                f"The database {database.path} cannot be brought from layout {version} to {len(MIGRATIONS)} ({error}): "
                "run `muster doctor`, then restore a backup, or go on with the older version of Muster. Nothing was "
                "changed."
            ) from error
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _forget_inherited() -> None:
    for database in list(_opened.values()):
        database.forget_inherited()
    _opened.clear()


# Leave a complete database file when a command ends or a server is stopped.
atexit.register(close_databases)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
