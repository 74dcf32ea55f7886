"""Folders that come with Muster beside its code: the sample photos and the web client."""

from pathlib import Path


def shipped_folder(name: str) -> Path | None:
    """Find one in the installed package, or beside it in a checkout; None where it was left out.

    Args:
        name: `samples` or `web`.
    """
    package = Path(__file__).parents[1]
    for candidate in (package / name, package.parents[1] / name):
        if candidate.is_dir():
            return candidate
    return None
