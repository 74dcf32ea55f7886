"""What every build has in common: one builder at a time, a pack that is whole or not there, and a manifest."""

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muster.domain.errors import PackBuildFailed, PackDamaged, PackMissing
from muster.packs.directory import replaced_at_once
from muster.packs.load import MANIFEST, ModelPack, load_pack, pack_directory, verify_pack
from muster.packs.manifest import PackFile, PackManifest, PackSpec

Progress = Callable[[str, float], None]
"""Called with the step that begins and the share of the whole that is done, 0 to 1."""


def intact(name: str, home: Path) -> ModelPack | None:
    """Return a pack that is built and whose every file is as it was built, or None."""
    try:
        pack = load_pack(name, home)
        verify_pack(pack)
    except (PackMissing, PackDamaged):
        return None
    return pack


def assembled(
    spec: PackSpec, home: Path, fill: Callable[[Path], tuple[tuple[PackFile, ...], dict[str, Any]]]
) -> ModelPack:
    """Put a pack together in place of the one that is there, if any; call it as the only builder.

    Args:
        fill: writes the pack's files into a new folder; returns them, and what else the manifest says.
    """
    with replaced_at_once(pack_directory(spec.name, home)) as folder:
        files, said = fill(folder)
        manifest = PackManifest(**{field: getattr(spec, field) for field in PackSpec.model_fields}, files=files, **said)
        text = manifest.model_dump_json(indent=2, exclude_unset=True)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return load_pack(spec.name, home)


def write_file(path: Path, content: bytes) -> PackFile:
    """Write a file of a pack and describe it."""
    path.write_bytes(content)
    return PackFile(name=path.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


@contextmanager
def told_of_the_disk(target: Path, room_mb: int) -> Iterator[None]:
    """Turn a disk that is full or cannot be written into an error that says what to do.

    Args:
        target: the pack's folder.
        room_mb: megabytes that a build wants.

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


def silent(step: str, fraction: float) -> None:
    """Tell nobody."""
