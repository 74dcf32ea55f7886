"""Groups, their names and their teachers."""

from collections.abc import Collection, Iterable, Mapping

from muster.domain.errors import GroupExists, GroupInUse, GroupNotFound, InvalidRequest, VersionConflict
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, UserId
from muster.services.roster.names import checked_name
from muster.storage.ports import GroupStore, SessionStore, StudentStore

MAX_TEACHERS = 100


class Groups:
    """Creates, changes and removes groups."""

    def __init__(self, groups: GroupStore, students: StudentStore, sessions: SessionStore) -> None:
        self._groups = groups
        self._students = students
        self._sessions = sessions

    def find(self) -> list[Group]:
        """Return all groups, ordered by id."""
        return self._groups.find()

    def get(self, group_id: GroupId) -> Group:
        """Return one group.

        Raises:
            GroupNotFound: no group has this id.
        """
        return self._groups.get(group_id)

    def check(self, group_ids: Iterable[GroupId]) -> None:
        """Refuse ids of groups that do not exist.

        Raises:
            GroupNotFound: no group has one of the ids.
        """
        for group_id in group_ids:
            self._groups.get(group_id)

    def create(self, group_id: GroupId, name: str, teachers: Collection[UserId] = ()) -> Group:
        """Create a group.

        Raises:
            GroupExists: the id is taken.
            InvalidRequest: the name is empty or too long, or there are too many teachers.
        """
        group = Group(group_id, checked_name(name, "group"), _checked_teachers(teachers))
        self._groups.add(group)
        return group

    def ensure(self, group_ids: Iterable[GroupId], names: Mapping[GroupId, str] | None = None) -> None:
        """Create a record for groups that have none, named by `names` or else by id."""
        for group_id in sorted(group_ids):
            try:
                self._groups.get(group_id)
            except GroupNotFound:
                try:
                    self._groups.add(Group(group_id, (names or {}).get(group_id, group_id)))
                except GroupExists:
                    # Another request created it first.
                    continue

    def update(
        self, group_id: GroupId, expected: int, name: str | None = None, teachers: Collection[UserId] | None = None
    ) -> Group:
        """Change the name or teachers of a group, if its version is `expected`.

        Raises:
            GroupNotFound: no group has this id.
            VersionConflict: the group has a different version.
            InvalidRequest: the name is empty or too long, or there are too many teachers.
        """
        group = self._groups.get(group_id)
        changed = Group(
            group_id,
            group.name if name is None else checked_name(name, "group"),
            group.teachers if teachers is None else _checked_teachers(teachers),
            expected + 1,
        )
        if group.version != expected:
            raise VersionConflict(
                f"The group {group_id} was changed since you read it. Read it again, then repeat your change."
            )
        self._groups.update(changed)
        return changed

    def teach(self, group_id: GroupId, user_id: UserId, teaches: bool) -> None:
        """Make a user a teacher of a group, or no longer; does nothing if they already are, or are not.

        Raises:
            GroupNotFound: no group has this id.
            InvalidRequest: the group has too many teachers.
        """
        while True:
            group = self._groups.get(group_id)
            teachers = group.teachers | {user_id} if teaches else group.teachers - {user_id}
            if teachers == group.teachers:
                return
            try:
                self.update(group_id, group.version, teachers=teachers)
            except VersionConflict:
                # Someone else changed the group: apply the change to the new version.
                continue
            return

    def taught_by(self, user_id: UserId) -> list[GroupId]:
        """Return the groups that a user teaches, ordered by id."""
        return [group.id for group in self._groups.find() if user_id in group.teachers]

    def remove(self, group_id: GroupId) -> None:
        """Remove a group that has neither students nor sessions.

        Raises:
            GroupNotFound: no group has this id.
            GroupInUse: it has students or sessions.
        """
        self._groups.get(group_id)
        if self._students.find(group_id) or self._sessions.of_group(group_id):
            raise GroupInUse(f"The group {group_id} has students or sessions. Move or remove them first.")
        self._groups.remove(group_id)


def _checked_teachers(teachers: Collection[UserId]) -> frozenset[UserId]:
    if len(teachers) > MAX_TEACHERS:
        raise InvalidRequest(f"A group can have at most {MAX_TEACHERS} teachers, not {len(teachers)}.")
    return frozenset(teachers)
