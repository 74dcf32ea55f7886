"""The users of one machine, for admins. In the cloud, `muster users` manages the accounts."""

from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.users import NewUser, SignInAddress, TokenDocument, UserDocument, UserList
from muster.api.system import RecordServices
from muster.domain.errors import LastAdmin
from muster.domain.identifiers import UserId, parse_group_id, parse_user_id
from muster.domain.user import Role, User
from muster.services.roster.names import checked_name
from muster.services.roster.users import Users

_PROBLEMS = problems(401, 403, 404, 409, 422)

_NO_CACHE = {"Cache-Control": "no-store"}


def user_routes(system: RecordServices, users: Users) -> APIRouter:
    """Make the router.

    Tokens are answers to `PUT`, which is never stored for repetition: `POST` with an `Idempotency-Key` is.
    """
    router = APIRouter(prefix="/v1/users", tags=["users"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("")
    def list_users(access: caller) -> UserList:
        """Return all users with their groups, ordered by id; admins only."""
        access.admin()
        taught: dict[UserId, list[str]] = defaultdict(list)
        for group in system.groups.find():
            for teacher in group.teachers:
                taught[teacher].append(group.id)
        return UserList(items=[UserDocument.of(user, taught[user.id]) for user in users.find()])

    @router.put("/{user_id}", status_code=201)
    def add_user(access: caller, user_id: str, new: NewUser, response: Response) -> TokenDocument:
        """Create a user and return their token; admins only. The first user must be an admin."""
        access.admin()
        identifier = parse_user_id(user_id)
        if new.role is not Role.ADMIN and not users.find():
            raise LastAdmin("The first user must be an admin: as soon as a user exists, every request needs a token.")
        name = checked_name(new.name, "user") if new.name.strip() else ""
        groups = list(map(parse_group_id, new.group_ids))
        token = users.add(User(identifier, new.role, name), groups, create_groups=False)
        response.headers.update(_NO_CACHE)
        return _token(identifier, token, new)

    @router.put("/{user_id}/token")
    def renew_token(access: caller, user_id: str, where: SignInAddress, response: Response) -> TokenDocument:
        """Replace a user's token; the old one is invalid from now on. Admins only."""
        access.admin()
        identifier = parse_user_id(user_id)
        token = users.renew_token(identifier)
        response.headers.update(_NO_CACHE)
        return _token(identifier, token, where)

    @router.delete("/{user_id}", status_code=204)
    def remove_user(access: caller, user_id: str) -> None:
        """Remove a user, invalidate their token and remove them from their groups; admins only."""
        access.admin()
        users.remove(parse_user_id(user_id))

    return router


def _token(user_id: UserId, token: str, where: SignInAddress) -> TokenDocument:
    if where.address is None:
        return TokenDocument(user_id=user_id, token=token, link=None, qr=None)
    # Only this answer needs it.
    import segno

    # The token is in the fragment, which browsers never send, so no server logs it.
    link = f"{where.address}/#/token/{token}"
    rows = ["".join("01"[bool(cell)] for cell in row) for row in segno.make_qr(link, error="L").matrix]
    return TokenDocument(user_id=user_id, token=token, link=link, qr=rows)
