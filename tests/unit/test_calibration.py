"""Scores to log-likelihood ratios, within bounds."""

import numpy as np
import pytest

from muster.recognition.calibration import HIGHEST_RATIO, LOWEST_RATIO, Calibration, saturate


def test_a_score_is_worth_its_scale_from_the_offset_on() -> None:
    ratios = Calibration(scale=4.0, offset=-10.0).ratios(np.array([[0.0, 2.5]], np.float32))
    assert ratios.tolist() == [[-10.0, 0.0]]


def test_no_face_is_worth_more_than_the_bounds_and_the_order_stays() -> None:
    ratios = np.array([-400.0, -9, -5, -2, 0, 4, 9, 12, 14, 20, 400], np.float32)
    bounded = saturate(ratios)
    assert bounded.min() >= LOWEST_RATIO
    assert bounded.max() <= HIGHEST_RATIO
    assert (np.diff(bounded) >= 0).all()
    assert bounded[3:7] == pytest.approx([-1.951, 0.007, 4.0, 8.993], abs=2e-3)
