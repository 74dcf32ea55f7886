"""Faces are found whole, once each and in the photo's own pixels, whatever its size."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.packs.load import ModelPack
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector, read_outputs
from muster.vision.scan import concatenate_faces, non_max_suppression
from muster.vision.tiles import MAX_TILE_SIDE, TILE_OVERLAP_PX, choose_scales, cut_tiles

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="session")
def detector(pack: ModelPack) -> CenterFaceDetector:
    return CenterFaceDetector(pack.detector, threads=1)


@pytest.fixture(scope="session")
def portrait(samples: Path) -> Pixels:
    return decode((samples / "gallery" / "barack_obama.jpg").read_bytes()).pixels


def faces_of(boxes: list[list[float]], scores: list[float]) -> Faces:
    order = np.argsort(-np.array(scores), kind="stable")
    stacked = np.array(boxes, np.float32).reshape(-1, 4)[order]
    return Faces(stacked, np.zeros((len(boxes), 5, 2), np.float32), np.array(scores, np.float32)[order])


def test_a_portrait_has_one_face_with_its_landmarks_in_order(detector: CenterFaceDetector, portrait: Pixels) -> None:
    faces = detector.detect(portrait)
    assert len(faces) == 1
    assert faces.boxes.dtype == faces.landmarks.dtype == faces.scores.dtype == np.float32
    right_eye, left_eye, nose, right_mouth, left_mouth = faces.landmarks[0]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    low, high = faces.boxes[0, :2], faces.boxes[0, :2] + faces.boxes[0, 2:]
    assert ((faces.landmarks[0] > low) & (faces.landmarks[0] < high)).all()


def test_every_person_of_the_group_photo_is_found_once(detector: CenterFaceDetector, samples: Path) -> None:
    faces = detector.detect(decode((samples / "photos" / "group.jpg").read_bytes()).pixels)
    assert len(faces) == 2
    assert (np.diff(faces.scores) <= 0).all()
    assert (faces.scores > 0.7).all()


def test_the_same_photo_gives_the_same_faces(detector: CenterFaceDetector, portrait: Pixels) -> None:
    first, second = detector.detect(portrait), detector.detect(portrait)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_array_equal(first.scores, second.scores)


@pytest.mark.parametrize("height", [40, 60, 100, 180, 350, 700, 1400, 2300])
def test_a_12_megapixel_photo_shows_its_face_small_or_large(
    detector: CenterFaceDetector, portrait: Pixels, height: int
) -> None:
    box = detector.detect(portrait).boxes[0]
    factor = height / box[3]
    resized = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    photo = np.full((3000, 4000, 3), 120, np.uint8)
    left, top = (1230, 900) if resized.shape[0] < 2000 else (0, 0)
    part = resized[: 3000 - top, : 4000 - left]
    photo[top : top + part.shape[0], left : left + part.shape[1]] = part
    faces = detector.detect(photo)
    assert len(faces) == 1
    centre = box[:2] + box[2:] / 2
    found = faces.boxes[0, :2] + faces.boxes[0, 2:] / 2
    np.testing.assert_allclose(found, centre * factor + [left, top], atol=0.15 * height)
    assert 0.75 < faces.boxes[0, 3] / height < 1.33


def test_pictures_without_a_face_give_empty_arrays(detector: CenterFaceDetector) -> None:
    random = np.random.default_rng(0)
    page = np.full((700, 900, 3), 250, np.uint8)
    for line in range(30, 700, 30):
        cv2.putText(page, "OoO8 QbB @@ Roll call &%", (20, line), cv2.FONT_HERSHEY_SIMPLEX, 1, (10, 10, 10), 2)
    for pixels in (page, random.integers(0, 256, (480, 640, 3), np.uint8), np.zeros((300, 400, 3), np.uint8)):
        faces = detector.detect(pixels)
        assert faces.boxes.shape == (0, 4)
        assert faces.landmarks.shape == (0, 5, 2)
        assert faces.scores.shape == (0,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (33, 31), (7, 1409)])
def test_odd_shapes_are_read_without_complaint(detector: CenterFaceDetector, shape: tuple[int, int]) -> None:
    assert len(detector.detect(np.full((*shape, 3), 90, np.uint8))) == 0


def test_one_cell_of_the_maps_is_one_box_with_its_landmarks() -> None:
    heatmap = np.zeros((8, 10), np.float32)
    size, offset = np.zeros((2, 8, 10), np.float32), np.zeros((2, 8, 10), np.float32)
    landmarks = np.zeros((10, 8, 10), np.float32)
    heatmap[3, 5], heatmap[3, 6] = 0.9, 0.7
    size[:, 3, 5] = np.log([4, 3])
    offset[:, 3, 5] = [0.25, -0.25]
    landmarks[:, 3, 5] = [0.3, 0.2, 0.3, 0.8, 0.6, 0.5, 0.8, 0.3, 0.8, 0.7]
    faces = read_outputs(heatmap, size, offset, landmarks, 0.5)
    np.testing.assert_allclose(faces.scores, [0.9])
    np.testing.assert_allclose(faces.boxes, [[21 - 6, 15 - 8, 12, 16]], atol=1e-5)
    np.testing.assert_allclose(faces.landmarks[0, 0], [15 + 0.2 * 12, 7 + 0.3 * 16], atol=1e-5)
    np.testing.assert_allclose(faces.landmarks[0, 4], [15 + 0.7 * 12, 7 + 0.8 * 16], atol=1e-5)


boxes = arrays.arrays(np.float32, st.tuples(st.integers(0, 25), st.just(4)), elements=st.floats(1, 100, width=32))


@given(boxes=boxes)
def test_no_two_faces_that_remain_are_the_same_and_none_is_dropped_without_cause(boxes: NDArray[np.float32]) -> None:
    scores = np.linspace(0.99, 0.6, len(boxes), dtype=np.float32)
    kept = non_max_suppression(faces_of(boxes.tolist(), scores.tolist()), 0.35, 0.7)
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    shared = np.clip(np.minimum(high[:, None], high) - np.maximum(low[:, None], low), 0, None).prod(axis=2)
    area = boxes[:, 2:].prod(axis=1)
    same = (shared > 0.35 * (area[:, None] + area - shared)) | (shared > 0.7 * np.minimum(area[:, None], area))
    chosen = np.isin(scores, kept.scores)
    np.fill_diagonal(same, False)
    assert not same[np.ix_(chosen, chosen)].any()
    for index in np.flatnonzero(~chosen):
        assert same[index, :index][chosen[:index]].any()


def test_a_part_of_a_large_face_is_not_a_second_face_but_a_neighbour_is() -> None:
    whole, part, neighbour = [0.0, 0.0, 100.0, 140.0], [20.0, 60.0, 30.0, 40.0], [80.0, 0.0, 100.0, 140.0]
    kept = non_max_suppression(faces_of([whole, part, neighbour], [0.9, 0.8, 0.7]), 0.35, 0.7)
    np.testing.assert_array_equal(kept.boxes, [whole, neighbour])


def test_joined_findings_come_by_falling_score() -> None:
    joined = concatenate_faces([faces_of([[0, 0, 1, 1]], [0.7]), faces_of([[5, 5, 1, 1], [9, 9, 1, 1]], [0.9, 0.6])])
    np.testing.assert_allclose(joined.scores, [0.9, 0.7, 0.6])
    np.testing.assert_array_equal(joined.boxes[:, 0], [5, 0, 9])


@settings(max_examples=60)
@given(width=st.integers(1, 6000), height=st.integers(1, 6000), data=st.data())
def test_each_point_has_one_tile_that_shows_what_is_around_it(width: int, height: int, data: st.DataObject) -> None:
    parts = cut_tiles(width, height)
    assert max(max(part.right - part.left, part.bottom - part.top) for part in parts) <= MAX_TILE_SIDE
    x, y = data.draw(st.floats(0, width)), data.draw(st.floats(0, height))
    owners = [part for part in parts if part.owns(np.array([[x, y]]))[0]]
    assert len(owners) == 1
    (part,) = owners
    margin = TILE_OVERLAP_PX / 2 - 1
    assert part.left <= max(0, x - margin)
    assert part.right >= min(width, x + margin)
    assert part.top <= max(0, y - margin)
    assert part.bottom >= min(height, y + margin)


@given(longest=st.integers(1, 20_000))
def test_scales_rise_and_never_enlarge(longest: int) -> None:
    chosen = choose_scales(longest, (512, 1152, 2560))
    assert chosen == sorted(set(chosen))
    assert 0 < chosen[0] <= chosen[-1] <= 1
    assert chosen[-1] * longest == pytest.approx(min(longest, 2560))
