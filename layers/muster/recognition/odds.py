"""Probabilities and their log-odds, in nats."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NEAREST = 1e-12
"""Distance from 0 and 1 that keeps the log-odds finite."""


def probability(log_odds: Array | float) -> Array:
    """Return the probabilities of log-odds, any shape, between `_NEAREST` and 1 - `_NEAREST`."""
    bounded = np.clip(np.asarray(log_odds, np.float64), -50, 50)
    chance: Array = np.clip(1 / (1 + np.exp(-bounded)), _NEAREST, 1 - _NEAREST)
    return chance


def log_odds(probability: Array | float) -> Array:
    """Return the log-odds of probabilities, any shape, finite at 0 and 1."""
    bounded = np.clip(np.asarray(probability, np.float64), _NEAREST, 1 - _NEAREST)
    odds: Array = np.log(bounded / (1 - bounded))
    return odds
