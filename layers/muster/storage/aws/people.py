"""Names and addresses of users, and groups of people who have not signed in yet, in two partitions of the table."""

import time
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Person
from muster.storage.aws import keys
from muster.storage.aws.table import ConditionFailed, Item, Table

_REMEMBERED_SECONDS: Final = 2 * 60 * 60
"""How long the id of a removed person is kept: twice as long as a token is valid."""


class AwsPeople:
    """`PersonStore` on DynamoDB."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, user_id: UserId) -> Person | None:
        """Return one person, or None."""
        item = self._table.get((keys.USERS, user_id))
        return None if item is None else _person(item)

    def get_many(self, user_ids: Collection[UserId]) -> dict[UserId, Person]:
        """Return those of the people who are known."""
        items = self._table.get_many([(keys.USERS, user_id) for user_id in sorted(set(user_ids))])
        return {person.id: person for person in map(_person, items.values())}

    def find(self) -> list[Person]:
        """Return all people, ordered by id."""
        return [_person(item) for item in self._table.query(keys.USERS)]

    def put(self, person: Person) -> None:
        """Store or replace a person; does nothing if the id was removed."""
        item = {"pk": keys.USERS, "sk": person.id, "email": person.email, "name": person.name}
        not_removed = self._table.condition_check((keys.REMOVED_USERS, person.id), "attribute_not_exists(pk)")
        with suppress(ConditionFailed):
            self._table.transact_write([self._table.put_action(item), not_removed])

    def remove(self, user_id: UserId) -> None:
        """Remove a person, and remember the id; see `PersonStore.remove`."""
        removed = {"pk": keys.REMOVED_USERS, "sk": user_id, keys.EXPIRES_AT: int(time.time()) + _REMEMBERED_SECONDS}
        self._table.transact_write([self._table.delete_action((keys.USERS, user_id)), self._table.put_action(removed)])

    def is_removed(self, user_id: UserId) -> bool:
        """Return whether a person was removed while tokens of theirs may be valid."""
        # The table may drop the item days late, which does no harm: a user pool gives no id twice.
        return self._table.get((keys.REMOVED_USERS, user_id)) is not None

    def expect(self, email: str, group_ids: Collection[GroupId]) -> None:
        """Store the groups of someone who has not signed in yet; see `PersonStore.expect`."""
        if group_ids:
            self._table.put({"pk": keys.EXPECTED_USERS, "sk": email, "group_ids": sorted(group_ids)})
        else:
            self._table.delete((keys.EXPECTED_USERS, email))

    def expected(self) -> dict[str, frozenset[GroupId]]:
        """Return the groups of everyone who has not signed in yet, by address."""
        return {item["sk"]: _groups(item) for item in self._table.query(keys.EXPECTED_USERS)}

    def expected_groups(self, email: str) -> frozenset[GroupId]:
        """Return the groups stored for an address."""
        return _groups(self._table.get((keys.EXPECTED_USERS, email)) or {})


def _person(item: Item) -> Person:
    return Person(UserId(item["sk"]), item.get("email", ""), item.get("name", ""))


def _groups(item: Item) -> frozenset[GroupId]:
    return frozenset(map(GroupId, item.get("group_ids", ())))
