"""Authentication of every request, once, before its body is read."""

from collections.abc import Collection
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from muster.api.access import Principal
from muster.api.problems import problem_of
from muster.api.sign_in import SignIn
from muster.domain.errors import MusterError, SignInRequired

_KEY: Final = "muster.caller"


class AuthenticationMiddleware:
    """Authenticates the request and stores the principal, or the authentication error, in the scope."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._app = app
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its caller."""
        if scope["type"] == "http":
            scope[_KEY] = await run_in_threadpool(self._caller, HTTPConnection(scope))
        await self._app(scope, receive, send)

    def _caller(self, request: HTTPConnection) -> Principal | MusterError:
        try:
            return self._sign_in.principal(request)
        except MusterError as error:
            # Public routes need no caller, so the error is raised by those that do.
            return error


def caller_of(scope: Scope) -> Principal | MusterError:
    """Return the principal of a request, or the reason why it has none."""
    caller: Principal | MusterError = scope.get(_KEY, SignInRequired("Sign in, then send the request again."))
    return caller


class RequireAuthenticationMiddleware:
    """Refuses unauthenticated requests before their bodies are read; runs after `AuthenticationMiddleware`.

    The routes check the caller again, and what the caller may do. GET and HEAD are left to them, since no route
    reads a body there.

    Args:
        public_paths: paths that need no caller.
    """

    def __init__(self, app: ASGIApp, public_paths: Collection[str]) -> None:
        self._app = app
        self._public_paths = public_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it is authenticated or its path is public."""
        caller = caller_of(scope) if scope["type"] == "http" else None
        reads = scope.get("method") in {"GET", "HEAD"}
        if isinstance(caller, MusterError) and not reads and scope["path"] not in self._public_paths:
            await problem_of(caller)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
