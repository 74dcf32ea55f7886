"""The person on whose behalf a use case runs."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from muster.domain.errors import NotAllowed
from muster.domain.identifiers import GroupId, UserId


@dataclass(frozen=True, slots=True)
class Actor:
    """A user, with the groups whose students and sessions they may see and change.

    Attributes:
        groups: the groups that a teacher teaches; None for an admin, who may see all groups.
    """

    user_id: UserId
    groups: frozenset[GroupId] | None

    def may_see(self, group_ids: Collection[GroupId]) -> bool:
        """Return whether at least one of the groups is theirs."""
        return self.groups is None or not self.groups.isdisjoint(group_ids)

    def check(self, group_ids: Collection[GroupId]) -> None:
        """Check access to something that belongs to these groups.

        The message names nothing, so it is the same for everything that isn't theirs.

        Raises:
            NotAllowed: none of the groups is theirs.
        """
        if not self.may_see(group_ids):
            raise NotAllowed("This isn't in a group that you teach: ask an admin to add you.")


OPERATOR: Final = Actor(UserId("local"), None)
"""The operator of one machine: the command line, and the server until it has users."""
