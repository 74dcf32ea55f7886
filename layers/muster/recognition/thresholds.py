"""Thresholds of the duplicate search at registration: they follow the size of the gallery and the accepted error."""

from dataclasses import dataclass
from math import expm1, log1p, log10

Tail = tuple[tuple[float, float], ...]
"""How often the normalised score of a stranger against one student exceeds a value: (chance, value) pairs, by falling
chance."""

IMPOSTOR_TAIL: Tail = ((0.5, 0.26), (1e-1, 1.55), (1e-2, 2.69), (1e-3, 3.46), (1e-4, 3.98), (1e-5, 4.37), (1e-6, 4.67))
"""How often the normalised score of a stranger against one student exceeds a value: (chance, value) pairs.

Measured by benchmarks/recognition/population_statistics.py: on people who are not in the statistics of that
measurement, nor among those on whom accuracy is reported.
"""


def stranger_score(chance: float, tail: Tail = IMPOSTOR_TAIL) -> float:
    """Return the normalised score that a stranger reaches against one student with this chance (0 to 1, exclusive).

    Between the measured points, and beyond them, the logarithm of the chance is a straight line of the score.
    """
    upper = next((i for i, (point, _) in enumerate(tail) if point <= chance), len(tail) - 1)
    (p0, s0), (p1, s1) = tail[max(upper - 1, 0)], tail[max(upper, 1)]
    return s0 + (s1 - s0) * log10(chance / p0) / log10(p1 / p0)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Accepted false positives of a search for one face in a gallery.

    Attributes:
        present_fpir: share (0 to 1) of strangers' faces that may be taken for somebody.
        review_fpir: share of strangers' faces that may seem to be somebody; at least `present_fpir`.
    """

    present_fpir: float = 0.001
    review_fpir: float = 0.05

    def present(self, size: int, tail: Tail = IMPOSTOR_TAIL) -> float:
        """Return the normalised score from which a face is taken for a student, in a gallery of `size` students."""
        return stranger_score(_share_of_one(self.present_fpir, size), tail)

    def review(self, size: int, tail: Tail = IMPOSTOR_TAIL) -> float:
        """Return the normalised score from which a face may be a student, in a gallery of `size` students."""
        return stranger_score(_share_of_one(self.review_fpir, size), tail)


DUPLICATE_THRESHOLDS = Thresholds()
"""One honest registration in a thousand is taken for somebody already registered, and asks for confirmation."""


def _share_of_one(fpir: float, size: int) -> float:
    """Return the chance against each of `size` students that adds up to `fpir` against them all."""
    return -expm1(log1p(-fpir) / max(size, 1))
