"""Steps that every pack build shares: reuse of a valid pack, the files and the manifest, and disk errors."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muster.domain.errors import PackBuildFailed, PackDamaged, PackMissing
from muster.packs.load import MANIFEST, ModelPack, load_pack, verify_pack
from muster.packs.manifest import PackFile, PackManifest, PackSpec


def load_if_valid(name: str, home: Path) -> ModelPack | None:
    """Load a pack whose files all have the hashes of its manifest; return None if there is none."""
    try:
        pack = load_pack(name, home)
        verify_pack(pack)
    except (PackMissing, PackDamaged):
        return None
    return pack


def write_file(path: Path, content: bytes) -> PackFile:
    """Write a file of a pack and describe it."""
    path.write_bytes(content)
    return PackFile(name=path.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def write_manifest(folder: Path, spec: PackSpec, files: tuple[PackFile, ...], **built: Any) -> None:
    """Write the manifest of a pack whose files are in the folder.

    Args:
        built: other fields of `PackManifest` that the build determined.
    """
    settings = {field: getattr(spec, field) for field in PackSpec.model_fields}
    text = PackManifest(**settings, files=files, **built).model_dump_json(indent=2, exclude_unset=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


@contextmanager
def disk_errors_as_build_failures(target: Path, room_mb: int) -> Iterator[None]:
    """Raise a build failure that says what to do if the disk is full or cannot be written.

    Args:
        target: the pack's folder.
        room_mb: free space in MB that a build needs.

    Raises:
        PackBuildFailed: the disk is full or cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise PackBuildFailed(_cannot_write(target, room_mb, error)) from error


def _cannot_write(target: Path, room_mb: int, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk that holds {target.parent}, or the folder for temporary files, is full: free {room_mb} MB, "
            "then build the pack again."
        )
    return (
        f"The model pack cannot be written to {target} ({error.strerror or error}): make that folder writable or "
        "choose another with MUSTER_HOME, then build the pack again."
    )
