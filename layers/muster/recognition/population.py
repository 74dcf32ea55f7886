"""Population statistics from pictures of people."""

import numpy as np

from muster.recognition.gallery import FloatArray
from muster.recognition.scoring import Population
from muster.recognition.thresholds import stranger_score

RANK = 128
"""Columns of the factor: the scores do not change between 64 and 512 (benchmarks/population_statistics.py)."""

FEWEST_PEOPLE = 200
"""People whose pictures make statistics. Fewer err on the safe side: of 60 registered 0.67 are marked present with the
785 people of the embedded pack, 0.53 with 200, 0.48 with 100 and 0.32 with 50 (benchmarks/pack_statistics.py)."""

_CHANCE = 1e-3


def estimate_population(people: FloatArray) -> Population:
    """Take the mean and the covariance of embeddings, float32 (M, 512), unit rows, one a person."""
    mean = people.mean(axis=0)
    centred = _unit(people - mean)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    factor = vectors[:, ::-1][:, :RANK] * np.sqrt(np.maximum(values[::-1][:RANK], 0))
    return Population(mean.astype(np.float32), factor.astype(np.float32))


def strangers_above(people: FloatArray, seed: int = 0) -> float:
    """Return how often a stranger passes the bar that one in a thousand is to pass, 0 to 1.

    The people are halved: the statistics of one half judge the pairs of the other. About 0.001 says that the bars,
    which were measured with the embedded pack, fit these embeddings; much more, that they are too low.

    Args:
        people: float32 (M, 512), unit rows, one a person.
    """
    order = np.random.default_rng(seed).permutation(len(people))
    above = []
    for known, others in (np.array_split(order, 2), np.array_split(order, 2)[::-1]):
        placed = estimate_population(people[known]).placed(people[others])
        pairs = (placed @ placed.T)[np.triu_indices(len(others), 1)]
        above.append(float((pairs > stranger_score(_CHANCE)).mean()))
    return float(np.mean(above))


def _unit(rows: FloatArray) -> FloatArray:
    unit: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit
