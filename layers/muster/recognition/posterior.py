"""Posterior over the faces and students of a session: who is in its photos, and which face is whose.

In one photo a student has at most one face, and a face belongs to at most one student. With N faces, S students and the
likelihood ratio R of every pair, a partial matching M of faces and students has the probability

    P(M) ~ product over its pairs (i, j) of  R[i, j] * odds[j] / strangers

where `odds` are the prior odds that a student is in the photo and `strangers` is the expected number of faces of other
people. The marginals of the pairs are computed by loopy sum-product (belief propagation on matchings: Huang and Jebara,
AISTATS 2009; Williams and Lau, IEEE T-AES 2014), which converges for this model.

The number of students present and the number of strangers are estimated from the photos themselves, by expectation
maximisation. So a photo of another class, or one full of strangers, gets low prior odds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from muster.arrays import DoubleArray
from muster.recognition.odds import log_odds, probability

PRIOR_PRESENT = 0.9
PRIOR_PRESENT_STUDENTS = 10.0
"""Prior share of a group that is present, and its weight in students (benchmarks/recognition/decision.py)."""

PRIOR_STRANGERS = 1.5
PRIOR_STRANGERS_PHOTOS = 1.0
"""Prior number of faces per photo that belong to nobody of the group, with the weight of this many photos
(benchmarks/recognition/decision.py)."""

PRIOR_VISIBLE = 0.8
PRIOR_VISIBLE_STUDENTS = 5.0
"""Prior share of the students present that appear in one of several photos, and its weight in students."""

REPEATED_EVIDENCE = 0.5
"""Weight of the evidence for a student in further photos, 0 to 1.

Ratios of several faces of one person against the same template are not independent: a face that resembles a template
by chance does so in every photo. Measured with two photos that each show 55 % of those present, regular outsiders in
both, and a threshold of log-odds 5: weights of 0, 0.5 and 1 mark 91.0, 91.3 and 91.4 % of those shown, with 2, 2 and 3
wrong marks on 8,526 faces; each photo by itself marks 89.9 % (benchmarks/recognition/several_photos.py).
"""

_SWEEPS = 12
_EM_STEPS = 6


@dataclass(frozen=True, eq=False, slots=True)
class Roll:
    """The posterior over a group, given the photos of a session.

    Attributes:
        pairs: float64 (N, S) per photo: posterior probability that a face is a student's.
        present: float64 (S,): posterior log-odds in nats that a student is present. With one photo this means in the
            photo; with several, a student may be present without being in any of them.
        share_present: estimated share of the group that is present, 0 to 1.
        strangers: estimated number of faces of other people, per photo.
    """

    pairs: tuple[DoubleArray, ...]
    present: DoubleArray
    share_present: float
    strangers: tuple[float, ...]


def estimate_roll(photos: Sequence[DoubleArray]) -> Roll:
    """Estimate which students the photos of one session show.

    Args:
        photos: float64 (N, S) per photo, at least one: log-likelihood ratios in nats of its faces and the group's
            students, calibrated and saturated (`muster.recognition.calibration`).
    """
    ratios = [np.exp(photo) for photo in photos]
    students = photos[0].shape[1]
    share = PRIOR_PRESENT
    strangers = [PRIOR_STRANGERS] * len(photos)
    # With one photo, a student who is present but not in the picture cannot be distinguished from an absent one.
    visible = [1.0 if len(photos) == 1 else PRIOR_VISIBLE] * len(photos)
    evidence = [np.zeros(students) for _ in photos]
    pairs: list[DoubleArray] = []
    for _ in range(_EM_STEPS):
        pairs, evidence = _read_photos(ratios, share, strangers, visible, evidence)
        there = probability(log_odds(share) + _combine_evidence(evidence, students))
        share = _mean_with_prior(there.sum(), students, PRIOR_PRESENT, PRIOR_PRESENT_STUDENTS)
        for number, shown in enumerate(pairs):
            unknown = len(shown) - shown.sum()
            strangers[number] = _mean_with_prior(unknown, 1.0, PRIOR_STRANGERS, PRIOR_STRANGERS_PHOTOS)
            if len(photos) > 1:
                # Both sums are approximations, and a photo cannot show more students than are present.
                present_at_least = max(there.sum(), shown.sum())
                visible[number] = _mean_with_prior(shown.sum(), present_at_least, PRIOR_VISIBLE, PRIOR_VISIBLE_STUDENTS)
    pairs, evidence = _read_photos(ratios, share, strangers, visible, evidence)
    present = log_odds(share) + _combine_evidence(evidence, students)
    return Roll(tuple(pairs), present, share, tuple(strangers))


def _read_photos(
    ratios: Sequence[DoubleArray],
    share: float,
    strangers: Sequence[float],
    visible: Sequence[float],
    evidence: list[DoubleArray],
) -> tuple[list[DoubleArray], list[DoubleArray]]:
    """Return each photo's pairs (N, S), and its log-likelihood ratio (S,) of a student being present or absent."""
    pairs, read = [], []
    for number, ratio in enumerate(ratios):
        elsewhere = evidence[:number] + evidence[number + 1 :]
        shown = visible[number] * probability(log_odds(share) + _combine_evidence(elsewhere, ratio.shape[1]))
        weights = ratio * shown / ((1 - shown) * strangers[number])
        marginals, faces = pair_marginals(weights)
        pairs.append(marginals)
        support = (ratio * faces).sum(axis=0) / strangers[number]
        read.append(np.log(1 - visible[number] + visible[number] * support + np.finfo(np.float64).tiny))
    return pairs, read


def pair_marginals(weights: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Return the marginal probability of every pair over all partial matchings, by loopy sum-product.

    Args:
        weights: float64 (N, S), above 0: a matching is as likely as the product of the weights of its pairs.

    Returns:
        The marginals, float64 (N, S), 0 to 1, whose rows and columns sum to at most 1; and the probability (N, S) that
        the face of a pair is not matched elsewhere.
    """
    students = np.ones_like(weights)
    faces = students
    for _ in range(_SWEEPS):
        faces = _unmatched_elsewhere(weights * students, axis=1)
        students = _unmatched_elsewhere(weights * faces, axis=0)
    joint = weights * faces * students
    return joint / (1 + joint), faces


def _unmatched_elsewhere(joint: DoubleArray, axis: int) -> DoubleArray:
    # The difference of sums loses small terms next to a large one, so a negative rest is a rounding error.
    rest = np.maximum(joint.sum(axis=axis, keepdims=True) - joint, 0)
    free: DoubleArray = 1 / (1 + rest)
    return free


def _combine_evidence(evidence: Sequence[DoubleArray], students: int) -> DoubleArray:
    """Sum the evidence of several photos, (S,) each; repeated evidence for a student is discounted."""
    if not evidence:
        return np.zeros(students)
    stacked = np.stack(evidence)
    for_student, strongest = np.maximum(stacked, 0), np.maximum(stacked.max(axis=0), 0)
    repeated = for_student.sum(axis=0) - strongest
    joined: DoubleArray = strongest + REPEATED_EVIDENCE * repeated + np.minimum(stacked, 0).sum(axis=0)
    return joined


def _mean_with_prior(total: float, count: float, prior: float, weight: float) -> float:
    return float((weight * prior + total) / (weight + count))
