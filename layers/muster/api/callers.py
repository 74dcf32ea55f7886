"""Every request's sender, found once."""

from collections.abc import Collection
from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from muster.api.access import Access, Principal
from muster.api.problems import problem_of
from muster.api.sign_in import SignIn
from muster.domain.errors import MusterError, SignInRequired
from muster.storage.ports import GroupStore, SessionStore, StudentStore

_KEY: Final = "muster.caller"

# For the OpenAPI document alone: who asks is read by `SignIn`.
_BEARER = HTTPBearer(
    auto_error=False, description="A token made by `muster users`; in the cloud, an access token of the user pool."
)


class Callers:
    """ASGI middleware that finds out who asks and keeps it with the request, or why it is nobody."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._app = app
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its sender."""
        if scope["type"] == "http":
            scope[_KEY] = await run_in_threadpool(self._caller, HTTPConnection(scope))
        await self._app(scope, receive, send)

    def _caller(self, request: HTTPConnection) -> Principal | MusterError:
        try:
            return self._sign_in.principal(request)
        except MusterError as error:
            # The routes that are open to all need no sender.
            return error


def caller_of(scope: Scope) -> Principal | MusterError:
    """Return who sent a request, or why it is nobody."""
    caller: Principal | MusterError = scope.get(_KEY, SignInRequired("Sign in, then send the request again."))
    return caller


class CallersOnly:
    """ASGI middleware that refuses requests without a known sender before their bodies are read.

    It stands behind `Callers`. The routes check the sender again, and what the sender may do; GET and HEAD are left to
    them, since no route reads a body there.

    Args:
        open_paths: paths that anyone may ask for.
    """

    def __init__(self, app: ASGIApp, open_paths: Collection[str]) -> None:
        self._app = app
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its sender is known or its path is open."""
        caller = caller_of(scope) if scope["type"] == "http" else None
        reads = scope.get("method") in {"GET", "HEAD"}
        if isinstance(caller, MusterError) and not reads and scope["path"] not in self._open_paths:
            await problem_of(caller)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Gate:
    """Gives a route what its caller may do."""

    def __init__(self, sign_in: SignIn, groups: GroupStore, students: StudentStore, sessions: SessionStore) -> None:
        self.sign_in = sign_in
        self._groups = groups
        self._students = students
        self._sessions = sessions

    def __call__(
        self, request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None
    ) -> Access:
        """Return what the sender of a request may do.

        Raises:
            SignInRequired: the request carries no valid token.
            NotAllowed: the user has no role.
        """
        caller = caller_of(request.scope)
        if isinstance(caller, MusterError):
            raise caller
        return Access(caller, self._groups, self._students, self._sessions)
