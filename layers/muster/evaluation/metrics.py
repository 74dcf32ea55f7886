"""Measures of open-set identification, as pure functions of score arrays.

A probe whose person is registered has a *mate* in the gallery; any other probe is a *stranger*. A search returns the
best-scoring student. It is a false positive if a stranger's best score reaches the threshold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from muster.arrays import DoubleArray

IndexArray = NDArray[np.intp]

STRANGER = -1
"""Value in `mates` for a probe whose person is not registered."""

FPIR_POINTS = {"dir_at_fpir_0_1": 0.001, "dir_at_fpir_1": 0.01, "dir_at_fpir_10": 0.1}
"""FPIR of each operating point, by name in the evaluation document (whose names are in percent)."""


@dataclass(frozen=True, eq=False, slots=True)
class Searches:
    """The searches of one round.

    Attributes:
        scores: float64 (N, S), higher is more similar; -inf for a student who was ruled out; S at least 1.
        mates: intp (N,), the column of the probe's person, or `STRANGER`.
        undetected: faces of registered people that the detector did not find; each counts as a miss.
    """

    scores: DoubleArray
    mates: IndexArray
    undetected: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class SearchOutcome:
    """The best score of each search.

    Attributes:
        genuine: float64 (G,), the score of each registered person's probe for its own student.
        right: bool (G,), whether that student came first, strictly before every other (a tie is not right).
        strangers: float64 (M,), each stranger's best score.
        impostors: float64 (G,), each registered person's best score among the other students; -inf if there are none.
        undetected: as in `Searches`.
    """

    genuine: DoubleArray
    right: NDArray[np.bool_]
    strangers: DoubleArray
    impostors: DoubleArray
    undetected: int


def search_outcome(searches: Searches) -> SearchOutcome:
    """Split searches into those of registered people and those of strangers."""
    known = searches.mates != STRANGER
    scores = np.array(searches.scores[known], dtype=np.float64)
    mates = searches.mates[known]
    rows = np.arange(len(mates))
    genuine = scores[rows, mates]
    scores[rows, mates] = -np.inf
    impostors = scores.max(axis=1, initial=-np.inf)
    strangers = searches.scores[~known].max(axis=1, initial=-np.inf).astype(np.float64)
    return SearchOutcome(genuine, genuine > impostors, strangers, impostors, searches.undetected)


def pool(outcomes: Sequence[SearchOutcome]) -> SearchOutcome:
    """Concatenate the searches of at least one round."""
    return SearchOutcome(
        genuine=np.concatenate([outcome.genuine for outcome in outcomes]),
        right=np.concatenate([outcome.right for outcome in outcomes]),
        strangers=np.concatenate([outcome.strangers for outcome in outcomes]),
        impostors=np.concatenate([outcome.impostors for outcome in outcomes]),
        undetected=sum(outcome.undetected for outcome in outcomes),
    )


def rank_1(found: SearchOutcome) -> float:
    """Return the share (0 to 1) of registered people's faces whose best student is the right one; NaN without any."""
    return _share(int(np.count_nonzero(found.right)), len(found.right) + found.undetected)


def threshold_at(strangers: DoubleArray, fpir: float) -> float:
    """Return the lowest threshold that at most the share `fpir` of the strangers reaches.

    With M strangers, floor(fpir x M) of them may score at or above it; it lies just above the next stranger's score.
    It errs on the safe side: ties are all rejected, and with fewer than 1 / fpir strangers none may pass.

    Args:
        strangers: float64 (M,), best score of each stranger, M at least 1.
        fpir: 0 to 1, below 1.

    Raises:
        ValueError: there are no strangers, or `fpir` is out of range.
    """
    if not len(strangers) or not 0 <= fpir < 1:
        raise ValueError("a threshold needs strangers and an FPIR of at least 0 and below 1")
    # 0.1 * 30 is 3.0000000000000004 but 0.7 * 10 is 6.999999999999999, which would allow one stranger too few.
    allowed = math.floor(fpir * len(strangers) + 1e-9)
    highest_rejected = np.sort(strangers)[::-1][allowed]
    return float(np.nextafter(highest_rejected, np.inf))


