"""One change of rows and files together."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from muster.storage.local.database import Database
from muster.storage.local.files import Files


@dataclass(frozen=True, slots=True)
class Change:
    """A change under way: rows through `connection`, files through its methods."""

    connection: sqlite3.Connection
    _files: Files
    _written: list[str] = field(default_factory=list)
    _removed: list[str] = field(default_factory=list)

    def write_file(self, content: bytes) -> str:
        """Bring a new file to the disk and return its name; it goes again if the change is undone."""
        name = self._files.write(content)
        self._written.append(name)
        return name

    def remove_files(self, *names: str | None) -> None:
        """Remove files once the change is committed; None is no file."""
        self._removed.extend(name for name in names if name is not None)


@contextmanager
def change(database: Database, files: Files) -> Iterator[Change]:
    """Hold the write lock and change rows and files, all or nothing.

    Raises:
        StorageFull: the disk is full; nothing was stored.
    """
    written: list[str] = []
    removed: list[str] = []
    try:
        with database.write() as connection:
            yield Change(connection, files, written, removed)
    except Exception:
        # Not on an interruption from outside, which may come just after the commit: the next opening
        # removes the files then, if no row refers to them.
        files.remove(written)
        raise
    files.remove(removed)
