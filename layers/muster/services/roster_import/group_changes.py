"""Which groups students leave at an import."""

from collections.abc import Collection
from dataclasses import dataclass

from muster.domain.identifiers import GroupId


@dataclass(frozen=True, slots=True)
class GroupChanges:
    """What an import takes away; by default nothing, since a file may list one class of several.

    Attributes:
        replace: the file is complete for each group that it names: students who are in such a group, and whom the file
            does not list there, leave it. Groups that the file does not name stay as they are.
        leave: groups that every student in the file leaves, unless their own rows name them.
    """

    replace: bool = False
    leave: frozenset[GroupId] = frozenset()

    def leaving(
        self, present: Collection[GroupId], listed: Collection[GroupId], named: Collection[GroupId], *, in_file: bool
    ) -> frozenset[GroupId]:
        """Return the groups that a student leaves.

        Args:
            present: the groups that the student is in.
            listed: those that the file lists the student in.
            named: all groups that the file names.
            in_file: whether the file lists the student at all.
        """
        taken = frozenset(named) if self.replace else frozenset()
        if in_file:
            taken |= self.leave
        return (frozenset(present) & taken) - frozenset(listed)
