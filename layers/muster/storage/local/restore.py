"""Restore of a backup, without the students who were erased since it was made."""

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from muster.domain.errors import MusterError, OutputExists, OutputNotWritten
from muster.domain.identifiers import StudentId
from muster.progress import OnProgress
from muster.storage.local import DATABASE_FILE, STAGING, LocalStores, open_local
from muster.storage.local.backup import Backup, verify_backup
from muster.storage.local.connection import connect
from muster.storage.local.database import read_only_options
from muster.storage.local.erasures import (
    ERASURES_FILE,
    ErasureList,
    add_erasures,
    keep_erasures_file,
    merge,
    read_erasures,
    read_erasures_file,
)
from muster.storage.local.restored_users import KnownUsers, keep_users, read_users
from muster.storage.local.use_lock import LOCK_FILE, claim

REPLACED = "replaced-"

_PARTS = (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", "files", ERASURES_FILE)


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore.

    Attributes:
        erased, withdrawn: how many students of the backup were erased, or withdrew, since it was made.
        replaced: folder of the old store, if there was one.
        list_known: whether there was any list of erasures made since the backup.
        users_from_backup: ids of the users who, with their tokens, came from the backup; empty where those of the
            replaced store were kept.
    """

    backup: Backup
    erased: int
    withdrawn: int
    replaced: Path | None
    list_known: bool
    users_from_backup: tuple[str, ...]


def restore(
    source: Path, directory: Path, progress: OnProgress, *, replace: bool = False, lists: Sequence[Path] = ()
) -> Restored:
    """Verify a backup, erase students again who were erased since, and move it into place.

    Args:
        directory: the data folder.
        replace: set an existing store aside instead of refusing.
        lists: further lists of erasures, from newer backups.

    Raises:
        BackupUnusable: the backup or a list is damaged.
        OutputExists: there is a store, and `replace` is false.
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
            _check_parts(directory)
            # The folder may exist with other permissions. If it belongs to another user, the doctor reports it.
            with suppress(PermissionError):
                directory.chmod(0o700)
            earlier = _earlier(directory)
            known = [*given, *(found for folder in (directory, *earlier) for found in _lists_in(folder))]
            users = _users_in(directory, earlier)
            staging = directory / f"{STAGING}{uuid4().hex}"
            try:
                _copy(backup, staging, lambda step, share: progress(step, 0.4 + 0.5 * share))
                progress("forgetting who was erased", 0.9)
                erased, withdrawn, from_backup = _bring_up_to_date(staging, known, users)
                replaced = _swap(staging, directory, present=present)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise OutputNotWritten(f"{directory} cannot be restored: {error.strerror or error}.") from error
    return Restored(backup, erased, withdrawn, replaced, bool(known), from_backup)


def _is_present(directory: Path) -> bool:
    files = directory / "files"
    return (directory / DATABASE_FILE).exists() or (files.is_dir() and any(files.iterdir()))


def _check_parts(directory: Path) -> None:
    """Refuse to replace parts that renaming would not move.

    Raises:
        OutputNotWritten: a part of the store is a link or a mount point.
    """
    for name in _PARTS:
        if (directory / name).is_symlink() or os.path.ismount(directory / name):
            raise OutputNotWritten(
                f"{directory / name} is a link or a mount point, which cannot be replaced: restore into another folder "
                "with --data, or put the whole data folder on that disk."
            )


def _earlier(directory: Path) -> list[Path]:
    """Return the folders of earlier states of the store, newest first, then those of interrupted restores."""
    replaced = sorted(directory.glob(f"{REPLACED}*"), reverse=True)
    return [*replaced, *directory.glob(f"{STAGING}*")]


def _users_in(directory: Path, earlier: Sequence[Path]) -> KnownUsers | None:
    """Return the users of the current store, or of the one that an interrupted restore set aside."""
    if (directory / DATABASE_FILE).exists():
        return read_users(directory / DATABASE_FILE)
    interrupted = any(folder.name.startswith(STAGING) for folder in earlier)
    replaced = [folder / DATABASE_FILE for folder in earlier if folder.name.startswith(REPLACED)]
    found = next((database for database in replaced if database.exists()), None)
    return read_users(found) if interrupted and found is not None else None


def _lists_in(directory: Path) -> list[ErasureList]:
    """Return the readable lists of a store, which may be damaged or gone."""
    found, database, file = [], directory / DATABASE_FILE, directory / ERASURES_FILE
    if database.exists():
        try:
            with closing(connect(database, options=read_only_options(database))) as connection:
                found.append(read_erasures(connection))
        except (MusterError, sqlite3.Error, TypeError):
            # Damaged, or an earlier layout without such a list.
            pass
    if file.exists():
        found.append(read_erasures_file(file))
    return found


def _copy(backup: Backup, staging: Path, progress: OnProgress) -> None:
    (staging / "files").mkdir(mode=0o700, parents=True)
    staging.chmod(0o700)
    shutil.copyfile(backup.directory / DATABASE_FILE, staging / DATABASE_FILE)
    (staging / DATABASE_FILE).chmod(0o600)
    for number, name in enumerate(backup.files):
        progress("copying the files", number / len(backup.files))
        copy = staging / "files" / name
        copy.touch(mode=0o600)
        shutil.copyfile(backup.directory / "files" / name, copy)


def _bring_up_to_date(
    staging: Path, known: Sequence[ErasureList], users: KnownUsers | None
) -> tuple[int, int, tuple[str, ...]]:
    """Repeat erasures and withdrawals, and keep the known users.

    Returns:
        The number of students erased and of those withdrawn, and the ids of users who came from the backup.
    """
    stores = open_local(staging)
    try:
        own = read_erasures(stores.upkeep.database.read())
        erased: set[StudentId] = set()
        withdrawn: set[StudentId] = set()
        for newer in merge([part.since(own) for found in known for part in found.lists()]):
            for student, kinds in newer.of(student.id for student in stores.students.find()).items():
                (erased if "erased" in kinds else withdrawn).add(student)
            with stores.upkeep.database.write() as connection:
                add_erasures(connection, newer)
        _forget_students(stores, erased, withdrawn - erased)
        with stores.upkeep.database.write() as connection:
            from_backup = keep_users(connection, users, own.key)
        keep_erasures_file(stores.upkeep.database)
        return len(erased), len(withdrawn - erased), from_backup
    finally:
        stores.upkeep.close()


def _forget_students(stores: LocalStores, erased: set[StudentId], withdrawn: set[StudentId]) -> None:
    if not erased | withdrawn:
        return
    stores.heads.delete_all()
    stores.idempotency.clear()
    for student in sorted(erased):
        stores.students.erase(student)
    for student in sorted(withdrawn):
        stores.students.withdraw(student, datetime.now(UTC))
    stores.training.request()


def _swap(staging: Path, directory: Path, *, present: bool) -> Path | None:
    """Move the restored store into place and return the folder of the old one; on failure, move the old one back."""
    (staging / LOCK_FILE).unlink(missing_ok=True)
    aside = directory / f"{REPLACED}{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    moved: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        if source.exists():
            source.rename(target)
            moved.append((source, target))

    try:
        if present:
            aside.mkdir(mode=0o700)
            for name in _PARTS:
                move(directory / name, aside / name)
        if (directory / "files").is_dir():
            (directory / "files").rmdir()
        # The database comes last. Without it a store with files is refused, so a partial restore is never used.
        for name in (ERASURES_FILE, "files", DATABASE_FILE):
            move(staging / name, directory / name)
    except BaseException:
        for source, target in reversed(moved):
            target.rename(source)
        if present:
            aside.rmdir()
        raise
    return aside if present else None
