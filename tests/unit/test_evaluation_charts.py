"""Charts stay well-formed SVG inside their frame, whatever the scores."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.evaluation.charts import Series, det, histogram
from muster.evaluation.metrics import STRANGER, DetCurve, Searches, det_curve, search_outcome


def _numbers(svg: str, attribute: str) -> list[float]:
    return [float(value) for value in re.findall(rf' {attribute}="(-?[\d.]+)"', svg)]


def _parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - made by the code under test


@given(
    st.lists(st.floats(-50, 50) | st.just(-np.inf), max_size=40),
    st.lists(st.floats(-50, 50), max_size=40),
)
def test_bars_stay_inside_the_frame(first: list[float], second: list[float]) -> None:
    series = [Series("a", "genuine", np.array(first)), Series("b", "stranger", np.array(second))]
    svg = histogram("scores", series)
    _parsed(svg)
    assert all(0 <= value <= 640 for value in _numbers(svg, "x"))
    assert all(0 <= value <= 300 for value in _numbers(svg, "height"))
    assert "nan" not in svg


def test_the_bars_of_a_kind_add_up_to_all_its_faces() -> None:
    svg = histogram("scores", [Series("a", "genuine", np.array([1.0, 1.0, 2.0, 3.0]))])
    # Half of the faces share the tallest bar, which fills the frame of 236; the two others are half as tall.
    assert sorted(_numbers(svg, "height")) == [118.0, 118.0, 236.0]


def test_nothing_to_draw_is_said() -> None:
    assert "nothing to draw" in histogram("scores", [Series("a", "genuine", np.array([]))])
    assert "nothing to draw" in det("trade-off", [("a", "one", DetCurve(np.array([]), np.array([])))])


def test_the_det_curve_is_drawn_as_steps_over_a_logarithmic_axis() -> None:
    curve = DetCurve(np.array([0.0, 0.1, 1.0]), np.array([1.0, 0.5, 0.0]))
    points = re.findall(r'points="([^"]*)"', det("trade-off", [("a", "one", curve)]))
    corners = [tuple(float(number) for number in point.split(",")) for point in points[0].split(" ")]
    left, right = 56.0, 624.0
    third = left + (right - left) * 2 / 3
    assert [x for x, _ in corners] == pytest.approx([left, third, third, right, right], abs=0.1)
    heights = [y for _, y in corners]
    assert heights[0] == heights[1] < heights[2] == heights[3] < heights[4] == 252.0


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_any_searches_give_a_drawable_curve(genuine: list[float], strangers: list[float]) -> None:
    scores = np.array([*genuine, *strangers])[:, None]
    mates = np.array([0] * len(genuine) + [STRANGER] * len(strangers))
    svg = det("trade-off", [("a & b", "one", det_curve(search_outcome(Searches(scores, mates))))])
    _parsed(svg)
    assert "nan" not in svg