def dir_at(found: SearchOutcome, fpir: float) -> float:
    """Return the detection and identification rate (0 to 1) at an FPIR; NaN without registered faces or strangers.

    It is the share of registered people's faces whose best student is the right one, with a score that reaches
    `threshold_at(strangers, fpir)`.
    """
    if not len(found.strangers):
        return math.nan
    return _identified(found, threshold_at(found.strangers, fpir))


@dataclass(frozen=True, eq=False, slots=True)
class DetCurve:
    """The trade-off over all thresholds: `fpir` float64 (K,), rising from 0, and `fnir` float64 (K,), falling."""

    fpir: DoubleArray
    fnir: DoubleArray


def det_curve(found: SearchOutcome) -> DetCurve:
    """Return FNIR (1 - DIR) at every FPIR that the strangers resolve; empty without strangers or registered faces.

    At the first point no stranger passes, at the last all of them (threshold at their lowest score).
    """
    total = len(found.right) + found.undetected
    strangers = np.sort(found.strangers)[::-1]
    if not total or not len(strangers):
        return DetCurve(np.empty(0), np.empty(0))
    thresholds = np.concatenate([[np.nextafter(strangers[0], np.inf)], np.unique(strangers)[::-1]])
    accepted = np.searchsorted(-strangers, -thresholds, side="right")
    genuine = np.sort(found.genuine[found.right])
    identified = len(genuine) - np.searchsorted(genuine, thresholds, side="left")
    return DetCurve(accepted / len(strangers), 1 - identified / total)


@dataclass(frozen=True, slots=True)
class Counts:
    """Decisions about the labelled faces with the shipped thresholds; float, so that means over rounds fit too.

    Registered people's faces are `correct`, `wrong`, `missed` or part of `review`; strangers' faces are
    `accepted_strangers`, `rejected_strangers` or part of `review`.

    Attributes:
        correct: present, with the right name.
        wrong: present, with another registered student's name.
        missed: unknown, or not found by the detector.
        accepted_strangers: present, although not registered.
        rejected_strangers: unknown, or not found by the detector.
        review: faces of registered people and strangers that the teacher is asked about.
        review_right: those of `review` with the right name proposed.
    """

    correct: float
    wrong: float
    missed: float
    accepted_strangers: float
    rejected_strangers: float
    review: float
    review_right: float


def tally(
    named: IndexArray, present: NDArray[np.bool_], mates: IndexArray, undetected: int, undetected_strangers: int = 0
) -> Counts:
    """Count the decisions on the labelled faces.

    Args:
        named: intp (N,), the column of the student named, -1 for unknown.
        present: bool (N,), True for `present`; a named face without it is in review.
        mates: intp (N,), as in `Searches`.
        undetected: as in `Searches`.
        undetected_strangers: strangers' faces that were not found.
    """
    is_named = named >= 0
    known = mates != STRANGER
    right = is_named & (named == mates)
    review = is_named & ~present

    def count(mask: NDArray[np.bool_]) -> int:
        return int(np.count_nonzero(mask))

    return Counts(
        correct=count(present & right),
        wrong=count(present & is_named & known & ~right),
        missed=count(known & ~is_named) + undetected,
        accepted_strangers=count(present & is_named & ~known),
        rejected_strangers=count(~known & ~is_named) + undetected_strangers,
        review=count(review),
        review_right=count(review & right),
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over several rounds: its mean and the 95 % interval of that mean, None with fewer than two rounds."""

    mean: float
    low: float | None
    high: float | None


def estimate(values: DoubleArray) -> Estimate:
    """Return the mean of the rounds that have a value, and its two-sided 95 % interval by Student's t distribution.

    The interval shows how much the random choice of registration photos and strangers moves the figure. Rounds share
    people and pictures, so the interval does not cover other people.

    Args:
        values: float64 (R,), NaN for rounds without a value; the mean is NaN if all are.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return Estimate(math.nan, None, None)
    mean = float(known.mean())
    if len(known) < 2:
        return Estimate(mean, None, None)
    half = float(student_t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known)))
    return Estimate(mean, mean - half, mean + half)


def _identified(found: SearchOutcome, threshold: float) -> float:
    identified = np.count_nonzero(found.right & (found.genuine >= threshold))
    return _share(int(identified), len(found.right) + found.undetected)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
