"""Rate limits per user, in this process's memory; in the cloud the gateway limits requests instead."""

import math
from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from muster.api.middleware.authentication import caller_of
from muster.api.problems import problem_of
from muster.api.rate_limits import Buckets, RateLimits
from muster.domain.errors import MusterError, SignInRequired, TooManyRequests


def wait_detail(seconds: int) -> str:
    """Return the sentence that asks a caller to wait."""
    return f"Too many requests. Try again in {seconds} seconds."


class RateLimitMiddleware:
    """Answers 429 to callers that send too many requests; runs after `AuthenticationMiddleware`.

    Args:
        sign_in_paths: public paths on which every request counts like an invalid token.
    """

    def __init__(self, app: ASGIApp, limits: RateLimits, sign_in_paths: Collection[str] = ()) -> None:
        self._app = app
        self._sign_in_paths = sign_in_paths
        self._users = Buckets(limits.user)
        self._addresses = Buckets(limits.failed_sign_in)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its caller has used up its rate."""
        wait = self._wait(scope) if scope["type"] == "http" else 0
        if wait <= 0:
            await self._app(scope, receive, send)
            return
        seconds = math.ceil(wait)
        error = TooManyRequests(wait_detail(seconds))
        await problem_of(error, {"Retry-After": str(seconds)})(scope, receive, send)

    def _wait(self, scope: Scope) -> float:
        caller, request = caller_of(scope), HTTPConnection(scope)
        if scope["path"] in self._sign_in_paths:
            return self._addresses.take(request.client.host if request.client else "")
        if not isinstance(caller, MusterError):
            return self._users.take(caller.user_id)
        if isinstance(caller, SignInRequired) and "authorization" in request.headers:
            return self._addresses.take(request.client.host if request.client else "")
        return 0
