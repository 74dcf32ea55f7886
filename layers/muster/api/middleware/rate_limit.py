"""Rate limits per user, in this process's memory; in the cloud the gateway limits requests instead."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from muster.api.middleware.authentication import caller_of
from muster.api.problems import problem_of
from muster.domain.errors import MusterError, SignInRequired, TooManyRequests


@dataclass(frozen=True, slots=True)
class Rate:
    """A burst of requests, and the rate per second after it."""

    burst: int
    per_second: float


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Rate of requests per user, and of invalid tokens per address.

    The defaults are far above what a class needs (a page of faces to review is some 40 requests), and far below what
    would slow the server down for others.
    """

    user: Rate = Rate(burst=400, per_second=20)
    failed_sign_in: Rate = Rate(burst=20, per_second=0.2)


class Buckets:
    """A token bucket per key; the least recently used keys are dropped first."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic, max_keys: int = 10_000) -> None:
        self._rate = rate
        self._clock = clock
        self._max_keys = max_keys
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one token from a bucket; return 0, or the seconds to wait if it is empty."""
        now = self._clock()
        left, at = self._left.pop(key, (float(self._rate.burst), now))
        left = min(self._rate.burst, left + (now - at) * self._rate.per_second)
        taken = left >= 1
        self._left[key] = (left - taken, now)
        if len(self._left) > self._max_keys:
            self._left.popitem(last=False)
        return 0 if taken else (1 - left) / self._rate.per_second


def wait_detail(seconds: int) -> str:
    """Return the sentence that asks a caller to wait."""
    return f"Too many requests. Try again in {seconds} seconds."


class RateLimitMiddleware:
    """Answers 429 to callers that send too many requests; runs after `AuthenticationMiddleware`."""

    def __init__(self, app: ASGIApp, limits: RateLimits) -> None:
        self._app = app
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
        if not isinstance(caller, MusterError):
            return self._users.take(caller.user_id)
        if isinstance(caller, SignInRequired) and "authorization" in request.headers:
            return self._addresses.take(request.client.host if request.client else "")
        return 0
