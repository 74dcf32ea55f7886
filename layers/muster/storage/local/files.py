"""Photos and head files, each written once under a name of its own."""

import errno
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from muster.domain.errors import StorageFull, StoreUnusable

_log = logging.getLogger(__name__)

# EFBIG is how a limit on file sizes shows; to the person it is the same lack of room.
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

UNCOMMITTED = ".new"

_NAME = re.compile("[0-9a-f]{32}")


def is_file_name(name: str) -> bool:
    """Tell whether a name has the form of those that `Files.write` returns."""
    return _NAME.fullmatch(name) is not None


class Files:
    """A flat folder of files that are never changed: written whole, read, removed.

    Names are random. A file ends in `.new` until the row that names it is committed. Only files that still end so are
    removed as remains of a process that was killed: a file without it belongs to some state of the database, and stays
    even if the present database does not name it, because that may be an older copy.
    """

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            directory.mkdir(mode=0o700, exist_ok=True)
        self._directory = directory

    def write(self, content: bytes) -> str:
        """Bring a new file to the disk and return its name; call it while holding the database's write lock.

        Raises:
            StorageFull: there is no room; nothing is left behind.
            StoreUnusable: the folder cannot be written.
        """
        name = uuid4().hex
        path = self._directory / (name + UNCOMMITTED)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._bring_names_to_disk()
        except OSError as error:
            if error.errno in _NO_SPACE:
                path.unlink(missing_ok=True)
                raise StorageFull("The disk is full: free some space and try again; nothing was stored.") from error
            raise self._unusable(error) from error
        return name

    def keep(self, names: Iterable[str]) -> None:
        """Take the mark off files whose rows are committed; without it they are read all the same."""
        for name in names:
            try:
                (self._directory / (name + UNCOMMITTED)).rename(self._directory / name)
            except FileNotFoundError:
                # Another process opened the store and was faster, or the file is removed already.
                continue
            except OSError:
                _log.exception("the file %s keeps its temporary name until the next opening", name)

    def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: it was removed.
            StoreUnusable: it cannot be read.
        """
        # The last look is for a file that lost its mark between the first two.
        for candidate in (name, name + UNCOMMITTED):
            try:
                return (self._directory / candidate).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._unusable(error) from error
        return (self._directory / name).read_bytes()

    def path(self, name: str) -> Path:
        """Return where a file lies; with `.new` behind it as long as its row may not be committed."""
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
        """Remove files; those that are gone already are ignored.

        Raises:
            StoreUnusable: the folder cannot be written.
        """
        for name in names:
            # In this order: a file may lose its mark meanwhile, and never gets it back.
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

    def _bring_names_to_disk(self) -> None:
        if os.name == "nt":  # Windows gives no handle on a folder; NTFS journals the name itself.
            return
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
