"""Codes of substitutes: made and revoked by admins, and exchanged for a token by anyone who has one."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.substitutes import (
    CreatedSubstitute,
    NewSubstitute,
    SubstituteDocument,
    SubstituteList,
    SubstituteSignIn,
    SubstituteToken,
)
from muster.api.system import RecordServices
from muster.domain.identifiers import parse_group_id

_PATH: Final = "/v1/substitutes"
_PROBLEMS = problems(401, 403, 404, 409, 422)
_SIGN_IN_PROBLEMS = problems(403, 409, 422, 429)

SIGN_IN_PATH: Final = f"{_PATH}/sign-in"

SECRET_PATHS: Final = frozenset({_PATH, SIGN_IN_PATH})
"""Paths whose answers contain a code or a token, which are never stored for repetition."""


def substitute_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix=_PATH, tags=["substitutes"])
    caller = Annotated[Access, Depends(Authorize(system.access))]
    substitutes = system.substitutes

    @router.get("", responses=_PROBLEMS)
    def list_substitutes(access: caller) -> SubstituteList:
        """Return the codes of the last week and those to come, without their secrets; admins only."""
        access.admin()
        now = substitutes.now()
        return SubstituteList(items=[SubstituteDocument.of(found, now) for found in substitutes.find()])

    @router.post("", status_code=201, responses=_PROBLEMS)
    def add_substitute(access: caller, new: NewSubstitute, response: Response) -> CreatedSubstitute:
        """Make a code for one day and return it, once; admins only. The answer is not stored for repetition."""
        access.admin()
        groups = list(map(parse_group_id, new.group_ids))
        made, code = substitutes.add(new.name, groups, access.principal.user_id, new.day)
        response.headers["Cache-Control"] = "no-store"
        return CreatedSubstitute(**SubstituteDocument.of(made, substitutes.now()).model_dump(), code=code)

    @router.delete("/{substitute_id}", responses=_PROBLEMS)
    def revoke_substitute(access: caller, substitute_id: str) -> SubstituteDocument:
        """End a code and its tokens at once; admins only. It stays in the list for a week after its day."""
        access.admin()
        revoked = substitutes.revoke(substitute_id, access.principal.user_id)
        return SubstituteDocument.of(revoked, substitutes.now())

    @router.post("/sign-in", responses=_SIGN_IN_PROBLEMS)
    def sign_in(sent: SubstituteSignIn, response: Response) -> SubstituteToken:
        """Exchange a code for the token of one device, without authentication.

        After ten wrong tries a code admits no further device. The answer is not stored for repetition.
        """
        substitute, token = substitutes.sign_in(sent.code)
        response.headers["Cache-Control"] = "no-store"
        return SubstituteToken(
            token=token,
            name=substitute.name,
            group_ids=sorted(substitute.groups),
            day=substitute.day,
            expires_at=substitute.expires_at,
        )

    return router
