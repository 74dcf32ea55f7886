"""A class or course, and who teaches it."""

from dataclasses import dataclass

from muster.domain.identifiers import GroupId, UserId


@dataclass(frozen=True, slots=True)
class Group:
    """A class or course; a student may belong to many.

    Attributes:
        name: as people call it.
        teachers: the users who may see it, besides admins.
        version: counts changes of this record, from 1.
    """

    id: GroupId
    name: str
    teachers: frozenset[UserId] = frozenset()
    version: int = 1
