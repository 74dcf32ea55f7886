import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_SIZE, CropSettings, box_to_crop, crop_faces, warp


def faces_with(*boxes: tuple[float, float, float, float]) -> Faces:
    stacked = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return Faces(stacked, np.zeros((len(stacked), 5, 2), np.float32), np.ones(len(stacked), np.float32))


def at(to_crop: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    point: NDArray[np.float64] = to_crop @ np.array([x, y, 1.0])
    return point


def test_no_face_gives_no_crop() -> None:
    assert crop_faces(np.zeros((50, 60, 3), np.uint8), faces_with()).shape == (0, 2, 160, 160, 3)


def test_a_face_is_one_crop_stretched_to_a_square_and_its_mirror() -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    # The box grown by a fifth is exactly the white rectangle.
    pixels[60:180, 100:160] = 255
    crop = crop_faces(pixels, faces_with((105, 70, 50, 100)))
    assert crop.shape == (1, 2, 160, 160, 3)
    assert crop[0, 0, 2:-2, 2:-2].min() == 255


def test_margins_and_mirrors_follow_one_another() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    crops = crop_faces(pixels, faces_with((60, 50, 60, 80)), CropSettings(margins=(0.2, 0.5), mirrored=True))[0]
    assert len(crops) == 4
    assert np.array_equal(crops[1], crops[0][:, ::-1])
    assert np.array_equal(crops[3], crops[2][:, ::-1])
    assert not np.array_equal(crops[0], crops[2])


def test_a_box_over_the_edge_repeats_the_edge() -> None:
    pixels = np.full((100, 100, 3), 77, np.uint8)
    assert np.all(crop_faces(pixels, faces_with((-40, -30, 90, 120))) == 77)


def test_a_large_face_is_averaged_and_not_picked_from() -> None:
    # Lines one pixel wide: whoever reads single pixels sees black or white, whoever averages sees grey.
    pixels = np.zeros((2000, 2000, 3), np.uint8)
    pixels[::2] = 255
    crop = crop_faces(pixels, faces_with((300, 300, 1200, 1200)))[0, 0].astype(float)
    assert crop.std() < 20
    assert abs(crop.mean() - 127.5) < 3


def test_a_crop_that_neither_shrinks_nor_grows_is_the_photo() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (200, 220, 3), dtype=np.uint8)
    crop = warp(pixels, np.array([[1.0, 0, -30], [0, 1.0, -20]]))
    assert np.array_equal(crop, pixels[20:180, 30:190])


def test_shrinking_by_whole_numbers_is_the_mean_of_blocks() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    expected = cv2.resize(pixels, (160, 160), interpolation=cv2.INTER_AREA)
    crop = warp(pixels, np.array([[0.25, 0, 0], [0, 0.25, 0]]))
    assert np.abs(crop.astype(int) - expected).max() <= 1


@given(
    st.floats(-200, 4000),
    st.floats(-200, 4000),
    st.floats(8, 3000),
    st.floats(8, 3000),
    st.floats(0, 1),
    st.floats(-0.6, 0.6),
)
def test_the_box_centre_is_the_crop_centre(
    x: float, y: float, width: float, height: float, margin: float, tilt: float
) -> None:
    box = np.array([x, y, width, height], np.float32)
    to_crop = box_to_crop(box, margin, tilt=tilt)
    middle = at(to_crop, float(box[0]) + float(box[2]) / 2, float(box[1]) + float(box[3]) / 2)
    assert np.allclose(middle, CROP_SIZE / 2, atol=1e-6)


@given(st.floats(8, 3000), st.floats(8, 3000), st.floats(0, 1))
def test_the_grown_box_fills_the_crop(width: float, height: float, margin: float) -> None:
    box = np.array([100, 200, width, height], np.float32)
    grown = (float(box[2]) * margin / 2, float(box[3]) * margin / 2)
    to_crop = box_to_crop(box, margin)
    assert np.allclose(at(to_crop, 100 - grown[0], 200 - grown[1]), 0, atol=1e-6)
    assert np.allclose(
        at(to_crop, 100 + float(box[2]) + grown[0], 200 + float(box[3]) + grown[1]), CROP_SIZE, atol=1e-6
    )


def test_a_raised_box_shows_what_lies_above() -> None:
    to_crop = box_to_crop(np.array([0, 0, 100, 100], np.float32), 0.0, shift=(0.0, -0.1))
    assert np.allclose(at(to_crop, 50, 40), CROP_SIZE / 2)


def test_a_tilt_brings_slanting_eyes_level() -> None:
    to_crop = box_to_crop(np.array([0, 0, 100, 100], np.float32), 0.0, tilt=np.arctan2(20, 40))
    right, left = at(to_crop, 30, 30), at(to_crop, 70, 50)
    assert np.isclose(right[1], left[1])
    assert right[0] < left[0]
