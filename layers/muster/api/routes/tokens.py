"""API tokens of other systems, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.tokens import ApiTokenDocument, ApiTokenList, CreatedApiToken, NewApiToken
from muster.api.system import RecordServices
from muster.domain.identifiers import parse_group_id

_PROBLEMS = problems(401, 403, 404, 409, 422)


def token_routes(system: RecordServices) -> APIRouter:
    """Make the router.

    A token is the answer to `PUT`, which is never stored for repetition: `POST` with an `Idempotency-Key` is.
    """
    router = APIRouter(prefix="/v1/tokens", tags=["tokens"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("")
    def list_tokens(access: caller) -> ApiTokenList:
        """Return all API tokens without their secrets, revoked ones too; admins only."""
        access.admin()
        return ApiTokenList(items=[ApiTokenDocument.of(token) for token in system.api_tokens.find()])

    @router.put("/{name}", status_code=201)
    def add_token(access: caller, name: str, new: NewApiToken, response: Response) -> CreatedApiToken:
        """Create an API token and return it, once; admins only. A name is never used again."""
        access.admin()
        groups = None if new.group_ids is None else list(map(parse_group_id, new.group_ids))
        token, text = system.api_tokens.add(name, new.scopes, groups, access.principal.user_id, new.days)
        response.headers["Cache-Control"] = "no-store"
        return CreatedApiToken(**ApiTokenDocument.of(token).model_dump(), token=text)

    @router.delete("/{name}")
    def revoke_token(access: caller, name: str) -> ApiTokenDocument:
        """Make an API token invalid from now on; admins only. It stays in the list."""
        access.admin()
        return ApiTokenDocument.of(system.api_tokens.revoke(name))

    return router
