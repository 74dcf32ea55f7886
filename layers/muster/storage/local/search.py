"""A search of the whole directory for an id, to prove that it was erased."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from muster.domain.anonymisation import students_in, students_in_change
from muster.domain.documents import students_in_document
from muster.domain.identifiers import StudentId
from muster.storage.documents import read_change, read_document_body, read_faces
from muster.storage.local.connection import connect
from muster.storage.local.database import READ_ONLY, Database
from muster.storage.local.files import Files

_OTHER_COLUMNS = frozenset(
    {
        *(("groups", column) for column in ("id", "name", "teachers")),
        *(("memberships", "group_id"), ("rosters", "group_id"), ("students", "name"), ("templates", "pack")),
        ("students", "consent_stated_by"),
        *(("sessions", column) for column in ("id", "group_id", "erased")),
        *(("session_photos", column) for column in ("session_id", "id", "pack")),
        *(("marks", column) for column in ("session_id", "status", "source")),
        *(("heads", "pack"), ("head_pointers", "pack"), ("changes", "session_id")),
        *(("users", column) for column in ("id", "name", "role")),
        *(("documents", column) for column in ("kind", "id", "body")),
        *(("store", "key"), ("store", "value"), ("erasures", "kind")),
    }
)
"""Columns of other names and ids, which may look like a student's id."""

_READERS: dict[tuple[str, str], Callable[[str], set[StudentId]]] = {
    ("session_photos", "faces"): lambda text: students_in(read_faces(text)),
    ("changes", "change"): lambda text: students_in_change(read_change(text)),
}
"""JSON columns that contain words of their own, such as `present`, which may look like a student's id."""


def traces(connection: sqlite3.Connection, files: Files, student_id: StudentId) -> list[str]:
    """Search column values, JSON texts, stored responses, head files and file names; return one line per place."""
    found = []
    for table, column in _columns(connection):
        number = _rows(connection, table, column, student_id)
        if number:
            found.append(f"table {table}, column {column}: {number} rows")
    found += [
        f"the document {kind} {id}"
        for kind, id, body in connection.execute("SELECT kind, id, body FROM documents").fetchall()
        if student_id in students_in_document(kind, id, read_document_body(body))
    ]
    heads = {file for (file,) in connection.execute("SELECT file FROM heads")}
    for file in sorted(files.names()):
        if student_id in file.split("."):
            found.append(f"the name of the file {file}")
        if file in heads and f'"{student_id}"' in _head_metadata(files.read(file)):
            found.append(f"the head in the file {file}")
    return found


# Closing the database file in this process would release SQLite's locks on it, so another process reads it.
_FIND_IN_FILES = """
import mmap, os, sys
wanted = sys.stdin.buffer.read()
for path in sys.argv[1:]:
    if os.path.exists(path) and os.path.getsize(path):
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find(wanted) >= 0:
                print(path)
"""


def raw_traces(database: Database, student_id: StudentId, *, rewritten: bool) -> list[str]:
    """Search the free space of pages and the log for bytes of an id; return one line per place.

    Call this if `traces` found nothing. An id may be part of another, such as `s1` in `s10`, so bytes that a fresh
    copy of the database also contains are not reported.

    Args:
        rewritten: whether the file was rewritten since the last erasure.
    """
    found = []
    if not rewritten:
        found.append("the free space of the database file, which is rewritten at the next opening: try again then")
    paths = [database.path, database.path.with_name(database.path.name + "-wal")]
    hits = _files_with(student_id, *paths)
    if hits and not _fresh_copy_contains(database, student_id):
        found.extend(f"raw bytes of the file {Path(hit).name}" for hit in hits)
    return found


def _fresh_copy_contains(database: Database, student_id: StudentId) -> bool:
    with TemporaryDirectory() as folder, closing(connect(database.path, options=READ_ONLY)) as connection:
        copy = Path(folder) / "copy"
        connection.execute("VACUUM INTO ?", (str(copy),))
        return bool(_files_with(student_id, copy))


def _files_with(student_id: StudentId, *paths: Path) -> list[str]:
    command = [sys.executable, "-I", "-S", "-c", _FIND_IN_FILES, *map(str, paths)]
    # Our own program; the id is passed by standard input.
    child = subprocess.run(command, input=student_id.encode(), capture_output=True, check=True)  # noqa: S603
    return child.stdout.decode().splitlines()


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    columns = connection.execute(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
        " WHERE tables.type = 'table' ORDER BY tables.name, columns.cid"
    ).fetchall()
    return [column for column in columns if column not in _OTHER_COLUMNS]


def _rows(connection: sqlite3.Connection, table: str, column: str, student_id: StudentId) -> int:
    """Count the rows whose column is the id as text, or contains it quoted, as in JSON."""
    # The names of tables and columns come from the database. Numbers are excluded: SQLite compares them with text.
    rows = connection.execute(
        f'SELECT "{column}" FROM "{table}" WHERE typeof("{column}") IN (\'text\', \'blob\')'  # noqa: S608
        f' AND (CAST("{column}" AS TEXT) = ? OR instr(CAST("{column}" AS TEXT), ?))',
        (student_id, f'"{student_id}"'),
    )
    read = _READERS.get((table, column))
    return sum(1 for (value,) in rows if read is None or student_id in read(value))


def _head_metadata(content: bytes) -> str:
    """Return the metadata of a safetensors file: a length of 8 bytes, then a JSON header (format's README)."""
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return " ".join(header.get("__metadata__", {}).values())
    except ValueError:
        # Not a valid head, so search its whole text.
        return content.decode("latin-1")
