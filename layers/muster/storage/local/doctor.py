"""Diagnosis of a local store, without changes to it."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from muster.domain.errors import MusterError, StoreUnusable
from muster.domain.finding import Finding
from muster.storage.documents import (
    read_change,
    read_closing,
    read_counts,
    read_document_body,
    read_embeddings,
    read_faces,
    read_lesson,
)
from muster.storage.local import DATABASE_FILE, STAGING, open_local
from muster.storage.local.backup import referenced_files
from muster.storage.local.connection import Connection, connect
from muster.storage.local.database import read_only_options
from muster.storage.local.files import UNCOMMITTED
from muster.storage.local.restore import REPLACED
from muster.storage.local.schema import MIGRATIONS
from muster.storage.local.upkeep import MIN_FREE_BYTES

SET_ASIDE = "set-aside-"

_LITTLE_SPACE_BYTES = 500_000_000
_LONG_LOG_BYTES = 64_000_000
_SHOWN = 5

_READERS: tuple[tuple[str, str, Callable[[Any], object]], ...] = (
    ("the template of", "SELECT id, embeddings FROM students JOIN templates ON student = number", read_embeddings),
    ("the faces of the session", "SELECT session_id, faces FROM session_photos", read_faces),
    ("a change of the session", "SELECT session_id, change FROM changes", read_change),
    ("the counts of the session", "SELECT id, erased FROM sessions", read_counts),
    ("the document", "SELECT kind || ' ' || id, body FROM documents", read_document_body),
    ("the lesson of the session", "SELECT id, lesson FROM sessions", read_lesson),
    ("the closing of the session", "SELECT id, closed FROM sessions", read_closing),
)


def examine(directory: Path) -> list[Finding]:
    """Return the problems of the store in a folder; changes nothing, and other processes may use the store."""
    if not directory.is_dir():
        return [Finding("no_store", f"There is no folder {directory}: name the data folder with --data.")]
    findings = [*_folder(directory), *_space(directory), *_processes(directory), *_remains(directory)]
    path, files = directory / DATABASE_FILE, _names(directory / "files")
    if not path.exists() or not path.stat().st_size:
        if files:
            detail = (
                f"The database {path} is missing or empty, and {len(files)} photos and heads lie beside it: put it "
                "back, or restore a backup with `muster restore --replace`."
            )
            return [*findings, Finding("database_missing", detail)]
        return [*findings, Finding("no_store", f"There is no store in {directory} yet.", problem=False)]
    try:
        with closing(connect(path, options=read_only_options(path))) as connection:
            return [*findings, *_database(connection, path), *_files(connection, directory)]
    except (MusterError, sqlite3.Error) as error:
        detail = f"The database cannot be read ({error}): restore a backup with `muster restore --replace`."
        return [*findings, Finding("database_damaged", detail)]


def set_aside_unknown(directory: Path) -> tuple[int, Path]:
    """Move the files that no row refers to into a new folder; return their number and the folder.

    Raises:
        StoreUnusable: the store cannot be opened or written.
    """
    database = open_local(directory).upkeep.database
    aside = directory / f"{SET_ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with database.write() as connection:
        unknown = _names(directory / "files") - referenced_files(connection)  # type: ignore[arg-type]
        try:
            if unknown:
                aside.mkdir(mode=0o700)
            for name in unknown:
                (directory / "files" / name).rename(aside / name)
        except OSError as error:
            raise StoreUnusable(f"The files cannot be moved to {aside} ({error.strerror}).") from error
    return len(unknown), aside


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _folder(directory: Path) -> Iterator[Finding]:
    paths = [directory, directory / "files", *(directory / "files").glob("*"), *directory.glob(f"{DATABASE_FILE}*")]
    readable = [path for path in paths if path.exists() and path.stat().st_mode & 0o077]
    if readable and os.name != "nt":
        yield Finding(
            "permissions",
            f"Other users of this machine can read {len(readable)} files, {readable[0]} for one: "
            f"`chmod -R go= {directory}`.",
        )
    if not os.access(directory, os.W_OK):
        yield Finding(
            "read_only", f"The folder {directory} cannot be written: only reading commands work.", problem=False
        )


def _space(directory: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(directory).free
    if free < _LITTLE_SPACE_BYTES:
        yield Finding(
            "disk_space",
            f"{free // 1_000_000} MB are free on the disk of {directory}: free some space.",
            problem=free < MIN_FREE_BYTES,
        )
    log = directory / f"{DATABASE_FILE}-wal"
    if log.exists() and log.stat().st_size > _LONG_LOG_BYTES:
        yield Finding(
            "long_log",
            f"The write-ahead log {log} is {log.stat().st_size // 1_000_000} MB, usually because of a long read or "
            "repeated kills. Restart the server.",
            problem=False,
        )


def _processes(directory: Path) -> Iterator[Finding]:
    """On Linux, find processes that write to deleted files of the store."""
    beginning, end = str((directory / DATABASE_FILE).resolve()), " (deleted)"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held = {str(descriptor.readlink()) for descriptor in (process / "fd").iterdir()}
        except OSError:
            # The process ended, or belongs to another user.
            continue
        if any(target.startswith(beginning) and target.endswith(end) for target in held):
            yield Finding(
                "deleted_files",
                f"Process {process.name} is writing to deleted database files. Its changes will be lost. Export what "
                "it shows, then restart it.",
            )


def _remains(directory: Path) -> Iterator[Finding]:
    for path in sorted(directory.glob(f"{STAGING}*")):
        detail = f"A restore was interrupted. Run `muster restore` again, then delete {path}."
        yield Finding("interrupted_restore", detail)
    for pattern in (REPLACED, SET_ASIDE):
        for path in sorted(directory.glob(f"{pattern}*")):
            detail = f"{path} holds faces and names of an earlier state. Delete it when you no longer need it."
            yield Finding("set_aside", detail, problem=False)


def _database(connection: Connection, path: Path) -> Iterator[Finding]:
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout > len(MIGRATIONS):
        yield Finding("newer_version", f"A newer version of Muster wrote the database {path}: update Muster.")
    for (message,) in connection.execute(f"PRAGMA integrity_check({_SHOWN})").fetchall():
        if message != "ok":
            yield Finding(
                "database_damaged",
                f"The database is damaged ({message}): restore a backup with `muster restore --replace`.",
            )
            return
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        detail = f"{len(broken)} rows reference missing records ({tables}). Restore a backup."
        yield Finding("broken_references", detail)
    for record, select, read in _READERS:
        # OperationalError: an earlier layout lacks the table or column, and so has no such records.
        with suppress(sqlite3.OperationalError):
            yield from _damaged_records(connection, record, select, read)
    if layout != len(MIGRATIONS):
        yield Finding(
            "older_version",
            "An older version of Muster wrote the database: back it up, then any command brings it up to date.",
            problem=False,
        )
        return
    if connection.execute("SELECT 1 FROM store WHERE key = 'rewrite_due'").fetchone() is not None:
        yield Finding(
            "rewrite_due",
            "Bytes of erased students may be left in the free space of the database file: `muster retention` rewrites "
            "it, as the server does each day.",
            problem=False,
        )


def _damaged_records(
    connection: Connection, record: str, select: str, read: Callable[[Any], object]
) -> Iterator[Finding]:
    damaged = []
    for owner, value in connection.execute(select):
        try:
            read(value)
        except (ValueError, KeyError, TypeError, AttributeError):
            damaged.append(f"{record} {owner}")
    if damaged:
        remedy = "remove the session with `muster sessions remove`"
        if "template" in record:
            remedy = "withdraw and register the student again"
        elif "document" in record:
            remedy = "enter the records again"
        shown = ", ".join(damaged[:_SHOWN]) + (", ..." if len(damaged) > _SHOWN else "")
        yield Finding("records_damaged", f"{len(damaged)} records are damaged: {shown}. Restore a backup, or {remedy}.")


def _files(connection: Connection, directory: Path) -> Iterator[Finding]:
    try:
        # In this order, so that a file written concurrently does not look unknown.
        present = _names(directory / "files")
        named = referenced_files(connection)
        pending = {name for (name,) in connection.execute("SELECT name FROM removed_files").fetchall()}
    except sqlite3.OperationalError:
        # A database of an earlier layout, which has a finding of its own.
        return
    committed = {name.removesuffix(UNCOMMITTED) for name in present}
    # Looked up again, since files and their rows may come and go concurrently.
    missing = {name for name in named - committed if not (directory / "files" / name).exists()}
    missing &= referenced_files(connection)
    if missing:
        yield Finding(
            "files_missing",
            f"{len(missing)} photos or heads in the database are missing. Restore a backup, or register these students "
            "again. Everything else works.",
        )
    unknown = {name for name in present - named - pending if not name.endswith(UNCOMMITTED)}
    unknown = {name for name in unknown - referenced_files(connection) if (directory / "files" / name).exists()}
    if unknown:
        yield Finding(
            "files_unknown",
            f"{len(unknown)} files in {directory / 'files'} are not referenced by the database, which may be an older "
            "copy. Restore a newer backup if there is one. Otherwise `muster doctor --set-aside` moves them out of "
            "the way.",
        )
    if any(_is_empty(directory / "files" / name) for name in named & present):
        yield Finding("files_empty", "Some photos or heads are empty files: restore a backup.")


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return False
