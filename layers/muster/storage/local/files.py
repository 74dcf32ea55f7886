"""Photo and head files, written once under random names."""

import errno
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from muster.domain.errors import StorageFull, StoreUnusable

_log = logging.getLogger(__name__)

# EFBIG reports a file size limit; for the user it is the same lack of space.
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

UNCOMMITTED = ".new"

_NAME = re.compile("[0-9a-f]{32}")


def is_file_name(name: str) -> bool:
    """Return whether a name has the form of those that `Files.write` returns."""
    return _NAME.fullmatch(name) is not None


class Files:
    """A flat folder of immutable files with random names.

    A file's name ends in `.new` until the row that refers to it is committed. Only files that still end in `.new` are
    removed as left by a killed process. A file without the suffix belongs to some state of the database. It stays even
    if the database does not refer to it, because the database may be an older copy.
    """

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            directory.mkdir(mode=0o700, exist_ok=True)
        self._directory = directory

    def write(self, content: bytes) -> str:
        """Write and sync a new file, and return its name; call this while holding the database's write lock.

        Raises:
            StorageFull: there is no space; no partial file remains.
            StoreUnusable: the folder cannot be written.
        """
        name = uuid4().hex
        path = self._directory / (name + UNCOMMITTED)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._sync_folder()
        except OSError as error:
            if error.errno in _NO_SPACE:
                path.unlink(missing_ok=True)
                raise StorageFull("The disk is full: free some space and try again; nothing was stored.") from error
            raise self._unusable(error) from error
        return name

    def keep(self, names: Iterable[str]) -> None:
        """Remove the `.new` suffix of files whose rows are committed; they can be read with or without it."""
        for name in names:
            try:
                (self._directory / (name + UNCOMMITTED)).rename(self._directory / name)
            except FileNotFoundError:
                # Another process that opened the store renamed it first, or the file has been removed.
                continue
            except OSError:
                _log.exception("the file %s keeps its temporary name until the next opening", name)

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: it was removed.
            StoreUnusable: it cannot be read.
        """
        # The last attempt is for a file that lost its suffix between the first two.
        for candidate in (name, name + UNCOMMITTED):
            try:
                return (self._directory / candidate).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._unusable(error) from error
        return (self._directory / name).read_bytes()

    def path(self, name: str) -> Path:
        """Return the path of a file, with `.new` while its row may not be committed."""
        path = self._directory / name
        uncommitted = self._directory / (name + UNCOMMITTED)
        return uncommitted if not path.exists() and uncommitted.exists() else path

    def names(self) -> set[str]:
        """Return the names of all files, committed or not."""
        return {path.name.removesuffix(UNCOMMITTED) for path in self._directory.iterdir()}

    def uncommitted(self) -> set[str]:
        """Return the names of the files whose rows may not be committed."""
        with os.scandir(self._directory) as entries:
            return {entry.name.removesuffix(UNCOMMITTED) for entry in entries if entry.name.endswith(UNCOMMITTED)}

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; missing ones are ignored.

        Raises:
            StoreUnusable: the folder cannot be written.
        """
        for name in names:
            # In this order: a file may lose its suffix concurrently, but never regains it.
            for candidate in (name + UNCOMMITTED, name):
                try:
                    (self._directory / candidate).unlink(missing_ok=True)
                except OSError as error:
                    raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> StoreUnusable:
        return StoreUnusable(
            f"The files under {self._directory} cannot be read or written ({error.strerror}): check the folder and the "
            "disk, then run `muster doctor`."
        )

    def _sync_folder(self) -> None:
        if os.name == "nt":  # Windows gives no handle on a folder; NTFS journals the name itself.
            return
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
