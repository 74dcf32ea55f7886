"""Memory that was freed, returned to the operating system."""

import ctypes
import sys
from contextlib import suppress


def return_free_memory() -> None:
    """Return what the C library keeps of freed memory; does nothing where it is not glibc.

    Inference frees large arrays in whichever thread read the photo, and glibc keeps them apart for each thread:
    `python -m benchmarks.memory` measures what this saves.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
