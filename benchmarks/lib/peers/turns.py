"""Repeated work of one engine in a process of its own, one turn per line of standard input.

It needs numpy only, so that every environment can import it.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

Work = Callable[[], NDArray[np.float32]]

BATCHES = (1, 8, 16, 32)
"""Batch sizes of which an engine that may choose takes the fastest."""


def serve(work: Work, embeddings: Path, about: Mapping[str, object]) -> None:
    """Do the work once, keep its result, and then once per line of standard input.

    Prints one line of JSON each time: first `about`, then `seconds` by the clock and `processor` seconds of all
    threads.

    Args:
        work: returns embeddings, float32 (N, D).
        embeddings: file that the first result is written to.
        about: the engine's versions and settings.
    """
    np.save(embeddings, work())
    print(json.dumps(dict(about)), flush=True)
    for _ in sys.stdin:
        print(json.dumps(dict(zip(("seconds", "processor"), timed(work), strict=True))), flush=True)


def timed(work: Work) -> tuple[float, float]:
    """Return the seconds of one call, by the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def fastest(make: Callable[[int], Work], rounds: int = 2) -> int:
    """Return the batch size whose median of processor seconds is the least, each after one call to warm up."""
    spent: dict[int, list[float]] = {size: [] for size in BATCHES}
    for number in range(rounds + 1):
        for size in BATCHES:
            _, processor = timed(make(size))
            if number:
                spent[size].append(processor)
    return min(spent, key=lambda size: median(spent[size]))
