"""Estimation of population statistics from a school's own students, for a pack without measured statistics.

Only the mean and the spread between people are estimated. How photos of one person differ is not: faces that templates
learned are chosen for their likeness, so they vary less than the faces of a roll call, and a model of them would be too
certain.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from muster.arrays import DoubleArray, FloatArray, unit_rows
from muster.recognition.scoring import NetworkPopulation, Population
from muster.recognition.thresholds import stranger_score

MIN_STUDENTS = 50
"""Fewest students. With 50, 1,225 pairs show that no more than `MAX_STRANGERS` of strangers pass, if none does."""

PRIOR_STUDENTS = 100
"""Weight, in students, of a covariance that is equal in all directions, which the neutral statistics assume
(benchmarks/recognition/school_statistics.py)."""

CHANCE = 1e-3
MAX_STRANGERS = 3e-3
"""Highest accepted share of strangers above the score that one in a thousand should exceed, at the upper end of a 95 %
interval. The default calibration takes that score for odds that allow ten times as many."""

_FOLDS = 5
_CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False, slots=True)
class SchoolStatistics:
    """Statistics of a school's students, and whether they may be used.

    Attributes:
        population: for the scores.
        students: how many it was estimated from.
        strangers: upper end of the interval of the share of strangers above the score that `CHANCE` should exceed.
    """

    population: Population
    students: int
    strangers: float

    @property
    def safe(self) -> bool:
        """Whether there are enough students, and few enough strangers pass."""
        return self.students >= MIN_STUDENTS and self.strangers <= MAX_STRANGERS


def estimate_school(rows: FloatArray, sizes: tuple[int, ...]) -> SchoolStatistics:
    """Estimate a population from registration photos, and judge it on students that it has not seen.

    Args:
        rows: float32 (S, D), unit rows, the unchanged registration photo of each of at least 10 students.
        sizes: length of each network's part of an embedding; together D.
    """
    return SchoolStatistics(_population(rows, sizes), len(rows), _strangers_above(rows, sizes))


def _population(rows: FloatArray, sizes: tuple[int, ...]) -> Population:
    blocks = np.split(rows, np.cumsum(sizes)[:-1], axis=1)
    return Population(tuple(_network(unit_rows(block).astype(np.float64), len(sizes) ** -0.5) for block in blocks))


def _network(rows: DoubleArray, weight: float) -> NetworkPopulation:
    """Estimate mean and covariance; the covariance is shrunk, and scaled so that strangers' scores have deviation 1."""
    students, size = rows.shape
    mean = rows.mean(axis=0)
    centred = unit_rows(rows - mean)
    share = PRIOR_STUDENTS / (students + PRIOR_STUDENTS)
    covariance = (1 - share) * centred.T @ centred / students + share * np.eye(size) / size
    values, vectors = np.linalg.eigh(covariance)
    factor = vectors * np.sqrt(np.maximum(values, 0))
    factor *= np.sqrt(_deviation(centred) / np.linalg.norm(factor.T @ factor))
    return NetworkPopulation(mean.astype(np.float32), factor.astype(np.float32), None, weight)


def _deviation(centred: DoubleArray) -> float:
    """Return the deviation of two students' cosine, two standard errors above its estimate.

    The pairs give it without the bias of the sample covariance, whose own noise looks like spread.
    """
    students = len(centred)
    # Centring on their own mean makes the cosines negative, by this much on average.
    squares = np.square(centred @ centred.T + 1 / (students - 1))
    np.fill_diagonal(squares, 0)
    of_student = squares.sum(axis=1) / (students - 1)
    error = 2 * of_student.std(ddof=1) / np.sqrt(students)
    return float(np.sqrt(of_student.mean() + 2 * error))


def _strangers_above(rows: FloatArray, sizes: tuple[int, ...], seed: int = 0) -> float:
    """Return the upper end of the interval of the share of strangers above the score of `CHANCE`.

    Each fifth of the students is compared with the others, by statistics of the others, as strangers would be.
    """
    order = np.random.default_rng(seed).permutation(len(rows))
    bar, above = stranger_score(CHANCE), 0
    for strangers in np.array_split(order, _FOLDS):
        known = rows[np.setdiff1d(order, strangers)]
        population = _population(known, sizes)
        above += int((population.project(rows[strangers]) @ population.project(known).T > bar).sum())
        among = population.project(rows[strangers])
        above += int((among @ among.T > bar).sum()) - int((np.square(among).sum(axis=1) > bar).sum())
    # Each pair was compared twice.
    pairs = len(rows) * (len(rows) - 1) / 2
    # Measuring is the only use of SciPy here: a server need not import it, and the image of the functions lacks it.
    from scipy.special import gammaincinv

    # Half a quantile of chi-squared.
    return float(gammaincinv(ceil(above / 2) + 1, _CONFIDENCE) / pairs)
