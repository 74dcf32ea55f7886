"""Versioned heads in one directory."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from muster.domain.errors import HeadNotFound
from muster.domain.identifiers import PackId
from muster.storage.documents import json_text, read_time, time_text
from muster.storage.local.database import Database
from muster.storage.local.files import Files
from muster.storage.local.transaction import transaction
from muster.storage.ports import HeadVersion
from muster.storage.shared import promoted_concurrently


class LocalHeads:
    """`HeadStore` on SQLite and files."""

    def __init__(
        self, database: Database, files: Files, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._files = files
        self._now = now

    def save(self, pack: PackId, head: bytes, metrics: Mapping[str, Any]) -> int:
        """Store a head file with its metrics and return its number; see `HeadStore.save`."""
        with transaction(self._database, self._files) as tx:
            (version,) = tx.connection.execute(
                "INSERT INTO head_pointers (pack, last_version) VALUES (?, 1)"
                " ON CONFLICT DO UPDATE SET last_version = last_version + 1 RETURNING last_version",
                (pack,),
            ).fetchone()
            tx.connection.execute(
                "INSERT INTO heads VALUES (?, ?, ?, ?, ?)",
                (pack, version, time_text(self._now()), json_text(metrics), tx.write_file(head)),
            )
        return int(version)

    def load(self, pack: PackId, version: int) -> bytes:
        """Return a head file; see `HeadStore.load`."""
        row = (
            self._database.read()
            .execute("SELECT file FROM heads WHERE pack = ? AND version = ?", (pack, version))
            .fetchone()
        )
        if row is None:
            raise _not_found(pack, version)
        try:
            return self._files.read(row[0])
        except FileNotFoundError as error:
            raise _not_found(pack, version) from error

    def versions(self, pack: PackId) -> list[HeadVersion]:
        """Return all stored heads, oldest first."""
        rows = self._database.read().execute(
            "SELECT version, stored_at, metrics, version IS current FROM heads JOIN head_pointers USING (pack)"
            " WHERE pack = ? ORDER BY version",
            (pack,),
        )
        return [
            HeadVersion(version, read_time(stored_at), pack, json.loads(metrics), bool(current))
            for version, stored_at, metrics, current in rows.fetchall()
        ]

    def current(self, pack: PackId) -> int | None:
        """Return the number of the current head, or None; see `HeadStore.current`."""
        return _current(self._database.read(), pack)

    def promote(self, pack: PackId, version: int | None, expected: int | None) -> None:
        """Make a head current if the current one is still the expected; see `HeadStore.promote`."""
        with self._database.write() as connection:
            if (
                version is not None
                and not connection.execute(
                    "SELECT 1 FROM heads WHERE pack = ? AND version = ?", (pack, version)
                ).fetchone()
            ):
                raise _not_found(pack, version)
            if _current(connection, pack) != expected:
                raise promoted_concurrently()
            connection.execute("UPDATE head_pointers SET current = ? WHERE pack = ?", (version, pack))

    def prune(self, pack: PackId, keep: int) -> None:
        """Delete all but the newest `keep` heads and the current one."""
        with transaction(self._database, self._files) as tx:
            gone = tx.connection.execute(
                "DELETE FROM heads WHERE pack = ?1 AND version NOT IN"
                " (SELECT version FROM heads WHERE pack = ?1 ORDER BY version DESC LIMIT ?2)"
                " AND version IS NOT (SELECT current FROM head_pointers WHERE pack = ?1) RETURNING file",
                (pack, max(keep, 0)),
            ).fetchall()
            tx.remove_files(*(file for (file,) in gone))

    def delete_all(self) -> None:
        """Delete every head of every pack; numbers go on from where they were."""
        with transaction(self._database, self._files) as tx:
            tx.connection.execute("UPDATE head_pointers SET current = NULL")
            gone = tx.connection.execute("DELETE FROM heads RETURNING file").fetchall()
            tx.remove_files(*(file for (file,) in gone))


def _current(connection: sqlite3.Connection, pack: PackId) -> int | None:
    row = connection.execute("SELECT current FROM head_pointers WHERE pack = ?", (pack,)).fetchone()
    return None if row is None else row[0]


def _not_found(pack: PackId, version: int) -> HeadNotFound:
    return HeadNotFound(f"No head {version} is stored for the pack {pack}: choose one of those listed.")
