"""Verified backups of a local store, which other processes may use at the same time."""

import hashlib
import json
import shutil
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from muster.domain.errors import BackupUnusable, MusterError, OutputExists, OutputNotWritten
from muster.progress import OnProgress
from muster.storage.documents import time_text
from muster.storage.local import DATABASE_FILE, open_local
from muster.storage.local.connection import Connection, connect
from muster.storage.local.database import IMMUTABLE, READ_ONLY, Database, read_only_options
from muster.storage.local.erasures import ERASURES_FILE, read_erasures, write_erasures_file
from muster.storage.local.files import Files, is_file_name
from muster.storage.local.schema import MIGRATIONS
from muster.storage.local.transaction import REFERENCES

MANIFEST: Final = "backup.json"

_FORMAT = 1
_COUNTED = ("students", "templates", "groups", "sessions", "session_photos", "marks", "heads", "users", "documents")

# In earlier layouts, each photo has a second file.
_ANNOTATED = "SELECT annotated_file FROM session_photos WHERE annotated_file IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Backup:
    """A verified backup.

    Attributes:
        counts: rows of each table.
        files: SHA-256 of each photo and head file.
        missing: files that rows refer to but that the store had lost before.
    """

    directory: Path
    made_at: str
    counts: dict[str, int]
    files: dict[str, str]
    missing: tuple[str, ...]


def back_up(source: Path, destination: Path, progress: OnProgress) -> Backup:
    """Copy a store to a new folder, which gets its name once the copy is complete and verified.

    Most files are copied first, while other processes can write. They wait only while the database and the few new
    files are copied.

    Raises:
        OutputExists: `destination` exists.
        OutputNotWritten: it is inside the data folder, its parent folder is missing, it cannot be written, or the disk
            is full.
        StoreUnusable: the store cannot be read.
    """
    if destination.exists():
        raise OutputExists(f"{destination} exists already: name a new folder.")
    if destination.resolve().is_relative_to(source.resolve()):
        raise OutputNotWritten(
            f"{destination} is inside the data folder {source}, and would be lost with it: name a folder elsewhere."
        )
    if not destination.absolute().parent.is_dir():
        raise OutputNotWritten(f"The folder {destination.absolute().parent} does not exist: create it first.")
    database = open_local(source).upkeep.database
    try:
        with _atomic_folder(destination) as folder:
            digests = _copy_store(database, Files(source / "files"), folder, progress)
            _write_manifest(folder, digests)
            verify_backup(folder, lambda step, share: progress(step, 0.7 + 0.3 * share))
    except OSError as error:
        raise OutputNotWritten(f"The backup {destination} cannot be written: {error.strerror or error}.") from error
    return read_manifest(destination)


def read_manifest(directory: Path) -> Backup:
    """Read the manifest of a backup.

    Raises:
        BackupUnusable: it is not a backup, comes from a newer version, or contains invalid file names.
    """
    try:
        _check_regular(directory, MANIFEST)
        document = json.loads((directory / MANIFEST).read_bytes())
        if document["format"] != _FORMAT or document["layout"] > len(MIGRATIONS):
            raise BackupUnusable(f"The backup {directory} was made by a newer version of Muster: update Muster first.")
        files, missing = dict(document["files"]), tuple(document["missing"])
        _check_names(directory, (*files, *missing))
        return Backup(directory, str(document["made_at"]), dict(document["counts"]), files, missing)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupUnusable(f"{directory} is no backup: name a folder that `muster backup` made.") from error


