"""The stores of one machine: SQLite and files under one directory.

The database `muster.sqlite3` holds every record and the templates; photos and head files lie beside it under
names that mean nothing, so that ids which differ only by case never collide and a listing names nobody.
All files are readable by their owner alone: they show faces.

A file is written, and reaches the disk, while the database's write lock is held and before the row that names it is
committed. The commit is therefore the one moment at which a change happens: killed before it, there is a file that
nobody refers to, which the next opening removes; killed after it, everything is there.
"""

from dataclasses import dataclass
from pathlib import Path

from muster.domain.errors import StoreUnusable
from muster.storage.local.answers import LocalAnswers
from muster.storage.local.database import Database, open_database
from muster.storage.local.files import Files
from muster.storage.local.groups import LocalGroups
from muster.storage.local.heads import LocalHeads
from muster.storage.local.sessions import LocalSessions
from muster.storage.local.staging import LocalStaging
from muster.storage.local.students import LocalStudents
from muster.storage.local.training import LocalTraining
from muster.storage.local.users import LocalUsers

__all__ = ["LocalStores", "open_local"]

# Every column that names a file.
_REFERENCES = """
    SELECT photo_file FROM students WHERE photo_file IS NOT NULL UNION ALL
    SELECT original_file FROM session_photos WHERE original_file IS NOT NULL UNION ALL
    SELECT annotated_file FROM session_photos WHERE annotated_file IS NOT NULL UNION ALL
    SELECT file FROM heads
"""


@dataclass(frozen=True, slots=True)
class LocalStores:
    """The stores of one directory."""

    students: LocalStudents
    groups: LocalGroups
    sessions: LocalSessions
    heads: LocalHeads
    training: LocalTraining
    answers: LocalAnswers
    users: LocalUsers
    staging: LocalStaging


def open_local(directory: Path) -> LocalStores:
    """Open the stores of a directory, made if it is missing, brought to the present layout if it is older.

    What a killed process left behind is removed. Any number of processes may have one directory open.

    Raises:
        StoreUnusable: a newer version of Muster wrote the directory, or it is damaged or not ours to write.
        StorageFull: the disk is full.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = Files(directory / "files")
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise StoreUnusable(f"The folder {directory} cannot be written: choose another with --data.") from error
    database = open_database(directory / "muster.sqlite3")
    _sweep(database, files)
    return LocalStores(
        students=LocalStudents(database, files),
        groups=LocalGroups(database),
        sessions=LocalSessions(database, files),
        heads=LocalHeads(database, files),
        training=LocalTraining(database),
        answers=LocalAnswers(database),
        users=LocalUsers(database),
        staging=LocalStaging(database, files),
    )


def _sweep(database: Database, files: Files) -> None:
    """Remove files that no row names and, from the log, what an interrupted erasure left there."""
    with database.write() as connection:
        # No other process is between its file and its row while this one holds the write lock.
        referenced = {name for (name,) in connection.execute(_REFERENCES)}
        files.remove(files.names() - referenced)
    database.truncate_log(patient=False)
