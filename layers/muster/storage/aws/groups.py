"""Groups in one partition of the table."""

from muster.domain.errors import GroupExists, GroupNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, UserId
from muster.storage.aws import keys
from muster.storage.aws.table import ConditionFailed, Item, Key, Table
from muster.storage.shared import changed_concurrently


class AwsGroups:
    """`GroupStore` on DynamoDB: one item per group, all in one partition, so that one query lists them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, group: Group) -> None:
        """Store a new group; see `GroupStore.add`."""
        try:
            self._table.put(_item(group), "attribute_not_exists(pk)")
        except ConditionFailed as error:
            raise GroupExists(
                f"The group {group.id} already exists. Choose another id, or change that group."
            ) from error

    def get(self, group_id: GroupId) -> Group:
        """Return one group; see `GroupStore.get`."""
        item = self._table.get(_key(group_id))
        if item is None:
            raise _not_found(group_id)
        return _group(item)

    def find(self) -> list[Group]:
        """Return all groups, ordered by id."""
        return [_group(item) for item in self._table.query(keys.GROUPS)]

    def update(self, group: Group) -> None:
        """Replace name and teachers; see `GroupStore.update`."""
        try:
            self._table.put(_item(group), "version = :before", {":before": group.version - 1})
        except ConditionFailed as error:
            self.get(group.id)
            raise changed_concurrently(f"The group {group.id}") from error

    def remove(self, group_id: GroupId) -> None:
        """Remove a group's record; see `GroupStore.remove`."""
        try:
            self._table.delete(_key(group_id), "attribute_exists(pk)")
        except ConditionFailed as error:
            raise _not_found(group_id) from error


def _key(group_id: GroupId) -> Key:
    return keys.GROUPS, group_id


def _item(group: Group) -> Item:
    return {
        "pk": keys.GROUPS,
        "sk": group.id,
        "name": group.name,
        "teachers": sorted(group.teachers),
        "version": group.version,
    }


def _group(item: Item) -> Group:
    return Group(
        GroupId(item["sk"]),
        item["name"],
        frozenset(UserId(teacher) for teacher in item["teachers"]),
        int(item["version"]),
    )


def _not_found(group_id: GroupId) -> GroupNotFound:
    return GroupNotFound(f"There is no group {group_id}: check the id, or make the group first.")
