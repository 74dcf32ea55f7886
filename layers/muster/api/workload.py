"""Limits on concurrent heavy requests: their routes run in separate threads, behind a bounded queue."""

import functools
from collections.abc import Awaitable, Callable
from math import ceil
from time import perf_counter
from typing import Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from muster.domain.errors import ServerBusy

_P = ParamSpec("_P")
_R = TypeVar("_R")

_NEWEST_SHARE: Final = 0.2
"""Weight of the newest duration in the mean: about the last ten requests count."""

_FIRST_SECONDS: Final = 2.0
"""Assumed duration before one was measured: a photo of a class on two cores."""

_MAX_SECONDS: Final = 600


class Workload:
    """Runs the endpoints of one kind of work in threads of its own; light routes use the framework's threads.

    Requests are served in the order in which they came.

    Args:
        at_once: endpoints that run at the same time.
        waiting: further requests that may wait; more are refused.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._threads = CapacityLimiter(at_once)
        self._at_once = at_once
        self._max_taken = at_once + waiting
        self._taken = 0
        self._seconds: float | None = None

    def __call__(self, endpoint: Callable[_P, _R]) -> Callable[_P, Awaitable[_R]]:
        """Decorate an endpoint, below the route's own decorator.

        The endpoint raises `ServerBusy` if too many requests are waiting.
        """

        @functools.wraps(endpoint)
        async def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            # Counted here, because the limiter counts a task as waiting only once it has yielded to others.
            if self._taken >= self._max_taken:
                raise self._busy()
            self._taken += 1
            try:
                result, seconds = await to_thread.run_sync(
                    functools.partial(_timed, endpoint, *args, **kwargs), limiter=self._threads
                )
            finally:
                self._taken -= 1
            # Refused requests are quick and would make the queue look short.
            known = seconds if self._seconds is None else self._seconds
            self._seconds = known + _NEWEST_SHARE * (seconds - known)
            return result

        return run

    def _busy(self) -> ServerBusy:
        """Return the refusal, with the time that the requests in the queue will take."""
        each = _FIRST_SECONDS if self._seconds is None else self._seconds
        seconds = min(max(ceil(each * self._taken / self._at_once), 1), _MAX_SECONDS)
        return ServerBusy(
            f"{self._taken} other requests are waiting, which take about {seconds} s. Try again then.", seconds
        )


def _timed(endpoint: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> tuple[_R, float]:
    started = perf_counter()
    return endpoint(*args, **kwargs), perf_counter() - started


def recognition_work() -> Workload:
    """Limit recognition: each photo uses several cores."""
    return Workload(at_once=2, waiting=60)


def archive_work() -> Workload:
    """Limit archives of registration photos. Each takes minutes, and roll calls must not wait for them."""
    return Workload(at_once=1, waiting=4)


def picture_work() -> Workload:
    """Limit pictures and the naming of faces. A page of faces requests some 40 pictures at once."""
    return Workload(at_once=2, waiting=400)
