"""Photos and head files, each written once under a name of its own."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from muster.domain.errors import StorageFull

# EFBIG is how a limit on file sizes shows; to the person it is the same lack of room.
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Files:
    """A flat folder of files that are never changed: written whole, read, removed.

    Names are random. A name counts once a committed row of the database refers to it, so that a file
    needs no temporary name: half written, it is one that nobody refers to.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self._directory = directory

    def write(self, content: bytes) -> str:
        """Bring a new file to the disk and return its name; call it while holding the database's write lock.

        Raises:
            StorageFull: there is no room; nothing is left behind.
        """
        name = uuid4().hex
        path = self._directory / name
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._bring_names_to_disk()
        except OSError as error:
            path.unlink(missing_ok=True)
            if error.errno in _NO_SPACE:
                raise StorageFull("The disk is full: free some space and try again; nothing was stored.") from error
            raise
        return name

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: it was removed.
        """
        return (self._directory / name).read_bytes()

    def names(self) -> set[str]:
        """Return the names of all files."""
        return {path.name for path in self._directory.iterdir()}

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, those that are gone already left aside."""
        for name in names:
            (self._directory / name).unlink(missing_ok=True)

    def _bring_names_to_disk(self) -> None:
        if os.name == "nt":  # Windows gives no handle on a folder; NTFS journals the name itself.
            return
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
