"""Groups of a roster file: the id of each name, and names that would share an id."""

from collections.abc import Mapping

from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import GroupId, parse_group_id
from muster.services.roster.names import checked_name
from muster.services.roster_import.derived_ids import derived_id


class GroupCollision(InvalidRequest):
    """Two names of groups would have one id."""

    code = "group_collision"


class GroupNames:
    """The groups that a file names.

    Attributes:
        names: by id, as the file writes them.
        clashes: names in the file whose derived id a stored group has that is called otherwise, by id.
    """

    def __init__(self, stored: Mapping[GroupId, str]) -> None:
        self._stored = stored
        self.names: dict[GroupId, str] = {}
        self.clashes: dict[GroupId, str] = {}

    def resolve(self, text: str) -> GroupId:
        """Return the id for the name of a group: the name itself where it can be one, or else an id made from it.

        Raises:
            GroupCollision: another name of the file has this id.
            InvalidRequest: the name is too long or contains what is not text.
        """
        name = checked_name(text, "group")
        try:
            group_id = parse_group_id(name)
        except InvalidRequest:
            group_id = parse_group_id(derived_id(name))
        other = self.names.setdefault(group_id, name)
        if other != name:
            raise GroupCollision(
                f"The groups {other!r} and {name!r} would both have the id {group_id}: write them alike if they "
                "are one group, or rename one of them."
            )
        stored = self._stored.get(group_id, name)
        if name != group_id and stored != name:
            self.clashes[group_id] = name
        return group_id
