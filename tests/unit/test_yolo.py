"""A real YOLO face detector, on real photos, through our reader."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.packs.load import ModelPack
from muster.vision.align import StretchedBox, crop_faces
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetwork
from muster.vision.yolo import YoloFaceDetector
from tests.shared_files import FOLDER, NO_YOLO_WEIGHTS, YOLO_WEIGHTS

pytestmark = pytest.mark.needs_pack

if not YOLO_WEIGHTS.exists():
    pytest.skip(NO_YOLO_WEIGHTS, allow_module_level=True)

GROUPS = FOLDER / "photos" / "groups"
NOSES = FOLDER / "photos" / "detection"

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector() -> YoloFaceDetector:
    return YoloFaceDetector(YOLO_WEIGHTS, threads=1)


def pixels_of(path: Path) -> Pixels:
    return decode(path.read_bytes()).pixels


def overlaps(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    low = np.maximum(boxes[:, None, :2], others[:, :2])
    high = np.minimum((boxes[:, :2] + boxes[:, 2:])[:, None], others[:, :2] + others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area, other = boxes[:, 2:].prod(axis=1), others[:, 2:].prod(axis=1)
    return np.asarray(shared / (area[:, None] + other - shared), np.float32)


def labelled() -> dict[str, list[dict[str, Any]]]:
    return dict(json.loads((GROUPS / "labels.json").read_text())) if GROUPS.exists() else {}


@pytest.mark.parametrize("name", sorted(labelled()))
def test_the_faces_of_a_group_are_those_that_are_labelled_each_once(detector: YoloFaceDetector, name: str) -> None:
    faces = detector.detect(pixels_of(GROUPS / "photos" / name))
    boxes = np.array([label["box"] for label in labelled()[name]], np.float32)
    assert len(faces) == len(boxes)
    assert (overlaps(boxes, faces.boxes).max(axis=1) > 0.75).all()
    assert (np.diff(faces.scores) <= 0).all()


def test_every_labelled_nose_lies_in_a_face_and_no_face_is_without(detector: YoloFaceDetector) -> None:
    for name, noses in json.loads((NOSES / "noses.json").read_text()).items():
        faces = detector.detect(pixels_of(NOSES / name))
        points = np.array(noses, np.float32).reshape(-1, 1, 2)
        low, high = faces.boxes[:, :2], faces.boxes[:, :2] + faces.boxes[:, 2:]
        inside = np.asarray(((points > low) & (points < high)).all(axis=2), np.bool_)
        assert len(faces) == len(points), name
        assert inside.any(axis=1).all(), name
        distance = np.linalg.norm(faces.landmarks[:, 2] - points, axis=2) / faces.boxes[:, 2]
        assert (distance.min(axis=1, initial=0.3) < 0.3).all(), name


def test_its_landmarks_lie_where_another_detectors_do(detector: YoloFaceDetector, pack: ModelPack) -> None:
    photo = pixels_of(GROUPS / "photos" / "six_strangers.jpg")
    ours, theirs = detector.detect(photo), CenterFaceDetector(pack.detector, threads=1).detect(photo)
    partner = overlaps(theirs.boxes, ours.boxes).argmax(axis=1)
    assert sorted(partner) == list(range(6))
    distance = np.linalg.norm(ours.landmarks[partner] - theirs.landmarks, axis=2)
    assert (distance < 0.1 * theirs.boxes[:, 2:3]).all()


def test_its_faces_are_recognised(detector: YoloFaceDetector, pack: ModelPack) -> None:
    network = FaceNetwork(pack.embedders[0], threads=1)

    def embedded(photo: Pixels, faces: Faces) -> NDArray[np.float32]:
        return network.embed(crop_faces(photo, faces, StretchedBox()))

    students = sorted((GROUPS / "gallery").iterdir())
    gallery = []
    for student in students:
        photo = pixels_of(student)
        gallery.append(embedded(photo, detector.detect(photo).take(np.array([0])))[0])
    for name, labels in labelled().items():
        photo = pixels_of(GROUPS / "photos" / name)
        faces = detector.detect(photo)
        similarity = embedded(photo, faces) @ np.stack(gallery).T
        owners = overlaps(np.array([label["box"] for label in labels], np.float32), faces.boxes).argmax(axis=1)
        for label, owner in zip(labels, owners, strict=True):
            if label["student_id"] is not None:
                assert students[similarity[owner].argmax()].stem == label["student_id"]


@pytest.mark.parametrize("height", [40, 100, 350, 1400])
def test_a_12_megapixel_photo_shows_its_face_small_or_large(
    detector: YoloFaceDetector, samples: Path, height: int
) -> None:
    portrait = pixels_of(samples / "gallery" / "barack_obama.jpg")
    box = detector.detect(portrait).boxes[0]
    factor = height / box[3]
    resized = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    photo = np.full((3000, 4000, 3), 120, np.uint8)
    left, top = (1230, 900) if resized.shape[0] < 2000 else (0, 0)
    part = resized[: 3000 - top, : 4000 - left]
    photo[top : top + part.shape[0], left : left + part.shape[1]] = part
    faces = detector.detect(photo)
    assert len(faces) == 1
    found = faces.boxes[0, :2] + faces.boxes[0, 2:] / 2
    np.testing.assert_allclose(found, (box[:2] + box[2:] / 2) * factor + [left, top], atol=0.15 * height)


def test_pictures_without_a_face_and_of_odd_shapes_give_empty_arrays(detector: YoloFaceDetector) -> None:
    random = np.random.default_rng(0)
    for shape in [(1, 1), (1, 5000), (5000, 1), (33, 31), (480, 640)]:
        faces = detector.detect(random.integers(0, 256, (*shape, 3), np.uint8))
        assert faces.boxes.shape == (0, 4)
        assert faces.landmarks.shape == (0, 5, 2)
        assert faces.scores.shape == (0,)


def test_the_same_photo_gives_the_same_faces(detector: YoloFaceDetector, samples: Path) -> None:
    photo = pixels_of(samples / "photos" / "group.jpg")
    first, second = detector.detect(photo), detector.detect(photo)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_array_equal(first.landmarks, second.landmarks)


def test_a_model_whose_landmarks_are_taken_away_finds_the_same_boxes(
    detector: YoloFaceDetector, samples: Path, tmp_path: Path
) -> None:
    model = onnx.load(YOLO_WEIGHTS)
    maps = [output.name for output in model.graph.output]
    ends = [onnx.helper.make_tensor(name, onnx.TensorProto.INT64, [1], [value]) for name, value in _SLICE.items()]
    model.graph.initializer.extend(ends)
    del model.graph.output[:]
    for index, name in enumerate(maps):
        node = onnx.helper.make_node("Slice", [name, *_SLICE], [f"boxes{index}"])
        model.graph.node.append(node)
        model.graph.output.append(onnx.helper.make_tensor_value_info(f"boxes{index}", onnx.TensorProto.FLOAT, None))
    onnx.save(model, tmp_path / "boxes.onnx")
    photo = pixels_of(samples / "photos" / "group.jpg")
    boxes_alone = YoloFaceDetector(tmp_path / "boxes.onnx", threads=1).detect(photo)
    np.testing.assert_allclose(boxes_alone.boxes, detector.detect(photo).boxes, atol=1e-3)
    # A face from the front has its landmarks about where they are laid.
    distance = np.linalg.norm(boxes_alone.landmarks - detector.detect(photo).landmarks, axis=2)
    assert (distance < 0.3 * boxes_alone.boxes[:, 2:3]).all()


_SLICE = {"from": 0, "to": 65, "axis": 1}
