"""Builds a model pack from wherever its weights are had, and measures what a pack alone cannot bring."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muster.composition.vision import open_models
from muster.domain.errors import InvalidRequest, MusterError, PackDamaged, PackMissing
from muster.packs.build import build_embedded
from muster.packs.custom_statistics import install_statistics
from muster.packs.load import ModelPack, load_pack
from muster.packs.manifest import PackSpec, shipped_spec
from muster.packs.published import Comparison, build_published
from muster.packs.statistics import NetworkStatistics, PackStatistics
from muster.packs.weights import Folder, PublicAddress, WeightStore
from muster.recognition.population import MIN_PEOPLE, estimate_population, strangers_above
from muster.vision.align import CROP_SIZE, StretchedBox, cut_out
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.pipeline import VisionPipeline

Progress = Callable[[str, float], None]

_THREADS = 2
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_S3 = "s3://"


def build_pack(
    name: str, home: Path, weights_from: str | None, pins: Mapping[str, str], progress: Progress
) -> ModelPack:
    """Build a pack.

    Args:
        weights_from: a folder, or `s3://bucket/prefix`, that holds the weights under the names of the manifest; None
            takes each from where it is published.
        pins: hashes that the operator vouches for, by file name.

    Raises:
        PackMissing: there is no pack of this name.
        InvalidRequest: the pack is made of packages, so that there is nothing to take from elsewhere or to pin, or
            `weights_from` or a name in `pins` is none.
        PackBuildFailed: see `build_embedded` and `build_published`.
    """
    spec = shipped_spec(name)
    if spec.packages:
        if weights_from is not None or pins:
            raise InvalidRequest(f"The pack {name!r} is made of pinned packages: leave out --from and --pin.")
        return build_embedded(home, progress, name)
    unknown = set(pins) - {source.file for source in spec.published}
    if unknown:
        names = ", ".join(source.file for source in spec.published)
        raise InvalidRequest(f"{min(unknown)} is no file of the pack {name!r}: pin one of {names}.")
    store = _weight_store(weights_from)
    return build_published(spec, home, store, comparison(home), pins, progress, again=weights_from is not None)


def _weight_store(weights_from: str | None) -> WeightStore:
    if weights_from is None:
        return PublicAddress()
    if weights_from.startswith(_S3):
        from muster.composition.bucket_weights import open_bucket

        return open_bucket(weights_from)
    if not Path(weights_from).is_dir():
        raise InvalidRequest(f"{weights_from} is no folder: name one that holds the weights, or s3://bucket/prefix.")
    return Folder(Path(weights_from))


def comparison(home: Path) -> Comparison:
    """Gather real pictures to compare exports on: our samples, where they are installed, and those of ultralytics.

    Raises:
        InvalidRequest: there are none.
    """
    photos = [decode(path.read_bytes()).pixels for path in _sample_photos()]
    if not photos:
        raise InvalidRequest("There are no pictures to compare exports on: build in an environment with ultralytics.")
    whole = [_squared(photo) for photo in photos]
    return Comparison(photos, np.concatenate([np.stack(whole), *_face_crops(photos, home)]))


def _sample_photos() -> Iterator[Path]:
    package = Path(__file__).parents[1]
    for candidate in (package / "samples", package.parents[1] / "samples"):
        if candidate.is_dir():
            yield from sorted(candidate.glob("*/*.jpg"))
            break
    library = find_spec("ultralytics")
    for place in library.submodule_search_locations or () if library is not None else ():
        yield from sorted((Path(place) / "assets").glob("*.jpg"))


def _squared(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = (np.linspace(0, side - 1, CROP_SIZE).astype(np.intp) for side in photo.shape[:2])
    return photo[rows][:, columns]


def _face_crops(photos: list[NDArray[np.uint8]], home: Path) -> list[NDArray[np.uint8]]:
    """Cut out the faces, where there is a detector to find them: that of a pack that needs no export."""
    detector = None
    for name in ("embedded", "embedded-facenet"):
        with suppress(PackMissing, PackDamaged):
            detector = CenterFaceDetector(load_pack(name, home).detector, _THREADS)
    if detector is None:
        return []
    return [cut_out(photo, detector.detect(photo), StretchedBox()) for photo in photos]


def measure_statistics(pack: ModelPack, home: Path, folder: Path, licence: str, progress: Progress) -> ModelPack:
    """Measure the pack's population statistics on pictures of many people, and write them into the pack.

    Only a mean and a covariance are kept, nobody's embedding.

    Args:
        folder: a folder for each person, of whom the first picture with a face counts, or pictures of one person each.
        licence: of the pictures, in words.

    Raises:
        InvalidRequest: there are fewer than `MIN_PEOPLE` people with a face.
        PackBuildFailed: the disk is full or cannot be written.
    """
    vision = open_models(pack, _THREADS)
    people = _people(folder)
    embedded = []
    for number, pictures in enumerate(people):
        progress("measuring statistics", number / len(people))
        found = next((row for row in (_central_face(vision, path) for path in pictures) if row is not None), None)
        if found is not None:
            embedded.append(found)
    if len(embedded) < MIN_PEOPLE:
        raise InvalidRequest(
            f"There are faces of {len(embedded)} people in {folder}: statistics need {MIN_PEOPLE} or more, one "
            "picture each, or one folder each."
        )
    rows = np.stack(embedded)
    population = estimate_population(rows, vision.sizes)
    measured = {
        "people": float(len(rows)),
        "strangers_above_one_in_a_thousand": round(strangers_above(rows, vision.sizes), 5),
    }
    source = f"one picture of each of {len(rows)} people, given by the operator"
    statistics = PackStatistics(
        tuple(NetworkStatistics(network.mean, network.factor) for network in population.networks)
    )
    return install_statistics(pack, home, statistics, source, licence, measured)


def _people(folder: Path) -> list[list[Path]]:
    pictures = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _PICTURES]
    by_person: dict[Path, list[Path]] = {}
    for path in pictures:
        by_person.setdefault(path if path.parent == folder else path.parent, []).append(path)
    return list(by_person.values())


def _central_face(vision: VisionPipeline, path: Path) -> NDArray[np.float32] | None:
    try:
        photo = decode(path.read_bytes())
    except MusterError:
        return None
    probes = vision.probes(photo)
    if not len(probes.faces):
        return None
    middles = probes.faces.boxes[:, :2] + probes.faces.boxes[:, 2:] / 2
    row: NDArray[np.float32] = probes.embeddings[
        np.linalg.norm(middles - (photo.width / 2, photo.height / 2), axis=1).argmin()
    ]
    return row


def weights_of(spec: PackSpec) -> list[str]:
    """Return the names under which the weights of a pack are looked for."""
    return [source.file for source in spec.published]
