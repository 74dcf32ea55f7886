"""Heavy endpoints are followed by a cleanup in their own thread, also where they fail."""

import threading

import anyio
import pytest

from muster.api.free_memory import return_free_memory
from muster.api.workload import Workload


def test_what_comes_afterwards_runs_in_the_endpoints_thread_also_when_it_fails() -> None:
    ran: list[int] = []

    def endpoint(*, fails: bool) -> str:
        ran.append(threading.get_ident())
        if fails:
            raise LookupError
        return "read"

    work = Workload(at_once=1, waiting=1, afterwards=lambda: ran.append(threading.get_ident()))(endpoint)

    async def both() -> None:
        assert await work(fails=False) == "read"
        with pytest.raises(LookupError):
            await work(fails=True)

    anyio.run(both)
    assert len(ran) == 4
    assert ran[0] == ran[1]
    assert ran[2] == ran[3]
    assert threading.get_ident() not in ran


def test_returning_free_memory_is_harmless_at_any_time() -> None:
    kept = bytearray(b"x" * 1_000_000)
    return_free_memory()
    return_free_memory()
    assert kept == b"x" * 1_000_000
