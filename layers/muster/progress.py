"""The callback that long operations report to."""

from collections.abc import Callable

OnProgress = Callable[[str, float], None]
"""Called with the name of a step and the fraction of it that is completed, 0 to 1."""


def ignore_progress(step: str, fraction: float) -> None:
    """Do nothing, where nobody watches."""
