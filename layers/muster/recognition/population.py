"""Estimation of population statistics from pictures of people."""

import numpy as np

from muster.arrays import FloatArray, unit_rows
from muster.recognition.scoring import NetworkPopulation, Population
from muster.recognition.thresholds import stranger_score

FACTOR_RANK = 128
"""Columns of the factor: the scores do not change between 64 and 512
(benchmarks/recognition/population_statistics.py)."""

MIN_PEOPLE = 200
"""Fewest people that statistics are estimated from. With fewer, errors are on the safe side: of 60 registered, 0.67 are
marked present with the 785 people of the embedded pack, 0.53 with 200, 0.48 with 100 and 0.32 with 50
(benchmarks/recognition/pack_statistics.py)."""

_CHANCE = 1e-3


def estimate_population(people: FloatArray, sizes: tuple[int, ...]) -> Population:
    """Estimate the mean and the covariance of each network's embeddings.

    Args:
        people: float32 (M, D), unit rows, one per person.
        sizes: length of each network's part of an embedding; together D.
    """
    blocks = np.split(people, np.cumsum(sizes)[:-1], axis=1)
    weight = len(sizes) ** -0.5
    return Population(tuple(_network(unit_rows(block), weight) for block in blocks))


def strangers_above(people: FloatArray, sizes: tuple[int, ...], seed: int = 0) -> float:
    """Return the share of strangers, 0 to 1, that exceed the threshold which one in a thousand should exceed.

    The statistics of each half of the people are tested on pairs from the other half. With about 0.001 the thresholds,
    which were measured with the embedded pack, fit these embeddings; with much more they are too low.

    Args:
        people: float32 (M, D), unit rows, one per person.
        sizes: length of each network's part of an embedding; together D.
    """
    order = np.random.default_rng(seed).permutation(len(people))
    above = []
    for known, others in (np.array_split(order, 2), np.array_split(order, 2)[::-1]):
        projected = estimate_population(people[known], sizes).project(people[others])
        pairs = (projected @ projected.T)[np.triu_indices(len(others), 1)]
        above.append(float((pairs > stranger_score(_CHANCE)).mean()))
    return float(np.mean(above))


def _network(people: FloatArray, weight: float) -> NetworkPopulation:
    mean = people.mean(axis=0)
    centred = unit_rows(people - mean)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    factor = vectors[:, ::-1][:, :FACTOR_RANK] * np.sqrt(np.maximum(values[::-1][:FACTOR_RANK], 0))
    return NetworkPopulation(mean.astype(np.float32), factor.astype(np.float32), None, weight)
