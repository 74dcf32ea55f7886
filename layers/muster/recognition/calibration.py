"""Scores to log-likelihood ratios that can be added up and multiplied with prior odds."""

from dataclasses import dataclass

import numpy as np

from muster.arrays import FloatArray

LOWEST_RATIO = -5.0
HIGHEST_RATIO = 14.0
"""Bounds in nats. A few faces of a student look like nobody, and a few faces of strangers like anybody, whatever the
score says; no single face is worth more than this (benchmarks/recognition/decision.py)."""


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
    """Bring log-likelihood ratios softly between `LOWEST_RATIO` and `HIGHEST_RATIO`.

    Args:
        ratios: any shape, in nats.

    Returns:
        The same shape, float32; rising with the ratios, and nearly equal to them two nats or more inside the bounds.
    """
    raised = np.logaddexp(ratios, np.float32(LOWEST_RATIO))
    saturated: FloatArray = -np.logaddexp(-raised, np.float32(-HIGHEST_RATIO))
    return saturated.astype(np.float32, copy=False)
