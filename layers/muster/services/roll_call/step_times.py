"""The time that each step of a roll call takes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter


class StepTimes:
    """Milliseconds per step, summed over the photos of a request."""

    def __init__(self) -> None:
        self._milliseconds: dict[str, float] = {}

    @contextmanager
    def measured(self, step: str) -> Iterator[None]:
        """Add the time that the block takes."""
        started = perf_counter()
        yield
        self.add({step: (perf_counter() - started) * 1000})

    def add(self, milliseconds: Mapping[str, float]) -> None:
        """Add times that were measured elsewhere."""
        for step, duration in milliseconds.items():
            self._milliseconds[step] = self._milliseconds.get(step, 0.0) + duration

    def rounded(self) -> dict[str, float]:
        """Return the sums in milliseconds, to one decimal place."""
        return {step: round(duration, 1) for step, duration in self._milliseconds.items()}
