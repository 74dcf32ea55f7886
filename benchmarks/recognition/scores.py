"""Comparison of scores: cosine, scaled cosine, and likelihood ratios with several shrinkages.

    python -m benchmarks scores [--photos ../shared/photos] [--embeddings FILE] [--seeds N]

Development people, split once more as in `benchmarks.recognition.gate`: statistics come from one part, galleries from
the other, one photo a student. Every row is paired with the shipped one. Prints a table and, last, one line of JSON.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import photo_options
from benchmarks.lib.pictures import (
    Pictures,
    draw_round,
    gives_statistics,
    half_of,
    identification,
    read_pictures,
)
from benchmarks.lib.statistics import scored, statistics_of
from muster.arrays import FloatArray, unit_rows
from muster.recognition.scoring import Population
from muster.recognition.two_covariance import estimate_two_covariance

Score = Callable[[FloatArray, FloatArray], FloatArray]
"""Compares probes (N, D) with templates (S, D): float32 (N, S)."""

_SIZES = (30, 100, 170)
_SEEDS = 20
_SHIPPED = "likelihood ratio (shipped)"
_SHRINKAGES = ((0.3, 0.3), (0.5, 0.3), (0.7, 0.3), (1.0, 0.3), (0.8, 0.1), (0.8, 0.5), (0.8, 0.8))


def main() -> None:
    """Measure and print."""
    arguments = photo_options("scores", __doc__, _SEEDS)
    if arguments is None:
        return
    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    pictures = pictures.of(np.array([gives_statistics(person) for person in pictures.person]))
    part = half_of(pictures.person)
    halves = [(pictures.of(part != number), _ways(pictures.of(part == number))) for number in (0, 1)]
    document = {}
    for size in _SIZES:
        found: dict[str, list[list[float]]] = {}
        for others, ways in halves:
            for seed in range(arguments.seeds):
                for name, figures in _round(others, ways, size, seed):
                    found.setdefault(name, []).append(figures)
        document[size] = {name: np.array(rows) for name, rows in found.items()}
        _show(size, document[size])
    means = {
        size: {name: rows.mean(axis=0).round(4).tolist() for name, rows in of.items()} for size, of in document.items()
    }
    print(json.dumps({"benchmark": "scores", "figures": means}))


def _ways(known: Pictures) -> dict[str, Score]:
    """Return scores by name: of one network with other shrinkages, of several networks alone and together."""
    population = statistics_of(known)
    if len(known.sizes) > 1:
        alone = {
            f"network {number}": _of_network(number, known.sizes, statistics_of(known.network(number)))
            for number in range(len(known.sizes))
        }
        equal = [replace(network, weight=1.0) for network in population.networks]
        return {
            "cosine": _cosine,
            **alone,
            "equal weights": _of_population(Population(tuple(equal))),
            _SHIPPED: _of_population(population),
        }
    people = np.unique(known.person, return_inverse=True)[1]
    network = population.networks[0]
    ways = {
        "cosine": _cosine,
        "scaled cosine": _of_population(Population((replace(network, two_covariance=None),))),
        _SHIPPED: _of_population(population),
    }
    for within, between in _SHRINKAGES:
        model = estimate_two_covariance(known.embeddings, people, network.mean, within, between)
        ways[f"within {within}, between {between}"] = _of_population(
            Population((replace(network, two_covariance=model),))
        )
    return ways


def _cosine(probes: FloatArray, templates: FloatArray) -> FloatArray:
    return probes @ templates.T


def _of_population(population: Population) -> Score:
    return lambda probes, templates: scored(probes, templates, population).normalised


def _of_network(number: int, sizes: tuple[int, ...], population: Population) -> Score:
    first = sum(sizes[:number])
    block = slice(first, first + sizes[number])
    return lambda probes, templates: (
        scored(unit_rows(probes[:, block]), unit_rows(templates[:, block]), population).normalised
    )


def _round(others: Pictures, ways: dict[str, Score], size: int, seed: int) -> Iterator[tuple[str, list[float]]]:
    drawn = draw_round(others.person, size, np.random.default_rng(seed))
    templates = others.embeddings[drawn.templates]
    probes = others.embeddings[np.concatenate([drawn.probes, drawn.strangers])]
    for name, compare in ways.items():
        yield name, identification(compare(probes, templates), drawn.mates)


def _show(size: int, found: dict[str, NDArray[np.float64]]) -> None:
    print(f"{size} registered: rank-1, DIR at FPIR 0.1, 1 and 10 %; then each less the shipped score, in points")
    for name, rows in found.items():
        apart = 100 * (rows - found[_SHIPPED])
        half_width = 2 * apart.std(axis=0, ddof=1) / np.sqrt(len(apart))
        told = "  ".join(f"{a:+.2f} ± {b:.2f}" for a, b in zip(apart.mean(axis=0), half_width, strict=True))
        print(f"  {name:34}" + "  ".join(f"{value:.4f}" for value in rows.mean(axis=0)) + f"   {told}")


if __name__ == "__main__":
    main()
