"""Store of the names and addresses of users in the cloud."""

from collections.abc import Collection
from typing import Protocol

from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Person


class PersonStore(Protocol):
    """People of the user pool, by id, and the groups of people who have not signed in yet, by address."""

    def get(self, user_id: UserId) -> Person | None:
        """Return one person, or None."""

    def get_many(self, user_ids: Collection[UserId]) -> dict[UserId, Person]:
        """Return those of the people who are known."""

    def find(self) -> list[Person]:
        """Return all people, ordered by id."""

    def put(self, person: Person) -> None:
        """Store or replace a person; does nothing if the id was removed."""

    def remove(self, user_id: UserId) -> None:
        """Remove a person, and remember the id for longer than a token of theirs is valid."""

    def is_removed(self, user_id: UserId) -> bool:
        """Return whether a person was removed while tokens of theirs may be valid."""

    def expect(self, email: str, group_ids: Collection[GroupId]) -> None:
        """Store the groups of someone who has not signed in yet, replacing earlier ones; no groups removes them."""

    def expected(self) -> dict[str, frozenset[GroupId]]:
        """Return the groups of everyone who has not signed in yet, by address."""

    def expected_groups(self, email: str) -> frozenset[GroupId]:
        """Return the groups stored for an address."""
