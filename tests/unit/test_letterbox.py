import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.vision.letterbox import BORDER_GREY, letterbox


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 1500),
    width=st.integers(1, 1500),
    multiple=st.sampled_from([None, 32]),
    scaled=st.booleans(),
)
def test_the_corners_of_the_picture_in_the_input_lead_back_to_those_of_the_photo(
    height: int, width: int, multiple: int | None, scaled: bool
) -> None:
    photo = np.full((height, width, 3), 255, np.uint8)
    side = 640 if scaled else 1500
    picture, frame = letterbox(photo, side, side, multiple, scaled)
    white = (picture == 255).all(axis=2)
    rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    corners = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], np.float32)
    np.testing.assert_allclose(frame.to_picture(corners), [[0, 0], [width, height]], atol=0.01)
    assert (picture[~white] == BORDER_GREY).all()
    if multiple:
        assert [length % multiple for length in picture.shape[:2]] == [0, 0]
    else:
        assert picture.shape == (side, side, 3)


@pytest.mark.parametrize(("height", "width"), [(768, 1366), (1, 5000), (5000, 1)])
def test_the_picture_lies_in_the_middle_and_the_odd_pixel_below_and_to_the_right(height: int, width: int) -> None:
    picture, frame = letterbox(np.zeros((height, width, 3), np.uint8), 640, 640, None, scaled=True)
    black = (picture == 0).all(axis=2)
    above, below = np.flatnonzero(black.any(axis=1))[[0, -1]]
    assert frame.corner[1] == above
    assert picture.shape[0] - 1 - below - above in (0, 1)
