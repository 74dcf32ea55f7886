"""Effect of a pack's population statistics: neutral ones, those of a few hundred people, and the shipped ones.

    python -m benchmarks pack_statistics [--photos ../shared/photos] [--pack embedded]

People of LFW who contributed to nothing that ships are registered by one picture and searched by another, among
strangers, with the shipped thresholds. The operator's statistics come from others, one picture each. Prints a table and
one line of JSON.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import gives_statistics
from muster.arrays import FloatArray
from muster.composition.settings import LocalSettings
from muster.composition.training import population_of
from muster.composition.vision import open_models
from muster.domain.identifiers import PackId, StudentId
from muster.packs.build import build_embedded
from muster.packs.manifest import NeutralStatistics, shipped_spec
from muster.packs.statistics import NetworkStatistics, PackStatistics, neutral_statistics
from muster.recognition.gallery import Gallery
from muster.recognition.population import estimate_population, strangers_above
from muster.recognition.scoring import Population, prepare, score
from muster.recognition.thresholds import Thresholds
from muster.vision.decode import decode
from muster.vision.pipeline import VisionPipeline

_REGISTERED = 60
_STRANGERS = 150
_OPERATORS = (50, 100, 200)
_GALLERIES = (10, 30, 60)


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--pack", default="embedded", help="embedded, or a variant of it")
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "pack_statistics"):
        return
    pack = build_embedded(LocalSettings().home, name=chosen.pack)
    vision = open_models(pack, 2)
    folders = sorted((chosen.photos / "lfw").iterdir())
    free = [path for path in folders if not gives_statistics(path.name)]
    several = [path for path in free if len(list(path.glob("*.jpg"))) > 1][:_REGISTERED]
    single = [path for path in free if len(list(path.glob("*.jpg"))) == 1][:_STRANGERS]
    others = [path for path in folders if gives_statistics(path.name)][: max(_OPERATORS)]
    pairs = [(_embed(vision, path, 0), _embed(vision, path, 1)) for path in several]
    found = [(first, second) for first, second in pairs if first is not None and second is not None]
    templates, probes = np.stack([first for first, _ in found]), np.stack([second for _, second in found])
    strangers, known = _stacked(vision, single), _stacked(vision, others)
    rows = []
    for name, population in populations(pack.statistics, pack.manifest.sizes, known).items():
        rows += [
            {"statistics": name, **_decided(templates[:size], probes[:size], strangers, population)}
            for size in _GALLERIES
        ]
    print("statistics        registered   present   or asked   strangers present   or asked")
    for row in rows:
        print(
            f"{row['statistics']:16} {row['registered']:11}   {row['present']:7.3f}   {row['or_asked']:8.3f}"
            f"   {row['strangers_present']:17.4f}   {row['strangers_or_asked']:8.4f}"
        )
    above = {str(count): round(strangers_above(known[:count], pack.manifest.sizes), 5) for count in _OPERATORS}
    print(json.dumps({"benchmark": "pack_statistics", "pack": pack.id, "rows": rows, "above_one_in_1000": above}))


def populations(shipped: PackStatistics, sizes: tuple[int, ...], known: FloatArray) -> dict[str, Population]:
    """Return the statistics that are compared, by name."""
    neutral = shipped_spec("cloud").statistics
    if not isinstance(neutral, NeutralStatistics):
        raise SystemExit("The cloud pack has statistics of its own.")
    plain = tuple(NetworkStatistics(network.mean, network.factor) for network in shipped.networks)
    return {
        "neutral": population_of(neutral_statistics(neutral.deviation, sizes)),
        **{f"{count} people": estimate_population(known[:count], sizes) for count in _OPERATORS},
        "shipped": population_of(PackStatistics(plain)),
    }


def _embed(vision: VisionPipeline, person: Path, number: int) -> FloatArray | None:
    probes = vision.probes(decode(sorted(person.glob("*.jpg"))[number].read_bytes()))
    return np.asarray(probes.embeddings[0]) if len(probes.faces) else None


def _stacked(vision: VisionPipeline, people: list[Path]) -> FloatArray:
    return np.stack([row for row in (_embed(vision, path, 0) for path in people) if row is not None])


def _decided(
    templates: FloatArray, probes: FloatArray, strangers: FloatArray, population: Population
) -> dict[str, Any]:
    """Return the shares of probes and of strangers that come out as present, and as present or asked about."""
    size = len(templates)
    ids = tuple(StudentId(f"{number:03}") for number in range(size))
    prepared = prepare(Gallery(ids, PackId("embedded-2"), templates, np.arange(size)), population)
    own, foreign = (
        score(probes, prepared, same_photo=False).normalised,
        score(strangers, prepared, same_photo=False).normalised.max(axis=1),
    )
    first = own.argmax(axis=1) == np.arange(size)
    best, bars = own.max(axis=1), Thresholds()
    return {
        "registered": size,
        "present": round(float((first & (best >= bars.present(size))).mean()), 4),
        "or_asked": round(float((first & (best >= bars.review(size))).mean()), 4),
        "strangers_present": round(float((foreign >= bars.present(size)).mean()), 4),
        "strangers_or_asked": round(float((foreign >= bars.review(size)).mean()), 4),
    }


if __name__ == "__main__":
    main()
