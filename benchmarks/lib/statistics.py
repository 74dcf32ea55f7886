"""Statistics of how networks embed people: population, evidence, calibration and the tail of strangers' scores."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto

from benchmarks.lib.pictures import (
    Pictures,
    half_of,
)
from muster.arrays import FloatArray, unit_rows
from muster.composition.settings import LocalSettings
from muster.composition.training import population_of
from muster.domain.identifiers import PackId, StudentId
from muster.packs.load import load_statistics
from muster.packs.manifest import shipped_spec
from muster.recognition.calibration import Calibration
from muster.recognition.gallery import Gallery
from muster.recognition.population import estimate_population
from muster.recognition.scoring import Population, Scores, prepare, score
from muster.recognition.two_covariance import MAX_DIRECTIONS, estimate_two_covariance

CHANCES = (0.5, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)

_FIT_BEYOND = 1e-3

_TAIL_GALLERY = 100

SEEDS = 10

EVIDENCE = {512: (0.8, 0.3, MAX_DIRECTIONS), 192: (0.8, 0.5, 128)}
"""By length of the embedding, FaceNet's and MobileFaceNet's: shrinkage within and between, and directions kept."""


def measured(pictures: Pictures) -> tuple[Population, list[tuple[float, float]]]:
    """Return what ships, and the tail in it, from pictures of the people who give statistics."""
    samples = _Samples.drawn(pictures)
    weights, calibration = calibrated(samples)
    tail = tail_of((samples.strangers @ weights).astype(np.float32))
    population = statistics_of(pictures)
    networks = [
        replace(network, weight=float(weight)) for network, weight in zip(population.networks, weights, strict=True)
    ]
    return Population(tuple(networks), calibration, tuple(tail)), tail


def statistics_of(pictures: Pictures) -> Population:
    """Take one whole picture per person, so that a person with many does not count for more; all for the evidence.

    Weights and calibration, a few numbers, are those that ship with the pack of these networks.
    """
    whole = pictures.of(pictures.width == 0)
    _, first = np.unique(whole.person, return_index=True)
    population = estimate_population(whole.embeddings[first], pictures.sizes)
    people = np.unique(pictures.person, return_inverse=True)[1]
    if len(first) == len(people):
        return population
    networks = []
    for number, network in enumerate(population.networks):
        within, between, kept = EVIDENCE[pictures.sizes[number]]
        block = pictures.network(number).embeddings
        model = estimate_two_covariance(block, people, network.mean, within, between, kept)
        networks.append(replace(network, two_covariance=model))
    return _as_shipped(replace(population, networks=tuple(networks)), pictures.sizes)


def _as_shipped(population: Population, sizes: tuple[int, ...]) -> Population:
    name = {(512, 192): "embedded", (512,): "embedded-facenet"}.get(sizes)
    if name is None:
        return population
    shipped = population_of(load_statistics(shipped_spec(name), LocalSettings().home))
    weighted = [
        replace(network, weight=other.weight)
        for network, other in zip(population.networks, shipped.networks, strict=True)
    ]
    return Population(tuple(weighted), shipped.calibration, shipped.tail)


@dataclass(frozen=True, eq=False, slots=True)
class _Samples:
    """Scores of each of K networks, (N, K), of faces against students who are in no statistics."""

    own: NDArray[np.float64]
    strangers: NDArray[np.float64]

    @classmethod
    def drawn(cls, pictures: Pictures) -> "_Samples":
        """Search galleries of one part of the people for everybody else of it, with statistics of the other part."""
        part = half_of(pictures.person)
        own, strangers = [], []
        for number in (0, 1):
            population = statistics_of(pictures.of(part == number))
            here = pictures.of((part != number) & (pictures.width == 0))
            names = np.unique(here.person)
            for seed in range(SEEDS):
                random = np.random.default_rng(seed)
                students = random.permutation(names)[:_TAIL_GALLERY]
                rows = [random.permutation(np.flatnonzero(here.person == student)) for student in students]
                # One photo each, and up to four, as a student has whose faces were learned from: those fit more people.
                for photos in (1, 4):
                    mean = np.stack([here.embeddings[chosen[:photos]].mean(axis=0) for chosen in rows])
                    searched = np.setdiff1d(np.arange(len(here.person)), np.concatenate([r[:photos] for r in rows]))
                    scores = normalised_by_network(here.embeddings[searched], unit_rows(mean), population)
                    same = here.person[searched][:, None] == students
                    strangers.append(scores[~same & ~np.isin(here.person[searched], students)[:, None]])
                    if photos == 1:
                        own.append(scores[same])
        return cls(np.concatenate(own), np.concatenate(strangers))


def calibrated(samples: _Samples) -> tuple[NDArray[np.float64], Calibration]:
    """Return the networks' weights, (K,), and the calibration of their sum to a ratio in nats, by logistic regression.

    Both kinds of pairs count the same in sum, so the logarithm of the odds is the likelihood ratio's.
    """
    strangers = samples.strangers[:: max(len(samples.strangers) // 400_000, 1)]
    rows = np.column_stack([np.concatenate([samples.own, strangers]), np.ones(len(samples.own) + len(strangers))])
    target = np.concatenate([np.ones(len(samples.own)), np.zeros(len(strangers))])
    share = np.where(target == 1, 0.5 / len(samples.own), 0.5 / len(strangers))
    factors = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-rows @ factors))
        gradient = rows.T @ (share * (target - chance))
        curvature = (rows * (share * chance * (1 - chance))[:, None]).T @ rows
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(factors)), gradient)
        factors += step
        if np.abs(step).max() < 1e-8:
            break
    slope = float((samples.strangers @ factors[:-1]).std())
    return factors[:-1] / slope, Calibration(slope, float(factors[-1]))


def tail_of(scores: FloatArray) -> list[tuple[float, float]]:
    """Return for each of `CHANCES` the score that is exceeded as often."""
    start = float(np.quantile(scores, 1 - _FIT_BEYOND))
    shape, _, scale = genpareto.fit(scores[scores > start] - start, floc=0)
    return [
        (
            chance,
            round(
                float(np.quantile(scores, 1 - chance))
                if chance >= _FIT_BEYOND
                else start + float(genpareto.isf(chance / _FIT_BEYOND, shape, 0, scale)),
                2,
            ),
        )
        for chance in CHANCES
    ]


def scored(probes: FloatArray, templates: FloatArray, population: Population) -> Scores:
    """Compare faces of unrelated photos with templates, one row per student."""
    ids = tuple(StudentId(f"{index:05}") for index in range(len(templates)))
    gallery = Gallery(ids, PackId("embedded"), templates, np.arange(len(templates)))
    return score(probes, prepare(gallery, population), same_photo=False)


def normalised_by_network(probes: FloatArray, templates: FloatArray, population: Population) -> NDArray[np.float32]:
    """Return each network's normalised scores, float32 (N, S, K)."""
    ends = np.cumsum([len(network.mean) for network in population.networks])[:-1]
    blocks = zip(np.split(probes, ends, axis=1), np.split(templates, ends, axis=1), population.networks, strict=True)
    return np.stack(
        [
            scored(unit_rows(faces), unit_rows(students), Population((replace(network, weight=1.0),))).normalised
            for faces, students, network in blocks
        ],
        axis=2,
    )
