"""The posterior over faces and students, held against enumeration of every matching."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.arrays import DoubleArray
from muster.recognition.posterior import estimate_roll, pair_marginals

NOBODY = -5.0


def enumerated(weights: DoubleArray) -> DoubleArray:
    """Marginals of the pairs over all partial matchings, one by one."""
    faces, students = weights.shape
    marginals, total = np.zeros_like(weights), 0.0
    for chosen in product(range(-1, students), repeat=faces):
        pairs = [(face, student) for face, student in enumerate(chosen) if student >= 0]
        if len({student for _, student in pairs}) < len(pairs):
            continue
        weight = float(np.prod([weights[pair] for pair in pairs]))
        total += weight
        for pair in pairs:
            marginals[pair] += weight
    return marginals / total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 4), st.integers(1, 4), st.sampled_from([1.0, 3.0, 6.0]))
def test_marginals_are_those_of_all_matchings(seed: int, faces: int, students: int, spread: float) -> None:
    weights = np.exp(np.random.default_rng(seed).normal(0, spread, (faces, students)))
    # Loopy sum-product is exact without loops, and in doubt only near: 6,000 such draws differ by 0.30 at most.
    assert pair_marginals(weights)[0] == pytest.approx(enumerated(weights), abs=0.35)


def test_marginals_of_a_usual_photo_are_those_of_all_matchings() -> None:
    random = np.random.default_rng(2)
    for _ in range(20):
        weights = np.exp(random.uniform(-6, -2, (4, 5)))
        weights[np.arange(4), np.arange(4)] = np.exp(random.uniform(2, 8, 4))
        assert pair_marginals(weights)[0] == pytest.approx(enumerated(weights), abs=0.002)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_marginals_of_one_face_or_one_student_are_exact(shape: tuple[int, int]) -> None:
    weights = np.exp(np.random.default_rng(1).normal(0, 3, shape))
    assert pair_marginals(weights)[0] == pytest.approx(enumerated(weights), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 8), st.integers(1, 8))
def test_a_face_has_one_student_and_a_student_one_face_at_most(seed: int, faces: int, students: int) -> None:
    pairs = estimate_roll([np.random.default_rng(seed).uniform(-5, 14, (faces, students))]).pairs[0]
    assert pairs.sum(axis=0).max() <= 1 + 1e-6
    assert pairs.sum(axis=1).max() <= 1 + 1e-6


def faces_of(present: int, students: int, strangers: int = 0) -> DoubleArray:
    ratios = np.full((present + strangers, students), NOBODY)
    ratios[np.arange(present), np.arange(present)] = 10.0
    return ratios


def test_the_share_present_and_the_strangers_are_read_from_the_photo() -> None:
    full, half, foreign = (
        estimate_roll([faces]) for faces in (faces_of(28, 30), faces_of(15, 30, 10), faces_of(0, 30, 30))
    )
    assert full.share_present == pytest.approx(0.93, abs=0.03)
    assert half.share_present == pytest.approx(0.62, abs=0.05)
    assert foreign.share_present < 0.4
    assert full.strangers[0] < 1.0
    assert half.strangers[0] == pytest.approx(5, abs=1.5)
    assert foreign.strangers[0] > 12


def test_a_resemblance_counts_for_less_among_strangers() -> None:
    usual, foreign = faces_of(28, 30, 1), faces_of(0, 30, 30)
    usual[28, 29] = foreign[0, 29] = 3.0
    odds = [estimate_roll([faces]).present[29] for faces in (usual, foreign)]
    assert odds[0] > odds[1] + 3


def test_with_one_photo_a_student_is_present_as_far_as_a_face_is_theirs() -> None:
    ratios = np.random.default_rng(3).uniform(-5, 8, (6, 7))
    roll = estimate_roll([ratios])
    shown = roll.pairs[0].sum(axis=0)
    assert 1 / (1 + np.exp(-roll.present)) == pytest.approx(shown, abs=0.02)


def test_a_second_photo_adds_evidence_for_a_student_and_takes_nothing_from_one_it_does_not_show() -> None:
    fair = np.full((1, 3), NOBODY)
    fair[0, 0] = 4.0
    nobody = np.full((1, 3), NOBODY)
    alone, twice, elsewhere = (estimate_roll(photos).present[0] for photos in ([fair], [fair, fair], [fair, nobody]))
    assert twice > alone + 1
    assert elsewhere > alone - 2


def test_two_photos_of_half_the_class_show_the_whole_class() -> None:
    left, right = faces_of(15, 30), faces_of(15, 30)[:, ::-1]
    roll = estimate_roll([left, right])
    assert (roll.present > 6).all()
    assert roll.share_present > 0.9


def test_the_order_of_the_photos_does_not_matter() -> None:
    random = np.random.default_rng(4)
    first, second = random.uniform(-5, 10, (4, 6)), random.uniform(-5, 10, (3, 6))
    assert estimate_roll([first, second]).present == pytest.approx(estimate_roll([second, first]).present)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 100_000), st.integers(2, 10), st.sampled_from([3.0, 6.0, 10.0]))
def test_photos_of_any_sizes_give_probabilities(seed: int, photos: int, genuine: float) -> None:
    random = np.random.default_rng(seed)
    taken = []
    for shown in random.choice([0, 1, 1, 1, 3, 27], photos):
        ratios = np.clip(random.normal(-6, 2, (shown + random.integers(0, 2), 30)), NOBODY, 14)
        students = random.permutation(30)[:shown]
        ratios[np.arange(shown), students] = np.clip(random.normal(genuine, 4, shown), NOBODY, 14)
        taken.append(ratios)
    roll = estimate_roll(taken)
    assert np.isfinite(roll.present).all()
    for pairs in roll.pairs:
        assert ((pairs >= 0) & (pairs <= 1)).all()


def test_a_class_photo_after_many_close_ups_marks_the_class() -> None:
    close_ups = [faces_of(1, 30) for _ in range(9)]
    pairs = estimate_roll([*close_ups, faces_of(27, 30)]).pairs[-1]
    assert pairs[np.arange(27), np.arange(27)].min() > 0.999
