"""The operator's choice: how many wrong marks are accepted, and how the head is used."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class HeadUse(StrEnum):
    """When stage 2 takes part: a head that passed the promotion gate, every trained head, or none."""

    GATED = "gated"
    ALWAYS = "always"
    NEVER = "never"


WRONG_MARKS = ((20.0, 2.0), (7.0, 3.0), (2.0, 4.0), (1.0, 5.0), (0.4, 6.0), (0.1, 7.5))
"""Wrong marks per 10,000 faces and the posterior log-odds in nats from which they are that few: (rate, bar) pairs,
measured by benchmarks/recognition/decision.py."""

MAX_WRONG_MARKS = 100.0
"""Highest accepted rate per 10,000 faces: beyond it nearly every face that is now asked about would be marked."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How sure a decision must be.

    Attributes:
        wrong_marks: accepted wrong marks per 10,000 faces: another student's name, or a stranger marked present.
        review: posterior log-odds in nats from which the teacher is asked (benchmarks/recognition/decision.py).
        head: when stage 2 takes part.
    """

    wrong_marks: float = 1.0
    review: float = -1.0
    head: HeadUse = HeadUse.GATED

    @property
    def present(self) -> float:
        """Posterior log-odds in nats from which a student is marked without asking."""
        rates, bars = np.log([rate for rate, _ in WRONG_MARKS])[::-1], [bar for _, bar in WRONG_MARKS][::-1]
        return float(np.interp(np.log(self.wrong_marks), rates, bars))