def verify_backup(directory: Path, progress: OnProgress) -> Backup:
    """Check a backup: the database's structure, its counts, and every file against its SHA-256.

    Raises:
        BackupUnusable: something is missing or was changed.
    """
    backup, path = read_manifest(directory), directory / DATABASE_FILE
    _check_regular(directory, DATABASE_FILE)
    progress("checking the database", 0.0)
    try:
        # Ignore a write-ahead log beside it, since that is not restored either.
        with closing(connect(path, options=IMMUTABLE)) as connection:
            (state,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            whole = state == "ok" and connection.execute("PRAGMA foreign_key_check").fetchone() is None
            whole = whole and count_rows(connection) == backup.counts
            referenced = referenced_files(connection)
    except (MusterError, sqlite3.Error) as error:
        raise _damaged(directory, str(error)) from error
    if not whole:
        raise _damaged(directory, "its database was changed")
    _check_names(directory, referenced)
    if referenced != backup.files.keys() | set(backup.missing):
        raise _damaged(directory, "its list of files does not match its database")
    for number, (name, digest) in enumerate(backup.files.items()):
        progress("checking the files", number / len(backup.files))
        _check_regular(directory, f"files/{name}")
        try:
            with (directory / "files" / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _damaged(directory, f"the file {name} cannot be read") from error
        if found != digest:
            raise _damaged(directory, f"the file {name} was changed")
    return backup


def _check_names(directory: Path, names: Iterable[str]) -> None:
    """Refuse names that `Files` does not generate; they could lead out of the data folder."""
    wrong = next((name for name in names if not is_file_name(name)), None)
    if wrong is not None:
        raise _damaged(directory, f"{wrong!r} is not the name of a photo or head")


def _check_regular(directory: Path, name: str) -> None:
    """Refuse links, pipes and devices, which lead out of the backup or are endless."""
    if (directory / name).parent.is_symlink() and "/" in name:
        raise _damaged(directory, f"the folder of {name} is a link")
    try:
        mode = (directory / name).lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise _damaged(directory, f"{name} is not a regular file")


def referenced_files(connection: Connection) -> set[str]:
    """Return the names of all files that rows refer to, in a database of this layout or an earlier one."""
    columns = connection.execute("SELECT name FROM pragma_table_info('session_photos')").fetchall()
    select = f"{REFERENCES} UNION ALL {_ANNOTATED}" if ("annotated_file",) in columns else REFERENCES
    return {name for (name,) in connection.execute(select).fetchall()}


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each main table that the layout has."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 our own names
        for table in _COUNTED
        if table in tables
    }


@contextmanager
def _atomic_folder(destination: Path) -> Iterator[Path]:
    """Yield a temporary folder; rename it if the block succeeds, else remove it."""
    folder = destination.with_name(f".{destination.name}.{uuid4().hex}")
    folder.mkdir(mode=0o700)
    try:
        yield folder
        folder.rename(destination)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _copy_store(database: Database, files: Files, folder: Path, progress: OnProgress) -> dict[str, str]:
    (folder / "files").mkdir(mode=0o700)
    digests: dict[str, str] = {}

    def copy(names: set[str]) -> None:
        for number, name in enumerate(sorted(names)):
            progress("copying the files", 0.6 * number / len(names))
            try:
                content = files.read(name)
            except FileNotFoundError:
                # Removed since, with its row, or lost before; the manifest lists lost files.
                continue
            digests[name] = hashlib.sha256(content).hexdigest()
            _write_private(folder / "files" / name, content)

    with closing(_reader(database)) as connection:
        copy(referenced_files(connection))
    # No row and no file changes while the write lock is held.
    with nullcontext() if database.read_only else database.write():
        progress("copying the database", 0.6)
        with closing(_reader(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(folder / DATABASE_FILE),))
        (folder / DATABASE_FILE).chmod(0o600)
        with closing(connect(folder / DATABASE_FILE)) as connection:
            needed = referenced_files(connection)
            connection.execute("DELETE FROM removed_files")
            connection.execute("DELETE FROM store WHERE key = 'rewrite_due'")
            write_erasures_file(folder / ERASURES_FILE, read_erasures(connection))
        copy(needed - digests.keys())
    for name in digests.keys() - needed:
        (folder / "files" / name).unlink()
        del digests[name]
    return digests


def _reader(database: Database) -> Connection:
    return connect(database.path, options=read_only_options(database.path) if database.read_only else READ_ONLY)


def _write_manifest(folder: Path, digests: dict[str, str]) -> None:
    with closing(connect(folder / DATABASE_FILE, options=READ_ONLY)) as connection:
        counts, referenced = count_rows(connection), referenced_files(connection)
    document: dict[str, Any] = {
        "format": _FORMAT,
        "layout": len(MIGRATIONS),
        "made_at": time_text(datetime.now(UTC)),
        "counts": counts,
        "files": digests,
        "missing": sorted(referenced - digests.keys()),
    }
    _write_private(folder / MANIFEST, json.dumps(document, indent=1).encode())


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)


def _damaged(directory: Path, what: str) -> BackupUnusable:
    return BackupUnusable(f"The backup {directory} is damaged ({what}): use another one.")
