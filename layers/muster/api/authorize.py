"""The dependency through which every protected route receives its caller's `Access`."""

from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from muster.api.access import Access
from muster.api.middleware.authentication import caller_of
from muster.api.sign_in import SignIn
from muster.domain.errors import MusterError
from muster.storage.ports import GroupStore, SessionStore, StudentStore

# Only documents the token in OpenAPI; `SignIn` reads it.
_BEARER: Final = HTTPBearer(
    auto_error=False,
    description="A token from `muster users`; in the cloud, an access token of the user pool.",
)


class Authorize:
    """FastAPI dependency that returns what the caller may do.

    Attributes:
        sign_in: identifies callers; the authentication middleware uses it.
    """

    def __init__(self, sign_in: SignIn, groups: GroupStore, students: StudentStore, sessions: SessionStore) -> None:
        self.sign_in = sign_in
        self._groups = groups
        self._students = students
        self._sessions = sessions

    def __call__(
        self, request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None
    ) -> Access:
        """Return the caller's access.

        Raises:
            SignInRequired: the request carries no valid token.
            NotAllowed: the user has no role.
        """
        caller = caller_of(request.scope)
        if isinstance(caller, MusterError):
            raise caller
        return Access(caller, self._groups, self._students, self._sessions)
