"""The operator's policy: the accepted rate of wrong marks, and the use of the head."""

from dataclasses import dataclass
from enum import StrEnum


class HeadUse(StrEnum):
    """The heads that stage 2 uses: one that passed the promotion gate, every trained one, or none."""

    GATED = "gated"
    ALWAYS = "always"
    NEVER = "never"


WRONG_MARKS = ((20.0, 2.0), (7.0, 3.0), (2.0, 4.0), (1.0, 5.0), (0.4, 6.0), (0.1, 7.5))
"""Wrong marks per 10,000 faces and the posterior log-odds in nats that achieve this rate, as (rate, threshold) pairs,
measured by benchmarks/recognition/decision.py."""

MAX_WRONG_MARKS = 100.0
"""Highest accepted rate per 10,000 faces: beyond it nearly every face now in review would be marked."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The certainty that a decision needs.

    Attributes:
        wrong_marks: accepted wrong marks per 10,000 faces: another student's name, or a stranger marked present.
        review: posterior log-odds in nats from which the teacher is asked (benchmarks/recognition/decision.py).
        head: which heads stage 2 uses.
    """

    wrong_marks: float = 1.0
    review: float = -1.0
    head: HeadUse = HeadUse.GATED

    @property
    def present(self) -> float:
        """Posterior log-odds in nats from which a student is marked without asking."""
        import numpy as np

        rates, bars = np.log([rate for rate, _ in WRONG_MARKS])[::-1], [bar for _, bar in WRONG_MARKS][::-1]
        return float(np.interp(np.log(self.wrong_marks), rates, bars))
