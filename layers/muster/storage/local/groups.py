"""Groups of one directory."""

import json
import sqlite3
from typing import Any

from muster.domain.errors import GroupExists, GroupNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, UserId
from muster.storage.documents import json_text
from muster.storage.local.database import Database
from muster.storage.shared import changed_concurrently

_GROUP = "SELECT id, name, teachers, version FROM groups"


class LocalGroups:
    """`GroupStore` on SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, group: Group) -> None:
        """Store a new group; see `GroupStore.add`."""
        with self._database.write() as connection:
            if _row(connection, group.id) is not None:
                raise GroupExists(f"The group {group.id} already exists. Choose another id, or change that group.")
            connection.execute(
                "INSERT INTO groups VALUES (?, ?, ?, ?)",
                (group.id, group.name, json_text(sorted(group.teachers)), group.version),
            )

    def get(self, group_id: GroupId) -> Group:
        """Return one group; see `GroupStore.get`."""
        return _group(_existing(self._database.read(), group_id))

    def find(self) -> list[Group]:
        """Return all groups, ordered by id."""
        return [_group(row) for row in self._database.read().execute(_GROUP + " ORDER BY id").fetchall()]

    def update(self, group: Group) -> None:
        """Replace name and teachers of a group; see `GroupStore.update`."""
        with self._database.write() as connection:
            if _group(_existing(connection, group.id)).version != group.version - 1:
                raise changed_concurrently(f"The group {group.id}")
            connection.execute(
                "UPDATE groups SET name = ?, teachers = ?, version = ? WHERE id = ?",
                (group.name, json_text(sorted(group.teachers)), group.version, group.id),
            )

    def remove(self, group_id: GroupId) -> None:
        """Remove a group's record; see `GroupStore.remove`."""
        with self._database.write() as connection:
            _existing(connection, group_id)
            connection.execute("DELETE FROM groups WHERE id = ?", (group_id,))


def _row(connection: sqlite3.Connection, group_id: GroupId) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = connection.execute(_GROUP + " WHERE id = ?", (group_id,)).fetchone()
    return row


def _existing(connection: sqlite3.Connection, group_id: GroupId) -> tuple[Any, ...]:
    row = _row(connection, group_id)
    if row is None:
        raise GroupNotFound(f"There is no group {group_id}: check the id, or make the group first.")
    return row


def _group(row: tuple[Any, ...]) -> Group:
    group_id, name, teachers, version = row
    return Group(GroupId(group_id), name, frozenset(UserId(user) for user in json.loads(teachers)), version)
