"""Thresholds follow the gallery's size and the operator's choice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.recognition.thresholds import IMPOSTOR_TAIL, Thresholds, stranger_score

sizes = st.integers(1, 100_000)
shares = st.floats(1e-5, 0.4)


@pytest.mark.parametrize(("chance", "value"), IMPOSTOR_TAIL)
def test_the_measured_tail_is_met_at_its_points(chance: float, value: float) -> None:
    assert stranger_score(chance) == pytest.approx(value, abs=1e-6)


@given(st.floats(1e-9, 0.9), st.floats(1e-9, 0.9))
def test_a_rarer_score_is_a_higher_one(one: float, other: float) -> None:
    rare, common = sorted([one, other])
    assert stranger_score(rare) >= stranger_score(common)


@given(sizes, sizes)
def test_a_larger_gallery_never_lowers_a_bar(one: int, other: int) -> None:
    small, large = sorted([one, other])
    thresholds = Thresholds()
    assert thresholds.present(small) <= thresholds.present(large)
    assert thresholds.review(small) <= thresholds.review(large)


@given(sizes, shares, shares)
def test_a_stricter_operator_gets_a_higher_bar(size: int, one: float, other: float) -> None:
    strict, lenient = sorted([one, other])
    assert Thresholds(present_fpir=strict).present(size) >= Thresholds(present_fpir=lenient).present(size)


@given(sizes)
def test_the_teacher_is_asked_before_a_face_is_marked(size: int) -> None:
    assert Thresholds().review(size) < Thresholds().present(size)


def test_against_one_student_the_target_is_the_chance_itself() -> None:
    assert Thresholds(present_fpir=0.001).present(1) == pytest.approx(stranger_score(0.001))
