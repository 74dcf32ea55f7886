"""Figures worked by hand, and what must hold for any scores."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from muster.evaluation.metrics import (
    STRANGER,
    Searches,
    SearchOutcome,
    det_curve,
    dir_at,
    estimate,
    rank_1,
    search_outcome,
    tally,
    threshold_at,
)


def _by_hand() -> SearchOutcome:
    """Four registered faces and two strangers in a gallery of three.

    Face 0 is right at 0.9; face 1 is right at 0.6; face 2 is taken for student 0 (0.7 before its own 0.5); face 3
    ties its own student with another at 0.8. The strangers reach 0.65 and 0.3 at best.
    """
    scores = np.array(
        [
            [0.9, 0.1, 0.2],
            [0.2, 0.6, 0.1],
            [0.7, 0.1, 0.5],
            [0.8, 0.8, 0.0],
            [0.65, 0.2, 0.1],
            [0.1, 0.3, 0.2],
        ]
    )
    return search_outcome(Searches(scores, np.array([0, 1, 2, 1, STRANGER, STRANGER])))


def test_a_search_is_right_only_if_the_own_student_comes_first_alone() -> None:
    found = _by_hand()
    assert found.right.tolist() == [True, True, False, False]
    assert found.genuine.tolist() == [0.9, 0.6, 0.5, 0.8]
    assert found.impostors.tolist() == [0.2, 0.2, 0.7, 0.8]
    assert found.strangers.tolist() == [0.65, 0.3]
    assert rank_1(found) == 0.5


def test_dir_counts_right_answers_above_the_strangers_that_may_not_pass() -> None:
    found = _by_hand()
    # With two strangers none may pass at 10 %: only face 0 lies above 0.65.
    assert dir_at(found, 0.1) == 0.25
    # One of the two may pass at 50 %: the threshold lies just above 0.3, faces 0 and 1 are right there.
    assert dir_at(found, 0.5) == 0.5


def test_the_det_curve_steps_through_each_stranger() -> None:
    curve = det_curve(_by_hand())
    assert curve.fpir.tolist() == [0.0, 0.5, 1.0]
    # At the threshold 0.65 itself face 1 (0.6) is still out; at 0.3 it is in.
    assert curve.fnir.tolist() == [0.75, 0.75, 0.5]


def test_a_face_that_was_not_found_counts_as_a_miss() -> None:
    found = search_outcome(Searches(np.array([[0.9], [0.2]]), np.array([0, STRANGER]), undetected=1))
    assert rank_1(found) == 0.5
    assert dir_at(found, 0.1) == 0.5
    assert det_curve(found).fnir.tolist() == [0.5, 0.5]


def test_a_student_ruled_out_is_never_right_even_alone_in_the_gallery() -> None:
    found = search_outcome(Searches(np.array([[-np.inf], [0.4]]), np.array([0, STRANGER])))
    assert rank_1(found) == 0.0


def test_strangers_that_were_all_ruled_out_leave_every_right_answer_standing() -> None:
    found = search_outcome(Searches(np.array([[0.1], [-np.inf]]), np.array([0, STRANGER])))
    assert dir_at(found, 0.001) == 1.0


@pytest.mark.parametrize(
    ("fpir", "passing"), [(0.0, 0), (0.001, 0), (0.09, 0), (0.1, 1), (0.3, 3), (0.7, 7), (0.99, 9)]
)
def test_the_threshold_lets_exactly_the_allowed_strangers_pass(fpir: float, passing: int) -> None:
    strangers = np.arange(10) / 10
    assert np.count_nonzero(strangers >= threshold_at(strangers, fpir)) == passing


def test_tied_strangers_are_all_kept_out() -> None:
    strangers = np.array([0.5, 0.5, 0.5, 0.1])
    assert np.count_nonzero(strangers >= threshold_at(strangers, 0.25)) == 0


def test_without_strangers_there_is_no_threshold() -> None:
    with pytest.raises(ValueError, match="strangers"):
        threshold_at(np.empty(0), 0.1)
    closed = search_outcome(Searches(np.array([[0.9, 0.1]]), np.array([0])))
    assert math.isnan(dir_at(closed, 0.01))
    assert rank_1(closed) == 1.0
    assert len(det_curve(closed).fpir) == 0


def test_without_registered_faces_there_is_no_rate() -> None:
    only_strangers = search_outcome(Searches(np.array([[0.9, 0.1]]), np.array([STRANGER])))
    assert math.isnan(rank_1(only_strangers))
    assert math.isnan(dir_at(only_strangers, 0.1))


def test_every_decision_falls_into_one_count() -> None:
    #                 right  wrong  missed review-right review-wrong accepted rejected review-stranger
    mates = np.array([0, 1, 2, 0, 1, STRANGER, STRANGER, STRANGER])
    named = np.array([0, 2, -1, 0, 0, 1, -1, 2])
    present = np.array([True, True, False, False, False, True, False, False])
    counts = tally(named, present, mates, undetected=2, undetected_strangers=3)
    assert (counts.correct, counts.wrong, counts.missed) == (1, 1, 3)
    assert (counts.accepted_strangers, counts.rejected_strangers) == (1, 4)
    assert (counts.review, counts.review_right) == (3, 1)


def test_the_interval_is_the_t_interval_of_the_mean() -> None:
    # Mean 3, deviation sqrt(2.5), t(0.975, 4) = 2.7764: half width 2.7764 * sqrt(2.5 / 5) = 1.9632.
    found = estimate(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found.mean == 3.0
    assert found.low == pytest.approx(1.0368, abs=1e-4)
    assert found.high == pytest.approx(4.9632, abs=1e-4)


def test_one_round_has_no_interval_and_rounds_without_a_value_are_left_out() -> None:
    assert estimate(np.array([0.7])) == estimate(np.array([0.7, math.nan]))
    assert estimate(np.array([0.7])).low is None
    assert math.isnan(estimate(np.array([math.nan])).mean)


_SCORES = st.floats(-1, 1, allow_nan=False, width=32)


@st.composite
def _searches(draw: st.DrawFn) -> Searches:
    faces, students = draw(st.integers(2, 30)), draw(st.integers(1, 6))
    scores = draw(hnp.arrays(np.float64, (faces, students), elements=_SCORES))
    mates = draw(hnp.arrays(np.intp, faces, elements=st.integers(STRANGER, students - 1)))
    mates[0], mates[1] = 0, STRANGER
    return Searches(scores, mates, draw(st.integers(0, 3)))


@given(_searches(), st.lists(st.floats(0, 0.999), min_size=2, max_size=5).map(sorted))
def test_dir_never_falls_as_fpir_is_allowed_to_rise_and_never_passes_rank_1(
    searches: Searches, fpirs: list[float]
) -> None:
    found = search_outcome(searches)
    rates = [dir_at(found, fpir) for fpir in fpirs]
    assert rates == sorted(rates)
    assert rates[-1] <= rank_1(found)


@given(_searches(), st.floats(0, 0.999))
def test_the_false_positives_at_the_threshold_never_exceed_what_was_asked(searches: Searches, fpir: float) -> None:
    strangers = search_outcome(searches).strangers
    assert np.mean(strangers >= threshold_at(strangers, fpir)) <= fpir + 1e-9


@given(_searches())
def test_the_det_curve_is_monotone_and_agrees_with_dir(searches: Searches) -> None:
    found = search_outcome(searches)
    curve = det_curve(found)
    assert (np.diff(curve.fpir) > 0).all()
    assert (np.diff(curve.fnir) <= 0).all()
    assert curve.fpir[0] == 0
    assert curve.fpir[-1] == 1
    assert 1 - curve.fnir[0] == pytest.approx(dir_at(found, 0.0))


@given(_searches(), st.randoms(use_true_random=False))
def test_the_order_of_probes_and_students_does_not_matter(searches: Searches, random: object) -> None:
    faces, students = searches.scores.shape
    order = np.random.default_rng(0).permutation(faces)
    columns = np.random.default_rng(1).permutation(students)
    where = np.argsort(columns)
    mates = searches.mates[order]
    moved = Searches(
        searches.scores[order][:, columns], np.where(mates < 0, STRANGER, where[mates]), searches.undetected
    )
    assert rank_1(search_outcome(moved)) == rank_1(search_outcome(searches))
    assert dir_at(search_outcome(moved), 0.1) == dir_at(search_outcome(searches), 0.1)
