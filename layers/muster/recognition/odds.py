"""Probabilities and their log-odds, in nats."""

import numpy as np

from muster.arrays import DoubleArray

_NEAREST = 1e-12
"""Smallest distance from 0 and 1, which keeps the log-odds finite."""


def probability(log_odds: DoubleArray | float) -> DoubleArray:
    """Return the probabilities of log-odds, any shape, between `_NEAREST` and 1 - `_NEAREST`."""
    bounded = np.clip(np.asarray(log_odds, np.float64), -50, 50)
    chance: DoubleArray = np.clip(1 / (1 + np.exp(-bounded)), _NEAREST, 1 - _NEAREST)
    return chance


def log_odds(probability: DoubleArray | float) -> DoubleArray:
    """Return the log-odds of probabilities, any shape, finite at 0 and 1."""
    bounded = np.clip(np.asarray(probability, np.float64), _NEAREST, 1 - _NEAREST)
    odds: DoubleArray = np.log(bounded / (1 - bounded))
    return odds
