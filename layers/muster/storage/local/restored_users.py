"""The users of a restored store, the tokens of other systems, and the codes of substitutes.

A backup contains users who were removed, and tokens that were replaced or revoked, after it was made. If the store that
it replaces can be read, that store's users, tokens and codes stay in force.
"""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muster.domain.documents import DocumentKind
from muster.domain.errors import MusterError
from muster.storage.local.connection import connect
from muster.storage.local.database import read_only_options

_ACCESS_KINDS: Final = (DocumentKind.TOKENS.value, DocumentKind.SUBSTITUTES.value)


@dataclass(frozen=True, slots=True)
class KnownUsers:
    """All users of a store.

    Attributes:
        key: key of the store's erasures, which identifies the store.
        rows: rows of the table of users.
        access: rows of the table of documents that give access.
    """

    key: str | None
    rows: tuple[tuple[str, str, str, str], ...]
    access: tuple[tuple[str, str, int, str], ...] = ()


def read_users(database: Path) -> KnownUsers | None:
    """Return the users of a database, or None if it is damaged or has a layout without users."""
    try:
        with closing(connect(database, options=read_only_options(database))) as connection:
            rows = connection.execute("SELECT id, role, name, token_digest FROM users").fetchall()
            try:
                (key,) = connection.execute("SELECT value FROM store WHERE key = 'erasure_key'").fetchone()
            except (sqlite3.OperationalError, TypeError):
                # An earlier layout has no such key.
                key = None
            access = _access(connection)
    except (MusterError, sqlite3.Error):
        return None
    return KnownUsers(key, tuple(rows), access)


def _access(connection: sqlite3.Connection) -> tuple[tuple[str, str, int, str], ...]:
    try:
        select = "SELECT kind, id, version, body FROM documents WHERE kind IN (?, ?)"
        return tuple(connection.execute(select, _ACCESS_KINDS).fetchall())
    except sqlite3.OperationalError:
        # An earlier layout has no documents.
        return ()


def keep_users(connection: sqlite3.Connection, known: KnownUsers | None, key: str) -> tuple[str, ...]:
    """Replace a backup's users by the known users; return the ids of users who come from the backup.

    A different store without users was probably just created to restore into. The backup's users stay then.

    Args:
        key: key of the backup's erasures.
    """
    if known is None or (not known.rows and known.key != key):
        return tuple(user for (user,) in connection.execute("SELECT id FROM users ORDER BY id").fetchall())
    connection.execute("DELETE FROM documents WHERE kind IN (?, ?)", _ACCESS_KINDS)
    connection.executemany("INSERT INTO documents (kind, id, version, body) VALUES (?, ?, ?, ?)", known.access)
    connection.execute("DELETE FROM users")
    connection.executemany("INSERT INTO users (id, role, name, token_digest) VALUES (?, ?, ?, ?)", known.rows)
    users = {user for user, *_ in known.rows}
    for group, teachers in connection.execute("SELECT id, teachers FROM groups").fetchall():
        kept = [teacher for teacher in json.loads(teachers) if teacher in users]
        if len(kept) < len(json.loads(teachers)):
            # A user who gets the id later must not teach the group of the one who was removed.
            connection.execute(
                "UPDATE groups SET teachers = ?, version = version + 1 WHERE id = ?", (json.dumps(kept), group)
            )
    return ()
