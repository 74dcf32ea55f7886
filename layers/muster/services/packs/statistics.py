"""Measure a pack's population statistics on the operator's own pictures."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import InvalidRequest, MusterError
from muster.packs.custom_statistics import install_statistics
from muster.packs.load import ModelPack
from muster.packs.statistics import NetworkStatistics, PackStatistics
from muster.progress import OnProgress
from muster.recognition.population import MIN_PEOPLE, estimate_population, strangers_above
from muster.vision.decode import decode
from muster.vision.formats import PHOTO_SUFFIXES
from muster.vision.pipeline import VisionPipeline


def measure_statistics(
    pack: ModelPack, vision: VisionPipeline, home: Path, folder: Path, *, licence: str, progress: OnProgress
) -> ModelPack:
    """Measure the pack's population statistics on pictures of many people, and install them in the pack.

    Only a mean and a covariance are kept, nobody's embedding.

    Args:
        vision: the models of `pack`.
        home: folder of the model packs.
        folder: pictures of one person each, or one folder per person, whose first picture with a face is used.
        licence: the licence of the pictures, in words.

    Raises:
        InvalidRequest: there are fewer than `MIN_PEOPLE` people with a face.
        PackBuildFailed: the disk is full or cannot be written.
    """
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
    pictures = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PHOTO_SUFFIXES]
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
