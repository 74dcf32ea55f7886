"""Loading and verifying built model packs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from muster.domain.errors import PackDamaged, PackMissing
from muster.domain.identifiers import PackId
from muster.packs.manifest import NeutralStatistics, PackManifest, PackSpec, shipped_names, shipped_spec

if TYPE_CHECKING:
    from muster.packs.statistics import PackStatistics

MANIFEST = "manifest.json"
"""Name of the manifest in a pack's folder."""

STATISTICS = "statistics.npz"
"""Name, in a pack's folder, of population statistics that were measured with it on site."""

_AS_BUILT = PackManifest.model_fields.keys() - PackSpec.model_fields.keys()


@dataclass(frozen=True, slots=True)
class BuiltPack:
    """A built pack, without what recognition needs of it.

    Attributes:
        directory: the folder that holds it.
        manifest: the settings of this version of the package, and the files as built.
    """

    id: PackId
    directory: Path
    manifest: PackManifest


@dataclass(frozen=True, eq=False, slots=True)
class ModelPack:
    """A built pack.

    Attributes:
        directory: the folder that holds it.
        detector: ONNX file in that folder.
        embedders: ONNX files in that folder, in the order of the manifest.
        segmenter: the same, or None where the pack's segmentation has no weights.
        manifest: the settings of this version of the package, and the files as built.
    """

    id: PackId
    directory: Path
    detector: Path
    embedders: tuple[Path, ...]
    segmenter: Path | None
    manifest: PackManifest
    statistics: PackStatistics


def pack_directory(name: str, home: Path) -> Path:
    """Return the folder of a pack, built or not."""
    return home / "packs" / name


def load_pack(name: str, home: Path) -> ModelPack:
    """Load a built pack, with its statistics, and check that its files exist with the right sizes.

    The contents are not hashed, because many commands need only the manifest; `verify_once` does that before the models
    are loaded.

    Raises:
        PackMissing: the pack is unknown, not built, or built by a version of the package that pins other files.
        PackDamaged: a file is missing, truncated or unreadable.
    """
    built, spec = find_pack(name, home), shipped_spec(name)
    return ModelPack(
        id=built.id,
        directory=built.directory,
        detector=built.directory / spec.detector.file,
        embedders=tuple(built.directory / embedder.file for embedder in spec.embedders),
        segmenter=built.directory / spec.segmenter.file if spec.segmenter.file else None,
        manifest=built.manifest,
        statistics=_statistics_of(spec, built.manifest, built.directory),
    )


def find_pack(name: str, home: Path) -> BuiltPack:
    """Find a built pack, and check that its files exist with the right sizes.

    Raises:
        PackMissing: the pack is unknown, not built, or built by a version of the package that pins other files.
        PackDamaged: a file is missing or truncated, or the manifest cannot be read.
    """
    spec = shipped_spec(name)
    directory = pack_directory(name, home)
    if not directory.exists():
        raise PackMissing(f"The model pack {name!r} is not built in {home}: run `muster packs build {name}`.")
    if _built_id(directory) not in (spec.id, None):
        raise _other_version(name, home)
    manifest = _read_manifest(directory, spec)
    if manifest.sources != spec.sources:
        raise _other_version(name, home)
    for file in manifest.files:
        path = directory / file.name
        if not path.is_file() or path.stat().st_size != file.bytes:
            raise _damaged(name, file.name, "is missing or truncated")
    return BuiltPack(spec.id, directory, manifest)


def verify_pack(pack: ModelPack) -> None:
    """Check every file of a pack against the SHA-256 recorded when it was built.

    Raises:
        PackDamaged: a file is missing or has changed.
    """
    for file in pack.manifest.files:
        path = pack.directory / file.name
        if not path.is_file():
            raise _damaged(pack.manifest.name, file.name, "is missing")
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != file.sha256:
            raise _damaged(pack.manifest.name, file.name, "has changed since it was built")


