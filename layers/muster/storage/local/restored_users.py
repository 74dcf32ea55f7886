"""The users of a restored store.

A backup holds users who were removed and tokens that were replaced since it was made. Where the store that is replaced
can be read, its users and tokens stay in force.
"""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from muster.domain.errors import MusterError
from muster.storage.local.connection import connect
from muster.storage.local.database import read_only_options


@dataclass(frozen=True, slots=True)
class KnownUsers:
    """All rows of users of a store.

    Attributes:
        key: of the store's erasures, which tells one store from another.
    """

    key: str | None
    rows: tuple[tuple[str, str, str, str], ...]


def read_users(database: Path) -> KnownUsers | None:
    """Return the users of a database, or None if it is damaged or has a layout without users."""
    try:
        with closing(connect(database, options=read_only_options(database))) as connection:
            rows = connection.execute("SELECT id, role, name, token_digest FROM users").fetchall()
            try:
                (key,) = connection.execute("SELECT value FROM store WHERE key = 'erasure_key'").fetchone()
            except (sqlite3.OperationalError, TypeError):
                # A layout from before that key.
                key = None
    except (MusterError, sqlite3.Error):
        return None
    return KnownUsers(key, tuple(rows))


def keep_users(connection: sqlite3.Connection, known: KnownUsers | None, key: str) -> tuple[str, ...]:
    """Put known users in the place of those of a backup; return the ids of users who stay as the backup has them.

    A store without users that is not the one of the backup was probably just made to restore into, so the users of the
    backup stay.

    Args:
        key: of the erasures of the backup.
    """
    if known is None or (not known.rows and known.key != key):
        return tuple(user for (user,) in connection.execute("SELECT id FROM users ORDER BY id").fetchall())
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
