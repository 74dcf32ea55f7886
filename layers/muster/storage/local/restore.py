"""Putting a backup in the place of a store, without those who were erased since it was made."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from muster.domain.errors import MusterError, OutputExists, OutputNotWritten
from muster.domain.identifiers import StudentId
from muster.storage.local import DATABASE_FILE, LocalStores, open_local
from muster.storage.local.backup import Backup, Progress, verify_backup
from muster.storage.local.connection import connect
from muster.storage.local.database import read_only_options
from muster.storage.local.erasures import (
    ERASURES_FILE,
    ErasureList,
    add_erasures,
    merge,
    read_erasures,
    read_erasures_file,
)
from muster.storage.local.use_lock import LOCK_FILE, claim

STAGING = "restoring-"
REPLACED = "replaced-"

_PARTS = (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", "files", ERASURES_FILE)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restoration did.

    Attributes:
        erased, withdrawn: how many students of the backup were erased, or withdrew, since it was made.
        replaced: where the old store lies, if there was one.
        list_known: whether there was any list of erasures made since the backup.
    """

    backup: Backup
    erased: int
    withdrawn: int
    replaced: Path | None
    list_known: bool


def restore(
    source: Path, directory: Path, progress: Progress, *, replace: bool = False, lists: Sequence[Path] = ()
) -> Restored:
    """Verify a backup, forget again those who were erased since, and put it in place.

    Args:
        directory: the data folder.
        replace: set a store that is there aside, instead of refusing.
        lists: further lists of erasures, from newer backups.

    Raises:
        BackupUnusable: the backup is damaged, or a list is none.
        OutputExists: there is a store, and `replace` is not given.
        StoreInUse: a process has the store open.
        OutputNotWritten: the folder cannot be written, or the disk is full.
    """
    given = [read_erasures_file(path) for path in lists]
    backup = verify_backup(source, lambda step, share: progress(step, 0.4 * share))
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(claim(directory)):
            present = _is_present(directory)
            if present and not replace:
                raise OutputExists(f"There is a store in {directory}: set it aside with --replace.")
            known = [*given, *_lists_in(directory)]
            staging = directory / f"{STAGING}{uuid4().hex}"
            try:
                _copy(backup, staging, lambda step, share: progress(step, 0.4 + 0.5 * share))
                progress("forgetting who was erased", 0.9)
                erased, withdrawn = _forget(staging, known)
                replaced = _set_aside(directory) if present else None
                _put_in_place(staging, directory)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise OutputNotWritten(f"{directory} cannot be restored: {error.strerror or error}.") from error
    return Restored(backup, erased, withdrawn, replaced, bool(known))


def _is_present(directory: Path) -> bool:
    files = directory / "files"
    return (directory / DATABASE_FILE).exists() or (files.is_dir() and any(files.iterdir()))


def _lists_in(directory: Path) -> list[ErasureList]:
    """Return the lists of the store that is there, as far as they can be read: it may be damaged or gone."""
    found, database, file = [], directory / DATABASE_FILE, directory / ERASURES_FILE
    if database.exists():
        try:
            with closing(connect(database, options=read_only_options(database))) as connection:
                found.append(read_erasures(connection))
        except (MusterError, sqlite3.Error, TypeError):
            # Damaged, or of a layout without such a list.
            pass
    if file.exists():
        found.append(read_erasures_file(file))
    return found


def _copy(backup: Backup, staging: Path, progress: Progress) -> None:
    (staging / "files").mkdir(mode=0o700, parents=True)
    staging.chmod(0o700)
    shutil.copyfile(backup.directory / DATABASE_FILE, staging / DATABASE_FILE)
    (staging / DATABASE_FILE).chmod(0o600)
    for number, name in enumerate(backup.files):
        progress("copying the files", number / len(backup.files))
        copy = staging / "files" / name
        copy.touch(mode=0o600)
        shutil.copyfile(backup.directory / "files" / name, copy)


def _forget(staging: Path, known: Sequence[ErasureList]) -> tuple[int, int]:
    stores = open_local(staging)
    try:
        own = read_erasures(stores.upkeep.database.read())
        erased: set[StudentId] = set()
        withdrawn: set[StudentId] = set()
        for newer in merge([found.since(own) for found in known]):
            for student, kinds in newer.of(student.id for student in stores.students.find()).items():
                (erased if "erased" in kinds else withdrawn).add(student)
            if newer.key == own.key:
                with stores.upkeep.database.write() as connection:
                    add_erasures(connection, newer.erasures)
        _forget_students(stores, erased, withdrawn - erased)
        return len(erased), len(withdrawn - erased)
    finally:
        stores.upkeep.close()


def _forget_students(stores: LocalStores, erased: set[StudentId], withdrawn: set[StudentId]) -> None:
    if not erased | withdrawn:
        return
    stores.heads.delete_all()
    stores.answers.clear()
    for student in sorted(erased):
        stores.students.erase(student)
    for student in sorted(withdrawn):
        stores.students.withdraw(student, datetime.now(UTC))
    stores.training.request()


def _set_aside(directory: Path) -> Path:
    aside = directory / f"{REPLACED}{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    aside.mkdir(mode=0o700)
    for name in _PARTS:
        if (directory / name).exists():
            (directory / name).rename(aside / name)
    return aside


def _put_in_place(staging: Path, directory: Path) -> None:
    (staging / LOCK_FILE).unlink(missing_ok=True)
    if (directory / "files").is_dir():
        (directory / "files").rmdir()
    # The database comes last: without it a store with files is refused, so nobody takes a half for the whole.
    for name in (ERASURES_FILE, "files", DATABASE_FILE):
        if (staging / name).exists():
            (staging / name).rename(directory / name)
