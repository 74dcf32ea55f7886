"""Groups: classes or courses, and their teachers."""

from dataclasses import dataclass

from muster.domain.identifiers import GroupId, UserId


@dataclass(frozen=True, slots=True)
class Group:
    """A class or course; a student may belong to many.

    Attributes:
        name: the name for people.
        teachers: the users who may see it, in addition to admins.
        version: counts changes to this record, from 1.
    """

    id: GroupId
    name: str
    teachers: frozenset[UserId] = frozenset()
    version: int = 1
