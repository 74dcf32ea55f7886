"""The stores of one machine: SQLite and files under one directory.

The database `muster.sqlite3` holds all records and templates. Photos and heads are files beside it with random names,
so ids that differ only in case cannot collide, and a directory listing names nobody. Only the owner can read the files,
since they show faces.

A file is written and synced while the database's write lock is held, before the row that names it is committed. The
commit is therefore the moment at which a change happens. If the process is killed before it, the file's name still
marks it as uncommitted, and the next opening removes it. A file without the mark is removed only after the row that
named it. No photo is lost, therefore, if the database is missing, empty or an older copy.
"""

from dataclasses import dataclass
from pathlib import Path

from muster.domain.errors import StoreUnusable
from muster.storage.local.database import Database, close_databases, open_database, read_only_options
from muster.storage.local.documents import LocalDocuments
from muster.storage.local.erasures import keep_erasures_file
from muster.storage.local.files import Files
from muster.storage.local.groups import LocalGroups
from muster.storage.local.heads import LocalHeads
from muster.storage.local.idempotency import LocalIdempotency
from muster.storage.local.sessions import LocalSessions
from muster.storage.local.staging import LocalStaging
from muster.storage.local.students import LocalStudents
from muster.storage.local.training import LocalTraining
from muster.storage.local.transaction import sweep
from muster.storage.local.upkeep import Upkeep
from muster.storage.local.use_lock import share
from muster.storage.local.users import LocalUsers

__all__ = ["DATABASE_FILE", "STAGING", "LocalStores", "close_databases", "open_local", "read_local"]

DATABASE_FILE = "muster.sqlite3"

STAGING = "restoring-"
"""Prefix of the folder in which a restore builds a store before it moves it into place."""


@dataclass(frozen=True, slots=True)
class LocalStores:
    """The stores of one directory."""

    students: LocalStudents
    groups: LocalGroups
    sessions: LocalSessions
    heads: LocalHeads
    training: LocalTraining
    idempotency: LocalIdempotency
    users: LocalUsers
    staging: LocalStaging
    documents: LocalDocuments
    upkeep: Upkeep


def open_local(directory: Path) -> LocalStores:
    """Open the stores of a directory; create it if it is missing, and migrate it if its layout is older.

    Removes the files that a killed process left. Any number of processes may open a directory, any number of times. A
    directory that cannot be written is opened for reading.

    Raises:
        StoreUnusable: a newer version of Muster wrote the directory, it is damaged or not readable, it holds photos
            without a database, or a restore was interrupted there.
        StorageFull: the disk is full.
    """
    try:
        if not directory.is_dir():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = Files(directory / "files")
        lock = share(directory)
    except OSError as error:
        raise StoreUnusable(
            f"The folder {directory} cannot be written ({error.strerror}): choose another with --data."
        ) from error
    database = open_database(directory / DATABASE_FILE, lambda: _check_no_files(directory, files))
    database.hold(lock)
    if not database.read_only:
        try:
            sweep(database, files)
        except OSError as error:
            raise StoreUnusable(f"The folder {directory / 'files'} cannot be read ({error.strerror}).") from error
        database.rewrite(lock_wait=0)
        keep_erasures_file(database)
    return _stores(database, files)


def read_local(directory: Path) -> LocalStores:
    """Open the stores of a directory for reading only.

    Raises:
        StoreUnusable: it cannot be read.
    """
    path = directory / DATABASE_FILE
    return _stores(Database(path, read_only_options(path)), Files(directory / "files"))


def _stores(database: Database, files: Files) -> LocalStores:
    return LocalStores(
        students=LocalStudents(database, files),
        groups=LocalGroups(database),
        sessions=LocalSessions(database, files),
        heads=LocalHeads(database, files),
        training=LocalTraining(database),
        idempotency=LocalIdempotency(database),
        users=LocalUsers(database),
        staging=LocalStaging(database, files),
        documents=LocalDocuments(database),
        upkeep=Upkeep(database),
    )


def _check_no_files(directory: Path, files: Files) -> None:
    """Refuse to create a database beside the photos of another one, or where a restore was interrupted."""
    if any(directory.glob(f"{STAGING}*")):
        raise StoreUnusable(
            f"A restore into {directory} was interrupted and left no database: run `muster restore` again. Nothing of "
            "the earlier store was deleted."
        )
    names = files.names()
    if names:
        raise StoreUnusable(
            f"The database {directory / DATABASE_FILE} is missing or empty, but {len(names)} photos and heads lie "
            "beside it: put the database back, or restore a backup with `muster restore --replace`. Nothing was "
            "changed."
        )
