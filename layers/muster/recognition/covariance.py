"""Covariances estimated from fewer photos than they have numbers, made fit to be inverted."""

import numpy as np
from numpy.typing import NDArray


def shrunk(covariance: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Pull a covariance towards one that is alike in all directions and has the same trace (Ledoit and Wolf, 2004).

    Args:
        covariance: float64 (K, K).
        amount: 0 leaves it, 1 gives the other.
    """
    size = len(covariance)
    pulled: NDArray[np.float64] = (1 - amount) * covariance + amount * np.trace(covariance) / size * np.eye(size)
    return pulled


def positive(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make a matrix, float64 (K, K), symmetric and positive definite."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    raised: NDArray[np.float64] = (vectors * np.maximum(values, 1e-9)) @ vectors.T
    return raised
