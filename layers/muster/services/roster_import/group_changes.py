"""The groups that students leave in an import."""

from collections.abc import Collection
from dataclasses import dataclass

from muster.domain.identifiers import GroupId


@dataclass(frozen=True, slots=True)
class GroupChanges:
    """The groups that an import removes; by default none, since a file may list one class of several.

    Attributes:
        replace: the file is complete for each group that it names. Students who are in such a group, but not listed
            there in the file, leave it. Groups that the file does not name do not change.
        leave: groups that all students in the file leave, except in rows that name the group.
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
