"""Store of groups."""

from typing import Protocol

from muster.domain.group import Group
from muster.domain.identifiers import GroupId


class GroupStore(Protocol):
    """Groups as people named them. A group id may be in use without a record."""

    def add(self, group: Group) -> None:
        """Store a new group.

        Raises:
            GroupExists: the id is taken; the stored group is unchanged.
        """

    def get(self, group_id: GroupId) -> Group:
        """Return one group.

        Raises:
            GroupNotFound: no group has this id.
        """

    def find(self) -> list[Group]:
        """Return all groups, ordered by id."""

    def update(self, group: Group) -> None:
        """Replace name and teachers, if the stored version is the one before `group.version`.

        Raises:
            GroupNotFound: no group has this id.
            VersionConflict: the stored group has a different version.
        """

    def remove(self, group_id: GroupId) -> None:
        """Remove a group's record; callers check that the group has neither students nor sessions.

        Raises:
            GroupNotFound: no group has this id.
        """
