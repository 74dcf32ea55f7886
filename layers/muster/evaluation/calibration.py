"""Calibration: stated probabilities compared with how often they are right."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster.recognition.odds import probability

BINS = (0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0)
"""Edges of the bins of probabilities; narrow where marks are decided."""


@dataclass(frozen=True, eq=False, slots=True)
class Statements:
    """Statements that a face belongs to the named student.

    Attributes:
        log_odds: float64 (K,), in nats.
        true: bool (K,), whether it did.
    """

    log_odds: NDArray[np.float64]
    true: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: "Iterable[Statements]") -> "Statements":
        """Concatenate statements."""
        rows = list(parts)
        if not rows:
            return cls(np.empty(0), np.empty(0, dtype=np.bool_))
        return cls(np.concatenate([part.log_odds for part in rows]), np.concatenate([part.true for part in rows]))


def reliability(statements: Statements) -> dict[str, Any] | None:
    """Compare stated probabilities with the share of statements that are true.

    Returns:
        The expected calibration error (the mean distance between stated and observed over the bins of `BINS`, weighted
        by the number of statements) and one row per bin with statements; None without statements.
    """
    if not len(statements.log_odds):
        return None
    stated = probability(statements.log_odds)
    place = np.clip(np.searchsorted(BINS, stated, side="right") - 1, 0, len(BINS) - 2)
    table = []
    for number in np.unique(place):
        inside = place == number
        table.append(
            {
                "from": BINS[number],
                "to": BINS[number + 1],
                "faces": int(np.count_nonzero(inside)),
                "stated": round(float(stated[inside].mean()), 5),
                "observed": round(float(statements.true[inside].mean()), 5),
            }
        )
    error = sum(row["faces"] * abs(row["stated"] - row["observed"]) for row in table) / len(stated)
    return {"expected_error": round(float(error), 5), "faces": len(stated), "table": table}
