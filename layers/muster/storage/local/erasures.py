"""The list of students who were erased or withdrew consent, for backups that still contain them.

Restoring a backup must not bring back a student who was erased after it was made. The list names nobody: it holds the
HMAC-SHA256 of each id under a key of the store.
"""

import hashlib
import hmac
import json
import logging
import os
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import uuid4

from muster.domain.errors import BackupUnusable
from muster.domain.identifiers import StudentId
from muster.storage.documents import time_text
from muster.storage.local.database import Database

_log = logging.getLogger(__name__)

ERASURES_FILE: Final = "erasures.json"

Kind = Literal["erased", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure or withdrawal.

    Attributes:
        token: random id of this entry.
        digest: HMAC of the student's id under the key of the list.
        at: ISO 8601, UTC.
    """

    token: str
    kind: str
    digest: str
    at: str


@dataclass(frozen=True, slots=True)
class ErasureList:
    """All erasures of a store, with the key of their digests.

    Attributes:
        others: lists of other stores that were given when this one was restored.
    """

    key: str
    erasures: tuple[Erasure, ...]
    others: tuple["ErasureList", ...] = ()

    def lists(self) -> "list[ErasureList]":
        """Return this list without the others, followed by the others."""
        return [ErasureList(self.key, self.erasures), *self.others]

    def since(self, known: "ErasureList") -> "ErasureList":
        """Return the erasures of this list that `known` and its others do not contain."""
        tokens = {erasure.token for found in known.lists() for erasure in found.erasures}
        return ErasureList(self.key, tuple(erasure for erasure in self.erasures if erasure.token not in tokens))

    def of(self, students: Iterable[StudentId]) -> dict[StudentId, set[str]]:
        """Return the students that the list contains, with the kinds of their entries."""
        kinds: dict[str, set[str]] = {}
        for erasure in self.erasures:
            kinds.setdefault(erasure.digest, set()).add(erasure.kind)
        found = {student: kinds.get(_digest(self.key, student), set()) for student in students}
        return {student: of_student for student, of_student in found.items() if of_student}


def note_erasure(connection: sqlite3.Connection, student_id: StudentId, kind: Kind) -> None:
    """Add an entry, in the transaction that erases the student."""
    (key,) = connection.execute("SELECT value FROM store WHERE key = 'erasure_key'").fetchone()
    row = (uuid4().hex, kind, _digest(key, student_id), time_text(datetime.now(UTC)))
    connection.execute("INSERT INTO erasures (token, kind, digest, at) VALUES (?, ?, ?, ?)", row)


def add_erasures(connection: sqlite3.Connection, found: ErasureList) -> None:
    """Add the entries of a list, whose key may differ from the database's, to the database."""
    (own,) = connection.execute("SELECT value FROM store WHERE key = 'erasure_key'").fetchone()
    key = None if found.key == own else found.key
    connection.executemany(
        "INSERT OR IGNORE INTO erasures (token, kind, digest, at, list_key) VALUES (?, ?, ?, ?, ?)",
        [(erasure.token, erasure.kind, erasure.digest, erasure.at, key) for erasure in found.erasures],
    )


def read_erasures(connection: sqlite3.Connection) -> ErasureList:
    """Return the list of a database of this layout or an earlier one."""
    (own,) = connection.execute("SELECT value FROM store WHERE key = 'erasure_key'").fetchone()
    columns = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info('erasures')").fetchall()}
    key = "list_key" if "list_key" in columns else "NULL"
    rows = connection.execute(
        f"SELECT {key}, token, kind, digest, at FROM erasures ORDER BY at, token"  # noqa: S608 our own names
    ).fetchall()
    by_key: dict[str, list[Erasure]] = {own: []}
    for list_key, *row in rows:
        by_key.setdefault(list_key or own, []).append(Erasure(*row))
    erasures = tuple(by_key.pop(own))
    return ErasureList(own, erasures, tuple(ErasureList(other, tuple(by_key[other])) for other in sorted(by_key)))


def write_erasures_file(path: Path, found: ErasureList) -> None:
    """Write the list atomically to a file that only its owner can read."""
    document = {**_document(found), "others": [_document(other) for other in found.others]}
    temporary = path.with_name(f"{path.name}.{uuid4().hex}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_erasures_file(path: Path) -> ErasureList:
    """Read a list that `write_erasures_file` wrote.

    Raises:
        BackupUnusable: it is not such a list.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        own, *others = map(_from_document, [document, *document.get("others", [])])
        return ErasureList(own.key, own.erasures, tuple(others))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupUnusable(
            f"{path} is not a list of erasures: name the erasures.json of the newest backup, or of the data folder."
        ) from error


def keep_erasures_file(database: Database) -> None:
    """Write the list to a file beside the database, in case the database is lost."""
    found, path = read_erasures(database.read()), database.path.with_name(ERASURES_FILE)
    try:
        if path.exists() and read_erasures_file(path) == found:
            return
    except BackupUnusable:
        # Write it again.
        pass
    if found.erasures or found.others:
        try:
            write_erasures_file(path, found)
        except OSError as error:
            # The next erasure or opening tries again; the erasure itself is complete.
            _log.error("the list of erasures %s could not be written: %s", path, error)


def merge(lists: Collection[ErasureList]) -> list[ErasureList]:
    """Merge lists into one list per key, without others."""
    by_key: dict[str, dict[str, Erasure]] = {}
    for found in (part for whole in lists for part in whole.lists()):
        by_key.setdefault(found.key, {}).update({erasure.token: erasure for erasure in found.erasures})
    return [ErasureList(key, tuple(erasures.values())) for key, erasures in by_key.items()]


def _document(found: ErasureList) -> dict[str, Any]:
    rows = [[erasure.token, erasure.kind, erasure.digest, erasure.at] for erasure in found.erasures]
    return {"key": found.key, "erasures": rows}


def _from_document(document: dict[str, Any]) -> ErasureList:
    return ErasureList(str(document["key"]), tuple(Erasure(*map(str, row)) for row in document["erasures"]))


def _digest(key: str, student_id: StudentId) -> str:
    return hmac.new(key.encode(), student_id.encode(), hashlib.sha256).hexdigest()
