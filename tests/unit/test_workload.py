"""The queue of requests that read photos: order, bound, and how long it says that it takes."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from muster.api import workload
from muster.api.workload import Workload
from muster.domain.errors import MusterError, ServerBusy


def test_requests_are_served_in_the_order_in_which_they_came() -> None:
    served: list[int] = []
    serve = Workload(at_once=1, waiting=30)(served.append)

    async def send() -> None:
        await asyncio.gather(*(serve(number) for number in range(30)))

    asyncio.run(send())
    assert served == list(range(30))


@pytest.mark.parametrize(("durations", "seconds"), [([], 8), ([3.0], 12), ([3.0, 13.0], 20), ([0.01], 1), ([900], 600)])
def test_a_refusal_says_how_long_the_queue_takes_by_the_durations_measured(
    durations: list[float], seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = threading.Event()
    work = Workload(at_once=1, waiting=3)
    hold, instant = work(lambda: leave.wait(60)), work(lambda: None)

    async def refusal() -> ServerBusy:
        for duration in durations:
            monkeypatch.setattr(workload, "perf_counter", clock(duration))
            await instant()
        held = [asyncio.ensure_future(hold()) for _ in range(4)]
        await asyncio.sleep(0)
        try:
            with pytest.raises(ServerBusy) as refused:
                await instant()
        finally:
            leave.set()
        await asyncio.gather(*held)
        return refused.value

    busy = asyncio.run(refusal())
    assert busy.retry_after == seconds
    assert str(busy) == f"4 other requests are waiting, which take about {seconds} s. Try again then."


def test_requests_that_fail_say_nothing_about_the_duration_of_others() -> None:
    work = Workload(at_once=1, waiting=0)

    def refuse() -> None:
        raise MusterError

    async def send() -> None:
        with pytest.raises(MusterError):
            await work(refuse)()

    asyncio.run(send())
    assert work._seconds is None
    assert work._taken == 0


def clock(duration: float) -> Callable[[], float]:
    """A clock that advances by this between two readings."""
    readings = iter(range(1000))
    return lambda: next(readings) * duration
