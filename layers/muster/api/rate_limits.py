"""Rate limits of callers, and the token buckets that count their requests."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


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
