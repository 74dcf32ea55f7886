"""One face in each layout that a YOLO detector may answer in comes out as that face."""

import numpy as np
import pytest
from numpy.typing import NDArray

from muster.domain.errors import PackDamaged
from muster.domain.faces import Faces
from muster.vision.quality import MAX_PITCH, MAX_YAW, assess
from muster.vision.yolo_outputs import DISTANCE_BINS, frontal_landmarks, read_outputs

BOX = [200.0, 100.0, 80.0, 120.0]
POINTS = np.array([[220, 150], [260, 150], [240, 170], [225, 195], [255, 195]], np.float32)


def column(landmarks: bool) -> NDArray[np.float32]:
    x, y, width, height = BOX
    values = [x + width / 2, y + height / 2, width, height, 0.9]
    if landmarks:
        values += [value for point in POINTS for value in (*point, 0.8)]
    return np.array(values, np.float32)


def raw_maps(landmarks: bool) -> list[NDArray[np.float32]]:
    """Three maps of 640 x 640 that answer once, in the middle one: the distribution has all its weight on one bin."""
    maps = [np.full((65 + 15 * landmarks, 640 // s, 640 // s), -20, np.float32) for s in (8, 16, 32)]
    stride, row, column = 16, 9, 14
    cell = maps[1][:, row, column]
    x, y, width, height = BOX
    left = (column + 0.5) * stride - x
    top = (row + 0.5) * stride - y
    for side, distance in enumerate((left, top, width - left, height - top)):
        below = int(distance // stride)
        share = distance / stride - below
        cell[side * DISTANCE_BINS + below], cell[side * DISTANCE_BINS + below + 1] = (
            np.log(max(1 - share, 1e-9)),
            np.log(share + 1e-9),
        )
    cell[64] = np.log(0.9 / 0.1)
    if landmarks:
        cell[65::3] = (POINTS[:, 0] / stride - column) / 2
        cell[66::3] = (POINTS[:, 1] / stride - row) / 2
    return maps


def require_the_face(faces: Faces, landmarks: bool) -> None:
    np.testing.assert_allclose(faces.boxes, [BOX], atol=0.01)
    np.testing.assert_allclose(faces.scores, [0.9], atol=1e-5)
    expected = POINTS if landmarks else frontal_landmarks(np.array([BOX], np.float32))[0]
    np.testing.assert_allclose(faces.landmarks, [expected], atol=0.01)
    assert faces.boxes.dtype == faces.landmarks.dtype == faces.scores.dtype == np.float32


@pytest.mark.parametrize("landmarks", [False, True])
def test_a_column_of_the_exported_layout_is_a_face(landmarks: bool) -> None:
    columns = np.zeros((len(column(landmarks)), 8400), np.float32)
    columns[:, 4000] = column(landmarks)
    require_the_face(read_outputs([columns], 640, 640, 0.5), landmarks)


@pytest.mark.parametrize("landmarks", [False, True])
def test_a_cell_of_the_raw_maps_is_a_face(landmarks: bool) -> None:
    require_the_face(read_outputs(raw_maps(landmarks), 640, 640, 0.5), landmarks)


def test_faces_come_by_falling_score_and_only_above_the_threshold() -> None:
    columns = np.zeros((5, 100), np.float32)
    columns[4, [3, 50, 99]] = [0.7, 0.9, 0.4]
    np.testing.assert_allclose(read_outputs([columns], 640, 640, 0.5).scores, [0.9, 0.7])


@pytest.mark.parametrize("shapes", [[(84, 8400)], [(300, 6)], [(56, 8400)], [(5, 8400), (5, 8400)], [(144, 80, 80)]])
def test_other_layouts_are_refused_with_what_to_do(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(PackDamaged, match="export it with ultralytics, for one class"):
        read_outputs([np.zeros(shape, np.float32) for shape in shapes], 640, 640, 0.5)


def test_a_detector_without_landmarks_never_has_a_face_refused_for_its_pose() -> None:
    boxes = np.array([BOX, [10, 10, 150, 160], [300, 200, 90, 260]], np.float32)
    faces = Faces(boxes, frontal_landmarks(boxes), np.ones(3, np.float32))
    quality = assess(np.full((640, 640, 3), 128, np.uint8), faces)
    assert np.abs(quality.yaw).max() < MAX_YAW / 50
    assert np.abs(quality.pitch).max() < MAX_PITCH / 50
    np.testing.assert_allclose(quality.roll, 0, atol=1e-3)
