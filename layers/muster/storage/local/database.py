"""One SQLite database, open in any number of threads and processes.

SQLite locks the file with POSIX locks, which belong to the process: closing any descriptor of the file drops all of
them (sqlite.org/howtocorrupt.html, 2.2). Another process then considers itself the last user and deletes the
write-ahead log under the first. The database file and its `-shm` file are therefore never opened except by SQLite, and
a process has at most one `Database` for each file.
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
    """A connection for each thread, and the two ways to use it: `read` and `write`.

    Args:
        options: of the SQLite URI; empty for reading and writing.
    """

    def __init__(self, path: Path, options: str = "") -> None:
        self.path = path
        self.read_only = bool(options)
        self._options = options
        self._of_thread = local()
        self._connections: WeakSet[Connection] = WeakSet()
        # As long as it is open the file keeps its inode number, by which `open_database` finds this object.
        self._first: Connection | None = self._of_this_thread()
        status = path.stat()
        self.file_id = (status.st_dev, status.st_ino)
        self._held: list[object] = []

    def hold(self, resource: object) -> None:
        """Keep something alive as long as the database is open."""
        self._held.append(resource)

    def read(self) -> sqlite3.Connection:
        """Return this thread's connection, for statements that read."""
        return self._of_this_thread()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose statements all see the database at one moment."""
        connection = self.read()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; commit at the end, or undo everything if the block raises.

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
        """Bring the write-ahead log into the database and cut it to nothing, so that nothing erased stays in it.

        Args:
            wait: seconds to wait for other threads' and processes' reads to end.

        Returns:
            Whether it was done; if not, the next opening does it.
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
        """Say whether the file may hold bytes of deleted rows in the free space of its pages."""
        return self.read().execute(_REWRITE_DUE).fetchone() is not None

    def rewrite(self, *, lock_wait: float = LOCK_WAIT_SECONDS) -> bool:
        """Rewrite the whole file if that is due, and cut the write-ahead log: deleted rows leave no byte behind.

        SQLite copies rows between pages when it balances its trees, and the bytes stay in the free space of the old
        page even with `secure_delete`. Others may go on reading, but wait with writing.

        Args:
            lock_wait: seconds to wait for others.

        Returns:
            Whether nothing is due any more; if something is, the next opening tries again.
        """
        due = self.read().execute(_REWRITE_DUE).fetchone()
        if due is not None:
            try:
                # VACUUM needs a connection without statements under way.
                with closing(connect(self.path, lock_wait=lock_wait)) as connection:
                    connection.execute("VACUUM")
                    # Unless something else was deleted since the rewriting began.
                    connection.execute("DELETE FROM store WHERE key = 'rewrite_due' AND value = ?", due)
            except MusterError:
                # Busy, or no room for the copy that SQLite makes: what was erased is erased, and this waits.
                self.truncate_log(wait=0)
                return False
        return self.truncate_log(wait=lock_wait) and not self.rewrite_due()

    def close(self, *, wait: float = 0) -> None:
        """Bring the log into the database file and close the connection of this thread; threads close theirs by ending.

        The file alone is complete then, unless another process is writing or reading at this moment.

        Args:
            wait: seconds to wait for others.
        """
        if not self.read_only and self.path.exists():
            # Where that fails, the log stays beside the file, and the next opening reads it.
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
        """Leave the connections of a parent process alone: SQLite allows neither their use nor their closing."""
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
    """Open a database, made if it is missing, its tables brought to the present layout.

    A database that this process has open already is returned. One that cannot be written is opened for reading.

    Args:
        check_new: called before tables are made in a new database; it raises where there must not be a new one.

    Raises:
        StoreUnusable: it has a newer layout, is damaged, or cannot be opened.
        StorageFull: the disk is full.
    """
    with _opening:
        database = _found(path, check_new)
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
    """Say, in the same transaction, that a deleted row must leave no byte in the file."""
    connection.execute("INSERT OR REPLACE INTO store VALUES ('rewrite_due', ?)", (uuid4().hex,))


def read_only_options(path: Path) -> str:
    """Return the SQLite URI's options for reading a database that nobody writes, or that others write.

    Raises:
        StoreUnusable: its log cannot be read where it lies.
    """
    try:
        # `-shm` is there while others use it; else SQLite would make it.
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


def _found(path: Path, check_new: Callable[[], None]) -> Database:
    try:
        if not path.exists():
            check_new()
            # SQLite gives the log and the shared memory the permissions of the database. Nobody in this process can
            # have the file open, since it did not exist; another process may have been faster.
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
    """Switch to the write-ahead log; SQLite does not wait for others here, who may be opening at the same time."""
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


# A command, or a server that was asked to stop, leaves the database file complete.
atexit.register(close_databases)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
