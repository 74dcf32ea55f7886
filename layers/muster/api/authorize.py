"""The dependency through which every protected route receives its caller's `Access`."""

from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from muster.api.access import Access, AccessRules
from muster.api.middleware.authentication import caller_of
from muster.api.scopes import check_scopes
from muster.api.substitute_routes import check_substitute
from muster.domain.errors import MusterError

# Only documents the token in OpenAPI; `SignIn` reads it.
_BEARER: Final = HTTPBearer(
    auto_error=False,
    description="A token from `muster users`; in the cloud, an access token of the user pool. Or an API token.",
)


class Authorize:
    """FastAPI dependency that returns what the caller may do."""

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules

    def __call__(
        self, request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None
    ) -> Access:
        """Return the caller's access.

        Raises:
            SignInRequired: the request carries no valid token.
            NotAllowed: the user has no role, or a substitute may not use this route.
            ScopeMissing: an API token has no scope that opens this route.
        """
        caller = caller_of(request.scope)
        if isinstance(caller, MusterError):
            raise caller
        if caller.token is not None:
            check_scopes(caller.token.scopes, request.method, request.scope["route"].path)
        if caller.substitute is not None:
            check_substitute(request.method, request.scope["route"].path)
        return self._rules.of(caller)
