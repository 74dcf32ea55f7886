"""Disk space of installed packages with their dependencies."""

from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement

_OF_NVIDIA = ("nvidia-", "cuda-", "triton")


def installed(paths: list[str], names: list[str]) -> tuple[int, int]:
    """Measure some packages and what they need here, without extras.

    Args:
        paths: folders that the environment imports from.
        names: of the packages.

    Returns:
        Bytes in all, and of them those of the libraries that torch's build for Linux brings for NVIDIA's cards.
    """
    there = {_plain(found.metadata["Name"]): found for found in Distribution.discover(path=paths)}
    needed: set[str] = set()
    waiting = [_plain(name) for name in names]
    while waiting:
        name = waiting.pop()
        # A lock file may leave out a need, or give another build of a package in its place, as of OpenCV.
        if name in needed or name not in there:
            continue
        needed.add(name)
        for line in there[name].requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                waiting.append(_plain(need.name))
    sizes = {name: _bytes_of(there[name]) for name in needed}
    return sum(sizes.values()), sum(size for name, size in sizes.items() if name.startswith(_OF_NVIDIA))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _bytes_of(package: Distribution) -> int:
    return sum(path.stat().st_size for file in package.files or [] if (path := Path(str(file.locate()))).is_file())
