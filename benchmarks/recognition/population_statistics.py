"""Make the statistics of the embedded packs: population, evidence, calibration and the tail of strangers' scores.

    python -m benchmarks population_statistics [--photos ../shared/photos] [--embeddings FILE] [--pack NAME] [--write]

One picture of each of half the people of LFW gives the mean and the covariance. All their pictures, and every third
of them made smaller too, say how photos of one person differ. How the networks' scores add up to a log-likelihood
ratio, and the tail of strangers' scores, come from the same half, split once more so that nobody is measured with
statistics that have seen them. The tail is a generalised Pareto fit beyond one in a thousand. The other half gives the
comparison of scores.
"""

import json
from importlib import resources
from pathlib import Path

import numpy as np

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import (
    Pictures,
    draw_round,
    gives_statistics,
    identification,
    read_pictures,
)
from benchmarks.lib.statistics import SEEDS, measured, normalised_by_network, scored
from muster.packs.statistics import NetworkStatistics, PackStatistics, statistics_bytes
from muster.recognition.scoring import NetworkPopulation, Population

_GALLERIES = (5, 30, 100, 300)


def main() -> None:
    """Compute, print and, if asked, write the statistics."""
    parser = photo_parser(__doc__)
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    parser.add_argument("--pack", default="embedded", help="embedded, embedded-int8 or embedded-facenet")
    parser.add_argument("--write", action="store_true", help="replace the statistics that ship with the package")
    arguments = parser.parse_args()
    if not photos_found(arguments.photos, "population_statistics"):
        return

    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings, arguments.pack, small=True)
    known = np.array([gives_statistics(person) for person in pictures.person])
    population, tail = measured(pictures.of(known))
    others = pictures.of(~known & (pictures.width == 0))
    weights = [round(network.weight, 3) for network in population.networks]
    print(f"people in the statistics: {len(set(pictures.person[known]))}, others: {len(set(others.person))}")
    print(f"weights {weights}, calibration {population.calibration}, tail {tail}")
    rows = {size: _compared(others, population, size) for size in _GALLERIES}
    print("registered  score          rank-1   0.1 %     1 %    10 %   (DIR at FPIR)")
    for size, scores in rows.items():
        for name, values in scores.items():
            print(f"{size:10}  {name:13} " + "  ".join(f"{value:.4f}" for value in values))
    if arguments.write:
        target = Path(str(resources.files("muster.packs").joinpath("data", f"{arguments.pack}_statistics.npz")))
        target.write_bytes(statistics_bytes(as_written(population)))
    print(json.dumps({"benchmark": "population_statistics", "tail": tail, "identification": rows}))


def as_written(population: Population) -> PackStatistics:
    """Return the statistics in the form of a pack's file."""
    return PackStatistics(
        tuple(_as_written(network) for network in population.networks),
        np.array([network.weight for network in population.networks], np.float32),
        np.array([population.calibration.scale, population.calibration.offset], np.float32),
        np.array(population.tail, np.float32),
    )


def _as_written(network: NetworkPopulation) -> NetworkStatistics:
    model = network.two_covariance
    if model is None:
        raise SystemExit("Nobody has several pictures: nothing was written.")
    standard = np.array([model.centre, model.deviation], np.float32)
    return NetworkStatistics(network.mean, network.factor, model.directions, model.reliability, standard)


def _compared(pictures: Pictures, population: Population, registered: int) -> dict[str, list[float]]:
    """Register some people by one picture each, search their other pictures and everyone else's, several times."""
    found: dict[str, list[list[float]]] = {}
    for seed in range(SEEDS):
        drawn = draw_round(pictures.person, registered, np.random.default_rng(seed))
        searched = np.concatenate([drawn.probes, drawn.strangers])
        rows = pictures.embeddings[searched], pictures.embeddings[drawn.templates]
        together = scored(*rows, population)
        tried = {"cosine": rows[0] @ rows[1].T, "all networks": together.normalised}
        for number in range(len(pictures.sizes) if len(pictures.sizes) > 1 else 0):
            tried[f"network {number}"] = normalised_by_network(*rows, population)[:, :, number]
        for name, scores in tried.items():
            found.setdefault(name, []).append(identification(scores, drawn.mates))
    return {name: np.mean(rows, axis=0).round(4).tolist() for name, rows in found.items()}


if __name__ == "__main__":
    main()
