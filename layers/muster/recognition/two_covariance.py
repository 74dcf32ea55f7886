"""The two-covariance model (PLDA) of embeddings, and its estimation from photos of many people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.arrays import DoubleArray, FloatArray, unit_rows

MAX_DIRECTIONS = 85
"""Directions that are kept. In FaceNet's population covariance the 85 largest hold all but 2e-4 of it
(benchmarks/recognition/within_class_statistics.py). MobileFaceNet's model takes 128."""

WITHIN_SHRINKAGE = 0.8
BETWEEN_SHRINKAGE = 0.3
"""Shrinkage of both covariances towards a multiple of the identity (benchmarks/recognition/scores.py). With 100
registered and FaceNet alone DIR at FPIR 1 % is 0.867, 0.884, 0.889, 0.891 and 0.888 for 0.3, 0.5, 0.7, 0.8 and 1 of the
first, 0.889, 0.891, 0.889 and 0.880 for 0.1, 0.3, 0.5 and 0.8 of the second."""


@dataclass(frozen=True, eq=False, slots=True)
class TwoCovarianceModel:
    """The two-covariance model of one network's embeddings; made by benchmarks/recognition/population_statistics.py.

    In the basis that makes the covariance between people and the covariance within one person's photos diagonal, the
    log-likelihood ratio of two faces is their dot product minus a cost for each face.

    Attributes:
        directions: float32 (D, K), maps a centred unit embedding to coordinates in that basis.
        reliability: float32 (K,), 0 to 1: the share of a direction's variance that lies between people.
        centre: mean log-likelihood ratio of two different people, and
        deviation: its standard deviation, above 0.
    """

    directions: FloatArray
    reliability: FloatArray
    centre: float
    deviation: float

    def project(self, centred: FloatArray) -> FloatArray:
        """Project centred embeddings, float32 (M, D), unit rows, to float32 (M, K + 2); see `Population.project`."""
        coordinates = centred @ self.directions / np.float32(np.sqrt(self.deviation))
        cost = np.square(coordinates) @ self.reliability / 2 + self.centre / (2 * self.deviation)
        return np.column_stack([coordinates, -cost, np.ones_like(cost)]).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False, slots=True)
class PooledScatter:
    """How embeddings of P people vary, between people and between the photos of one person.

    Attributes:
        means: float64 (P, D).
        residuals: float64 (N, D), the rows of people with several photos less their person's mean, scaled so that their
            covariance is unbiased.
        people: intp (N,), the person of each residual.
        within: float64 (D, D), covariance of the photos of one person.
        total: float64 (D, D), covariance of single photos of different people.
    """

    means: DoubleArray
    residuals: DoubleArray
    people: NDArray[np.intp]
    within: DoubleArray
    total: DoubleArray


def pool_scatter(rows: DoubleArray, people: NDArray[np.intp]) -> PooledScatter:
    """Separate the variation of rows, float64 (M, D), into that between people, (M,), and that within a person."""
    counts = np.bincount(people)
    means = np.zeros((len(counts), rows.shape[1]))
    np.add.at(means, people, rows)
    means /= counts[:, None]
    several = counts[people] > 1
    residuals = (rows - means[people])[several] * np.sqrt(counts / np.maximum(counts - 1, 1))[people][several, None]
    within = covariance(residuals)
    # A mean of n photos holds 1/n of their own variation; with the rest of it this is the covariance of single photos.
    total = covariance(means - means.mean(axis=0)) + within * (1 - np.mean(1 / counts))
    return PooledScatter(means, residuals, people[several], within, total)


def covariance(residuals: DoubleArray) -> DoubleArray:
    """Return the covariance, float64 (D, D), of rows whose mean is zero; zeros for no rows."""
    product: DoubleArray = residuals.T @ residuals / max(len(residuals), 1)
    return product


def shrink(matrix: DoubleArray, amount: float) -> DoubleArray:
    """Shrink a covariance towards the multiple of the identity with the same trace (Ledoit and Wolf, 2004).

    Args:
        matrix: float64 (K, K).
        amount: 0 (unchanged) to 1 (the multiple of the identity).
    """
    size = len(matrix)
    shrunk: DoubleArray = (1 - amount) * matrix + amount * np.trace(matrix) / size * np.eye(size)
    return shrunk


def make_positive_definite(matrix: DoubleArray) -> DoubleArray:
    """Return the nearest symmetric positive definite matrix, (K, K), by raising its eigenvalues to at least 1e-9."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    positive: DoubleArray = (vectors * np.maximum(values, 1e-9)) @ vectors.T
    return positive


def estimate_two_covariance(
    embeddings: FloatArray,
    people: NDArray[np.intp],
    mean: FloatArray,
    within_shrinkage: float = WITHIN_SHRINKAGE,
    between_shrinkage: float = BETWEEN_SHRINKAGE,
    kept: int = MAX_DIRECTIONS,
) -> TwoCovarianceModel:
    """Estimate the model from photos of many people, including several hundred people with several photos.

    Args:
        embeddings: float32 (M, D), unit rows.
        people: intp (M,), 0 to P - 1, the person of each row; everyone has at least one row.
        mean: float32 (D,), of people in general.
        within_shrinkage, between_shrinkage: of the two covariances, 0 to 1.
        kept: number of directions of greatest variance that are used, K.

    Raises:
        ValueError: nobody has two photos.
    """
    if np.bincount(people).max(initial=0) < 2:
        raise ValueError("nobody has two photos: the variation between photos of one person cannot be estimated")
    centred = unit_rows(embeddings.astype(np.float64) - mean)
    pooled = pool_scatter(centred, people)
    basis = np.linalg.eigh(pooled.total)[1][:, ::-1][:, :kept]
    within = basis.T @ pooled.within @ basis
    between = shrink(make_positive_definite(basis.T @ pooled.total @ basis - within), between_shrinkage)
    ratios, vectors = _diagonalise_both(between, shrink(within, within_shrinkage))
    directions = (basis @ vectors) * np.sqrt(ratios / (2 * ratios + 1))
    reliability = ratios / (ratios + 1)
    _, first = np.unique(people, return_index=True)
    centre, deviation = _stranger_statistics(centred[first] @ directions, reliability)
    return TwoCovarianceModel(directions.astype(np.float32), reliability.astype(np.float32), centre, deviation)


def _stranger_statistics(coordinates: DoubleArray, reliability: DoubleArray) -> tuple[float, float]:
    """Return mean and deviation of the log-likelihood ratio over pairs of people, with one photo each."""
    cost = np.square(coordinates) @ reliability / 2
    pairs = np.triu_indices(len(coordinates), 1)
    ratio = (coordinates @ coordinates.T - cost[:, None] - cost)[pairs]
    return float(ratio.mean()), float(ratio.std())


def _diagonalise_both(between: DoubleArray, within: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return ratios (K,) and vectors (K, K): in that basis `within` is the identity and `between` is diag(ratios)."""
    lower = np.linalg.inv(np.linalg.cholesky(within))
    ratios, vectors = np.linalg.eigh(lower @ between @ lower.T)
    return np.maximum(ratios, 0), lower.T @ vectors
