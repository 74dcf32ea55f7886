"""A bound on work at once: heavy routes run in threads of their own, and only so many requests wait for one."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from muster.domain.errors import ServerBusy

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Workload:
    """Runs the endpoints of one kind of work; `/health` and light routes keep the framework's own threads.

    Args:
        at_once: endpoints that run at the same time.
        waiting: requests that may wait for one to end; further ones are refused.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._threads = CapacityLimiter(at_once)
        self._most = at_once + waiting
        self._taken = 0

    def __call__(self, endpoint: Callable[_P, _R]) -> Callable[_P, Awaitable[_R]]:
        """Decorate an endpoint, below the route's own decorator.

        The endpoint raises `ServerBusy` where too many requests are waiting.
        """

        @functools.wraps(endpoint)
        async def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            # Counted here: the limiter counts a task as waiting only after it has let others run.
            if self._taken >= self._most:
                raise ServerBusy("The server is busy: send the request again in a few seconds.")
            self._taken += 1
            try:
                return await to_thread.run_sync(functools.partial(endpoint, *args, **kwargs), limiter=self._threads)
            finally:
                self._taken -= 1

        return run


def recognition_work() -> Workload:
    """Make the bound on reading photos, which each use several cores."""
    return Workload(at_once=2, waiting=60)


def archive_work() -> Workload:
    """Make the bound on archives of registration photos: each takes minutes, which no roll call must wait for."""
    return Workload(at_once=1, waiting=4)


def picture_work() -> Workload:
    """Make the bound on pictures to look at and faces to name; a page of faces asks for some 40 at once."""
    return Workload(at_once=2, waiting=400)
