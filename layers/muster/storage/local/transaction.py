"""Transactions over rows and files."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from muster.storage.local.database import Database
from muster.storage.local.files import Files

REFERENCES = """
    SELECT photo_file FROM students WHERE photo_file IS NOT NULL UNION ALL
    SELECT original_file FROM session_photos WHERE original_file IS NOT NULL UNION ALL
    SELECT file FROM heads
"""
"""Selects the value of every column that names a file."""

_REMOVED = "SELECT name FROM removed_files"


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction: change rows through `connection`, and files through the methods."""

    connection: sqlite3.Connection
    _files: Files
    _written: list[str] = field(default_factory=list)
    _removed: list[str] = field(default_factory=list)

    def write_file(self, content: bytes) -> str:
        """Write a new file and return its name; a rollback removes it."""
        name = self._files.write(content)
        self._written.append(name)
        return name

    def remove_files(self, *names: str | None) -> None:
        """Remove files after the commit; None is ignored."""
        self._removed.extend(name for name in names if name is not None)


@contextmanager
def transaction(database: Database, files: Files) -> Iterator[Transaction]:
    """Hold the write lock, and change rows and files atomically.

    Raises:
        StorageFull: the disk is full; nothing was stored.
        StoreUnusable: the store cannot be written.
    """
    written: list[str] = []
    removed: list[str] = []
    try:
        with database.write() as connection:
            yield Transaction(connection, files, written, removed)
            if removed:
                _finish_removals(connection, files)
                _note_removals(connection, removed)
    except Exception:
        # KeyboardInterrupt and SystemExit may come just after the commit, so they are not caught here. The next
        # opening removes the files unless a row refers to them.
        files.remove(written)
        raise
    files.keep(written)
    files.remove(removed)


def sweep(database: Database, files: Files) -> None:
    """Remove the files that a killed process left: those of rows never committed, and those of deleted rows."""
    if not files.uncommitted() and database.read().execute(_REMOVED + " LIMIT 1").fetchone() is None:
        return
    with database.write() as connection:
        # While this process holds the write lock, no other process has written a file but not yet its row.
        referenced = {name for (name,) in connection.execute(REFERENCES)}
        uncommitted = files.uncommitted()
        files.keep(uncommitted & referenced)
        files.remove(uncommitted - referenced)
        _finish_removals(connection, files)


def _finish_removals(connection: sqlite3.Connection, files: Files) -> None:
    """Remove the files of earlier transactions; usually they are gone already."""
    files.remove([name for (name,) in connection.execute(_REMOVED).fetchall()])
    connection.execute("DELETE FROM removed_files")


def _note_removals(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    connection.executemany("INSERT OR IGNORE INTO removed_files VALUES (?)", [(name,) for name in names])
