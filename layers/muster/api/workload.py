"""Limits on concurrent heavy requests: their routes run in separate threads, behind a bounded queue."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from muster.domain.errors import ServerBusy

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Workload:
    """Runs the endpoints of one kind of work in threads of its own; light routes use the framework's threads.

    Args:
        at_once: endpoints that run at the same time.
        waiting: further requests that may wait; more are refused.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._threads = CapacityLimiter(at_once)
        self._max_taken = at_once + waiting
        self._taken = 0

    def __call__(self, endpoint: Callable[_P, _R]) -> Callable[_P, Awaitable[_R]]:
        """Decorate an endpoint, below the route's own decorator.

        The endpoint raises `ServerBusy` if too many requests are waiting.
        """

        @functools.wraps(endpoint)
        async def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            # Counted here, because the limiter counts a task as waiting only once it has yielded to others.
            if self._taken >= self._max_taken:
                raise ServerBusy("The server is busy. Try again in a few seconds.")
            self._taken += 1
            try:
                return await to_thread.run_sync(functools.partial(endpoint, *args, **kwargs), limiter=self._threads)
            finally:
                self._taken -= 1

        return run


def recognition_work() -> Workload:
    """Limit recognition: each photo uses several cores."""
    return Workload(at_once=2, waiting=60)


def archive_work() -> Workload:
    """Limit archives of registration photos. Each takes minutes, and roll calls must not wait for them."""
    return Workload(at_once=1, waiting=4)


def picture_work() -> Workload:
    """Limit pictures and the naming of faces. A page of faces requests some 40 pictures at once."""
    return Workload(at_once=2, waiting=400)
