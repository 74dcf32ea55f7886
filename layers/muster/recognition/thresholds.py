"""Thresholds of the duplicate search at registration, from the size of the gallery and the accepted error."""

from dataclasses import dataclass
from math import expm1, log1p, log10

Tail = tuple[tuple[float, float], ...]
"""How often the normalised score of a stranger against one student exceeds a value: (chance, value) pairs, by
descending chance."""

IMPOSTOR_TAIL: Tail = ((0.5, 0.26), (1e-1, 1.55), (1e-2, 2.69), (1e-3, 3.46), (1e-4, 3.98), (1e-5, 4.37), (1e-6, 4.67))
"""How often the normalised score of a stranger against one student exceeds a value: (chance, value) pairs.

Measured by benchmarks/recognition/population_statistics.py, on people who are in neither the statistics of that
measurement nor the reported accuracy.
"""


def stranger_score(chance: float, tail: Tail = IMPOSTOR_TAIL) -> float:
    """Return the normalised score that a stranger reaches against one student with a chance of 0 to 1, exclusive.

    The logarithm of the chance is interpolated, and extrapolated, linearly in the score.
    """
    upper = next((i for i, (point, _) in enumerate(tail) if point <= chance), len(tail) - 1)
    (p0, s0), (p1, s1) = tail[max(upper - 1, 0)], tail[max(upper, 1)]
    return s0 + (s1 - s0) * log10(chance / p0) / log10(p1 / p0)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Accepted rates of false positives when one face is searched for in a gallery.

    Attributes:
        present_fpir: share (0 to 1) of strangers' faces that may be identified as a student.
        review_fpir: share of strangers' faces that may be put up for review; at least `present_fpir`.
    """

    present_fpir: float = 0.001
    review_fpir: float = 0.05

    def present(self, size: int, tail: Tail = IMPOSTOR_TAIL) -> float:
        """Return the normalised score from which a face is identified, in a gallery of `size` students."""
        return stranger_score(_share_of_one(self.present_fpir, size), tail)

    def review(self, size: int, tail: Tail = IMPOSTOR_TAIL) -> float:
        """Return the normalised score from which a face is put up for review, in a gallery of `size` students."""
        return stranger_score(_share_of_one(self.review_fpir, size), tail)


DUPLICATE_THRESHOLDS = Thresholds()
"""One in a thousand new students is mistaken for a registered one, and the registration asks for confirmation."""


def _share_of_one(fpir: float, size: int) -> float:
    """Return the chance per student that gives `fpir` over all `size` students."""
    return -expm1(log1p(-fpir) / max(size, 1))