def verify_once(pack: ModelPack) -> None:
    """Verify a pack before its models are used: once per process, and again if files have been replaced.

    A flipped bit on the disk must not decide attendance. Hashing 100 MB takes 0.1 s of processor time, so the result is
    not stored beyond the process: a failing disk does not change modification times.

    Raises:
        PackDamaged: a file is missing or has changed.
    """
    states = set()
    for file in pack.manifest.files:
        path = pack.directory / file.name
        if not path.is_file():
            raise _damaged(pack.manifest.name, file.name, "is missing")
        found = path.stat()
        states.add((path, file.sha256, found.st_mtime_ns, found.st_size, found.st_ino))
    if not states <= _verified:
        verify_pack(pack)
        _verified.update(states)


_verified: set[tuple[Path, str, int, int, int]] = set()
"""The states of files whose contents this process has hashed."""


def list_packs(home: Path) -> list[BuiltPack]:
    """Return the packs built in `home`, by name.

    Raises:
        PackMissing: one was built by a version of the package that pins other files.
        PackDamaged: a file of one is missing.
    """
    return [find_pack(name, home) for name in shipped_names() if pack_directory(name, home).exists()]


def load_statistics(spec: PackSpec, home: Path) -> PackStatistics:
    """Return a pack's statistics: custom ones from `home`, or those that ship with the package.

    The weights are not needed: training uses only the statistics.

    Raises:
        PackDamaged: a manifest or statistics in `home` cannot be read.
    """
    directory = pack_directory(spec.name, home)
    ours = (directory / MANIFEST).is_file() and _built_id(directory) in (spec.id, None)
    manifest = _read_manifest(directory, spec) if ours else None
    return _statistics_of(spec, manifest, directory)


def _statistics_of(spec: PackSpec, manifest: PackManifest | None, directory: Path) -> PackStatistics:
    # It needs numpy, which a list of packs does not.
    from muster.packs.statistics import neutral_statistics, read_statistics

    if manifest is not None and manifest.own_statistics is not None:
        try:
            return read_statistics((directory / manifest.own_statistics.file).read_bytes(), spec.sizes)
        except (FileNotFoundError, ValueError, KeyError, BadZipFile) as error:
            raise _damaged(spec.name, manifest.own_statistics.file, "is missing or unreadable") from error
    if isinstance(spec.statistics, NeutralStatistics):
        return neutral_statistics(spec.statistics.deviation, spec.sizes)
    shipped = resources.files("muster.packs").joinpath("data", spec.statistics.file)
    return read_statistics(shipped.read_bytes(), spec.sizes)


def _read_manifest(directory: Path, spec: PackSpec) -> PackManifest:
    """Read sources and files as built; the settings are those of this version, whatever version built the files."""
    settings = {field: getattr(spec, field) for field in PackSpec.model_fields}
    try:
        document = json.loads((directory / MANIFEST).read_bytes())
        built = {field: document[field] for field in _AS_BUILT if field in document}
        manifest = PackManifest.model_validate(settings | {"sources": document["sources"]} | built)
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise _damaged(spec.name, MANIFEST, "is missing or unreadable") from error
    expected = {source.makes for source in manifest.sources}
    if manifest.own_statistics is not None:
        expected.add(manifest.own_statistics.file)
    if {file.name for file in manifest.files} != expected:
        raise _damaged(spec.name, MANIFEST, "does not list the pack's files")
    return manifest


def _built_id(directory: Path) -> str | None:
    """Return the id in a pack's manifest, which another version may have written; None if it cannot be read."""
    try:
        document = json.loads((directory / MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None


def _other_version(name: str, home: Path) -> PackMissing:
    return PackMissing(
        f"The model pack {name!r} in {home} was built by another version: run `muster packs build {name}`."
    )


def _damaged(name: str, file: str, what: str) -> PackDamaged:
    return PackDamaged(f"The model pack {name!r} is damaged ({file} {what}): run `muster packs build {name}` again.")
