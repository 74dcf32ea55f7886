"""A search of everything in one directory for an id, to prove that it is gone."""

import json
import sqlite3

from muster.domain.identifiers import StudentId
from muster.storage.local.files import Files


def traces(connection: sqlite3.Connection, files: Files, student_id: StudentId) -> list[str]:
    """Return where an id is found, one line each: whole values, JSON texts, kept answers, head files, file names."""
    found = []
    quoted = f'"{student_id}"'
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        for column in connection.execute(f"PRAGMA table_info('{table}')").fetchall():
            name = column[1]
            # Names of tables and columns are the database's own.
            number = connection.execute(
                f'SELECT count(*) FROM "{table}" WHERE "{name}" = ? OR instr(CAST("{name}" AS TEXT), ?)',  # noqa: S608
                (student_id, quoted),
            ).fetchone()[0]
            if number:
                found.append(f"table {table}, column {name}: {number} rows")
    heads = {file for (file,) in connection.execute("SELECT file FROM heads")}
    for file in sorted(files.names()):
        if student_id in file.split("."):
            found.append(f"the name of the file {file}")
        if file in heads and quoted in _head_metadata(files.read(file)):
            found.append(f"the head in the file {file}")
    return found


def _head_metadata(content: bytes) -> str:
    """Return the metadata of a safetensors file: a length of 8 bytes, then a JSON header (format's README)."""
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return " ".join(header.get("__metadata__", {}).values())
    except ValueError:
        # Not a head that could be used; whatever it is, its text is searched as it stands.
        return content.decode("latin-1")
