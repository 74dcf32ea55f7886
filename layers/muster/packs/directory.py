"""Directories that are built by one process at a time and replaced atomically."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


@contextmanager
def build_lock(target: Path) -> Iterator[None]:
    """Hold the lock for building `target`, after waiting for any other process that holds it.

    The operating system releases the lock if its holder dies. Leftovers of a killed build are removed.

    Raises:
        OSError: the folder around the target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / f".{target.name}.lock"):
        for stale in target.parent.glob(f".{target.name}-*"):
            # A download that outlived its killed parent may still write here; the next build removes the rest.
            shutil.rmtree(stale, ignore_errors=True)
        yield


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Yield a new, empty folder that replaces the target, complete and on disk, when the block succeeds.

    If the block fails, the target is unchanged and the new folder is removed. The caller holds `build_lock(target)`.

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
    if path.is_dir() and os.name == "nt":  # Windows has no handle to a folder that could be flushed
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
