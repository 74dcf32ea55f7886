"""Groups and their students."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.etags import IfMatch, etag, expected
from muster.api.pagination import Cursor, Limit, page
from muster.api.problems import problems
from muster.api.schemas.groups import GroupChange, GroupDocument, GroupPage, NewGroup
from muster.api.schemas.students import StudentPage
from muster.api.system import RecordServices
from muster.domain.group import Group
from muster.domain.identifiers import parse_group_id

_PROBLEMS = problems(401, 403, 404, 422)
_CHANGE_PROBLEMS = problems(409, 412, 428)


def group_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/groups", tags=["groups"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    def described(*groups: Group) -> list[GroupDocument]:
        names = system.people.names({teacher for group in groups for teacher in group.teachers})
        return [GroupDocument.of(group, names) for group in groups]

    @router.get("")
    def list_groups(access: caller, limit: Limit = 100, cursor: Cursor = None) -> GroupPage:
        """Return the groups that the caller may see, ordered by id."""
        own = access.groups()
        groups = [group for group in system.groups.find() if own is None or group.id in own]
        items, following = page(groups, lambda group: group.id, limit, cursor)
        return GroupPage(items=described(*items), next_cursor=following)

    @router.post("", status_code=201, responses=_CHANGE_PROBLEMS)
    def create_group(access: caller, new: NewGroup, response: Response) -> GroupDocument:
        """Create a group; admins only."""
        access.admin()
        group = system.groups.create(parse_group_id(new.group_id), new.name, system.people.teachers(new.teachers))
        response.headers["Location"] = f"/v1/groups/{group.id}"
        response.headers["ETag"] = etag(group.version)
        return described(group)[0]

    @router.get("/{group_id}")
    def get_group(access: caller, group_id: str, response: Response) -> GroupDocument:
        """Return one group."""
        identifier = parse_group_id(group_id)
        access.group(identifier)
        group = system.groups.get(identifier)
        response.headers["ETag"] = etag(group.version)
        return described(group)[0]

    @router.patch("/{group_id}", responses=_CHANGE_PROBLEMS)
    def change_group(
        access: caller, group_id: str, change: GroupChange, response: Response, if_match: IfMatch = None
    ) -> GroupDocument:
        """Change the name or the teachers of a group; admins only."""
        access.admin()
        identifier = parse_group_id(group_id)
        version = expected(if_match, system.groups.get(identifier).version)
        teachers = None if change.teachers is None else system.people.teachers(change.teachers)
        group = system.groups.update(identifier, version, change.name, teachers)
        response.headers["ETag"] = etag(group.version)
        return described(group)[0]

    @router.delete("/{group_id}", status_code=204, responses=_CHANGE_PROBLEMS)
    def remove_group(access: caller, group_id: str) -> None:
        """Remove a group that has neither students nor sessions; admins only."""
        access.admin()
        identifier = parse_group_id(group_id)
        system.groups.remove(identifier)
        system.timetables.forget(identifier)

    @router.get("/{group_id}/students")
    def list_students(access: caller, group_id: str, limit: Limit = 100, cursor: Cursor = None) -> StudentPage:
        """Return the students of a group, ordered by id."""
        identifier = parse_group_id(group_id)
        access.group(identifier)
        return StudentPage.of(*page(system.roster.find(identifier), lambda student: student.id, limit, cursor))

    return router
