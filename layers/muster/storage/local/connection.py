"""SQLite connections that raise domain errors."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from muster.domain.errors import MusterError, StorageFull, StoreBusy, StoreUnusable
from muster.storage.local.schema import PAGE_SIZE

_log = logging.getLogger(__name__)

# A writer holds the lock while it syncs a photo to disk; a slow SD card takes about a second for ten photos.
LOCK_WAIT_SECONDS = 30.0

# SQLite reports a quota or a file size limit as a failed write, not as a full disk.
_NO_SPACE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_UNUSABLE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM})


class Connection(sqlite3.Connection):
    """A connection for one thread; unlike its base class it supports weak references."""

    path: Path

    def cursor(self, factory: Any = None) -> Any:
        """Return a cursor that raises domain errors."""
        return super().cursor(factory or _Cursor)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute one statement; see `_Cursor`."""
        cursor: sqlite3.Cursor = self.cursor().execute(*arguments)
        return cursor

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        """Execute one statement for each row of parameters; see `_Cursor`."""
        cursor: sqlite3.Cursor = self.cursor().executemany(*arguments)
        return cursor


def _with_domain_errors(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: sqlite3.Cursor, *arguments: Any) -> Any:
        try:
            return method(self, *arguments)
        except sqlite3.DatabaseError as error:
            connection = self.connection
            raise domain_error(error, connection.path if isinstance(connection, Connection) else None) from error

    return call


class _Cursor(sqlite3.Cursor):
    """A cursor that raises domain errors for problems of the disk or the file.

    Constraint violations and errors in our SQL keep their classes.
    """

    execute = _with_domain_errors(sqlite3.Cursor.execute)
    executemany = _with_domain_errors(sqlite3.Cursor.executemany)
    fetchone = _with_domain_errors(sqlite3.Cursor.fetchone)
    fetchall = _with_domain_errors(sqlite3.Cursor.fetchall)
    fetchmany = _with_domain_errors(sqlite3.Cursor.fetchmany)
    __next__ = _with_domain_errors(sqlite3.Cursor.__next__)


def connect(path: Path, *, options: str = "", lock_wait: float = LOCK_WAIT_SECONDS) -> Connection:
    """Open one connection.

    Args:
        options: of an SQLite URI, such as `mode=ro`.
        lock_wait: seconds to wait for locks that others hold.

    Raises:
        StoreUnusable: the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{options}",
            uri=True,
            timeout=lock_wait,
            isolation_level=None,
            # A connection may be garbage-collected in another thread after its own has ended.
            check_same_thread=False,
            factory=Connection,
        )
    except sqlite3.DatabaseError as error:
        raise domain_error(error, path) from error
    connection.path = path
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def domain_error(error: sqlite3.DatabaseError, path: Path | None) -> MusterError | sqlite3.DatabaseError:
    """Return the domain error for an SQLite error, or the error itself if it is a programming error."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return error
    domain = _domain_error(code, error, path)
    if domain is None:
        return error
    if not isinstance(domain, StoreBusy):
        _log.error("SQLite failed with %s on %s: %s", error.sqlite_errorname, path, error)
    return domain


def _domain_error(code: int, error: sqlite3.DatabaseError, path: Path | None) -> MusterError | None:
    primary = code & 0xFF
    if code in _NO_SPACE:
        return StorageFull("The disk is full: free some space and try again; nothing was stored.")
    if primary in _BUSY:
        return StoreBusy("Another process is using the store: try again in a moment.")
    if primary in _DAMAGED:
        return StoreUnusable(
            f"The database {path} cannot be read ({error}): run `muster doctor`, then restore a backup with "
            "`muster restore`, or choose another folder with --data."
        )
    if primary == sqlite3.SQLITE_READONLY:
        return StoreUnusable(
            f"The database {path} cannot be written, only read: make its folder writable, or choose another with "
            "--data."
        )
    if primary in _UNUSABLE:
        return StoreUnusable(
            f"The database {path} cannot be opened, read or written ({error}): check its folder and the disk, then run "
            "`muster doctor`."
        )
    return None
