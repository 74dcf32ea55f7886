"""Folders that are whole or not there: built beside their place, by one process at a time, and moved in at the end."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


@contextmanager
def only_builder(target: Path) -> Iterator[None]:
    """Hold the right to build `target`, waiting for another process that has it.

    The operating system frees the right when its holder dies. What a killed builder left behind is removed.

    Raises:
        OSError: the folder around the target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / f".{target.name}.lock"):
        for stale in target.parent.glob(f".{target.name}-*"):
            # A download that outlived its killed parent may still write here; what is left goes with the next build.
            shutil.rmtree(stale, ignore_errors=True)
        yield


@contextmanager
def replaced_at_once(target: Path) -> Iterator[Path]:
    """Give a new folder to fill that takes the target's place, complete and on disk, when the block ends well.

    If the block fails, the target is as it was and the new folder is gone. Call it under `only_builder(target)`.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    parent = target.parent
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=parent, ignore_cleanup_errors=True) as temporary:
        new = Path(temporary) / "new"
        new.mkdir()
        yield new
        for path in sorted(new.iterdir()):
            _sync(path)
        _sync(new)
        if target.exists():
            target.rename(Path(temporary) / "old")
        new.rename(target)
        _sync(parent)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows keeps no handle to a folder that could be flushed
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
