"""Calibration of scores as log-likelihood ratios, which can be summed and added to prior log-odds."""

from dataclasses import dataclass

import numpy as np

from muster.arrays import FloatArray

LOWEST_RATIO = -5.0
HIGHEST_RATIO = 14.0
"""Bounds in nats. Whatever the score, a few faces of a student resemble nobody and a few faces of strangers resemble
anybody, so no single face counts for more than this (benchmarks/recognition/decision.py)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Linear calibration of the normalised score, by logistic regression on pairs of photos.

    Attributes:
        scale: nats per unit of the normalised score, above 0.
        offset: log-likelihood ratio in nats at a normalised score of 0.
    """

    scale: float = 5.0
    offset: float = -14.0

    def ratios(self, normalised: FloatArray) -> FloatArray:
        """Return log-likelihood ratios in nats, float32 (N, S), of normalised scores (N, S)."""
        ratios: FloatArray = self.scale * normalised + np.float32(self.offset)
        return ratios


def saturate(ratios: FloatArray) -> FloatArray:
    """Bound log-likelihood ratios softly between `LOWEST_RATIO` and `HIGHEST_RATIO`.

    Args:
        ratios: any shape, in nats.

    Returns:
        The same shape, float32, increasing with the ratios; two nats or more inside the bounds they hardly change.
    """
    raised = np.logaddexp(ratios, np.float32(LOWEST_RATIO))
    saturated: FloatArray = -np.logaddexp(-raised, np.float32(-HIGHEST_RATIO))
    return saturated.astype(np.float32, copy=False)
