"""The files of a OneRoster package, from a ZIP archive or a folder, with bounds on what they cost to read."""

import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from muster.domain.errors import EmptyUpload, UnsupportedTable

MANIFEST: Final = "manifest"
FILES: Final = (
    "academicSessions",
    "orgs",
    "courses",
    "classes",
    "users",
    "roles",
    "enrollments",
)
"""The files that are read, without `.csv`. Others, such as results and demographics, are left alone."""

MAX_ARCHIVE_BYTES: Final = 20_000_000
MAX_ENTRIES: Final = 200
"""Entries of an archive; the standard defines some twenty files."""

MAX_FILE_BYTES: Final = 40_000_000
"""Unpacked size of one file: 200,000 enrolments with identifiers of 36 characters take 35 MB."""

MAX_RATIO: Final = 200
"""Unpacked bytes for each packed one. Tables compress by 5 to 20; thousands mean an archive that was made to harm."""

_ENCRYPTED: Final = 0x1
_METHODS: Final = (ZIP_STORED, ZIP_DEFLATED)
"""How every program packs. LZMA lets an archive choose how much memory unpacking takes."""
_SAVE_AGAIN: Final = "export the package again"


def read_archive(content: bytes) -> dict[str, bytes]:
    """Return the content of the files of a ZIP archive that are read, by name without `.csv`.

    The files may be at the top, as the standard asks, or all in one folder. Nothing is written to the disk.

    Raises:
        EmptyUpload: there are no bytes.
        UnsupportedTable: it is not an archive, is damaged or encrypted, is too large, or has no manifest.
    """
    if not content:
        raise EmptyUpload("The file is empty: choose it again.")
    if len(content) > MAX_ARCHIVE_BYTES:
        raise UnsupportedTable(f"The archive is larger than {MAX_ARCHIVE_BYTES // 1_000_000} MB: {_SAVE_AGAIN}.")
    try:
        with ZipFile(BytesIO(content)) as archive:
            return _entries(archive)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, OverflowError) as error:
        raise UnsupportedTable(f"The ZIP archive is damaged, or no ZIP archive: {_SAVE_AGAIN}.") from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return the content of the files of a folder that are read, by name without `.csv`.

    Raises:
        UnsupportedTable: a file is too large, or there is no manifest.
    """
    found: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        name = _known(path.name)
        if name is None or not path.is_file():
            continue
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _too_large(path.name)
        found[name] = path.read_bytes()
    _check_manifest(found)
    return found


def _entries(archive: ZipFile) -> dict[str, bytes]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_system_file(entry.filename)]
    if len(entries) > MAX_ENTRIES:
        raise UnsupportedTable(f"The archive has {len(entries)} files, far more than a roster: {_SAVE_AGAIN}.")
    found: dict[str, bytes] = {}
    folders = set()
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        name = _known(path.name)
        if name is None:
            continue
        if name in found:
            raise UnsupportedTable(f"The archive has two files named {path.name}: {_SAVE_AGAIN}.")
        if entry.flag_bits & _ENCRYPTED:
            raise UnsupportedTable("The archive is protected with a password: export it without one.")
        if entry.compress_type not in _METHODS:
            raise UnsupportedTable(f"The archive packs {path.name} in an unusual way: {_SAVE_AGAIN}.")
        if entry.file_size > MAX_FILE_BYTES or entry.file_size > MAX_RATIO * max(entry.compress_size, 1_000):
            raise _too_large(path.name)
        with archive.open(entry) as stream:
            # The stated size may be wrong.
            content = stream.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise _too_large(path.name)
        folders.add(path.parent)
        found[name] = content
    if len(folders) > 1:
        raise UnsupportedTable(f"The files of the archive are in several folders: {_SAVE_AGAIN}.")
    _check_manifest(found)
    return found


def _known(file_name: str) -> str | None:
    names = {name.lower(): name for name in (MANIFEST, *FILES)}
    stem, dot, ending = file_name.rpartition(".")
    return names.get(stem.lower()) if dot and ending.lower() == "csv" else None


def _is_system_file(name: str) -> bool:
    # macOS adds a copy of each file with its attributes.
    return name.startswith("__MACOSX/")


def _check_manifest(found: Mapping[str, bytes]) -> None:
    if MANIFEST not in found:
        raise UnsupportedTable(
            "There is no manifest.csv, so this is not a OneRoster package: export the roster as OneRoster CSV 1.1 or "
            "1.2, or import one list with `muster students import`."
        )


def _too_large(name: str) -> UnsupportedTable:
    return UnsupportedTable(f"{name} is far larger than the roster of a school: {_SAVE_AGAIN}.")
