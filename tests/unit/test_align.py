import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_SIZE, AlignedLandmarks, CropJitter, StretchedBox, box_to_crop, crop_faces, warp


def faces_with(*boxes: tuple[float, float, float, float]) -> Faces:
    stacked = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return Faces(stacked, np.zeros((len(stacked), 5, 2), np.float32), np.ones(len(stacked), np.float32))


def at(to_crop: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    point: NDArray[np.float64] = to_crop @ np.array([x, y, 1.0])
    return point


def test_no_face_gives_no_crop() -> None:
    assert crop_faces(np.zeros((50, 60, 3), np.uint8), faces_with(), StretchedBox()).shape == (0, 160, 160, 3)


def test_a_face_is_one_crop_stretched_to_a_square() -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    # The box grown by a fifth is exactly the white rectangle.
    pixels[60:180, 100:160] = 255
    crop = crop_faces(pixels, faces_with((105, 70, 50, 100)), StretchedBox())
    assert crop.shape == (1, 160, 160, 3)
    assert crop[0, 3:-3, 3:-3].min() == 255


TEMPLATE = np.array([[38.29, 51.7], [73.53, 51.5], [56.03, 71.74], [41.55, 92.37], [70.73, 92.2]], np.float32)


def seen_at(landmarks: NDArray[np.float32]) -> Faces:
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    return Faces(np.concatenate([low, high - low])[None], landmarks[None], np.ones(1, np.float32))


@given(st.floats(0.2, 8), st.floats(-3, 3), st.floats(-500, 3000), st.floats(-500, 3000))
def test_a_face_of_any_size_and_tilt_is_aligned_to_the_template(scale: float, tilt: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    face = seen_at((TEMPLATE @ turn.T + (x, y)).astype(np.float32))
    to_crop = AlignedLandmarks().to_crop(face.boxes[0], face.landmarks[0], CropJitter())
    found = np.column_stack([face.landmarks[0], np.ones(5)]) @ to_crop.T
    np.testing.assert_allclose(found, TEMPLATE, atol=0.1)


def test_landmarks_that_fit_no_template_come_as_near_to_it_as_a_similarity_can() -> None:
    profile = TEMPLATE * (0.6, 1.0)
    to_crop = AlignedLandmarks().to_crop(np.array([0, 0, 50, 60], np.float32), profile.astype(np.float32), CropJitter())
    found = np.column_stack([profile, np.ones(5)]) @ to_crop.T
    expected, _ = cv2.estimateAffinePartial2D(profile, TEMPLATE, method=cv2.LMEDS)
    other = np.column_stack([profile, np.ones(5)]) @ np.asarray(expected).T
    assert np.square(found - TEMPLATE).sum() <= np.square(other - TEMPLATE).sum() + 1e-6
    np.testing.assert_allclose(found.mean(axis=0), TEMPLATE.mean(axis=0), atol=0.01)


def test_a_moved_crop_shows_more_of_the_face_turned_and_from_beside_it() -> None:
    face = seen_at(TEMPLATE)
    box, landmarks = face.boxes[0], face.landmarks[0]
    framing = AlignedLandmarks()
    wider = framing.to_crop(box, landmarks, CropJitter(margin=0.5))
    assert np.isclose(np.linalg.det(wider[:, :2]), (1.2 / 1.5) ** 2, atol=0.01)
    shifted = framing.to_crop(box, landmarks, CropJitter(shift=(0.1, 0.0)))
    np.testing.assert_allclose(
        at(shifted, 56.0, 71.0) - at(framing.to_crop(box, landmarks, CropJitter()), 56.0, 71.0),
        [-0.1 * box[2], 0],
        atol=0.05,
    )
    tilted = framing.to_crop(box, landmarks, CropJitter(tilt=0.2))
    np.testing.assert_allclose(at(tilted, 56.0, 56.0), [56.0, 56.0], atol=0.2)
    assert np.isclose(np.arctan2(tilted[0, 1], tilted[0, 0]), 0.2, atol=0.01)


def test_a_face_smaller_than_its_crop_is_enlarged_smoothly() -> None:
    """Linear interpolation draws straight lines between pixels; a cubic overshoots beside an edge."""
    pixels = np.full((60, 60, 3), 50, np.uint8)
    pixels[:, 30:] = 200
    assert crop_faces(pixels, faces_with((20, 20, 20, 20)), StretchedBox()).max() > 200
    assert (
        crop_faces(np.repeat(np.repeat(pixels, 16, 0), 16, 1), faces_with((320, 320, 320, 320)), StretchedBox()).max()
        == 200
    )


def test_a_box_over_the_edge_repeats_the_edge() -> None:
    pixels = np.full((100, 100, 3), 77, np.uint8)
    assert np.all(crop_faces(pixels, faces_with((-40, -30, 90, 120)), StretchedBox()) == 77)


def test_a_large_face_is_averaged_and_not_picked_from() -> None:
    # Lines one pixel wide: sampling single pixels gives black or white, averaging gives grey.
    pixels = np.zeros((2000, 2000, 3), np.uint8)
    pixels[::2] = 255
    crop = crop_faces(pixels, faces_with((300, 300, 1200, 1200)), StretchedBox())[0].astype(float)
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
