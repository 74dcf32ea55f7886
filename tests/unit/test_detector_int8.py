"""CenterFace in int8 finds the faces that it finds in float32, on every processor."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from muster.arrays import iou
from muster.packs.build import build_embedded
from muster.packs.centerface import OUTPUTS
from muster.packs.centerface_int8 import depthwise_inputs, equalized, in_convolutions, with_int8
from muster.packs.load import ModelPack
from muster.packs.precision import shipped_ranges
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector, as_blocks, padded

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def int8(pack_home: Path) -> ModelPack:
    return build_embedded(pack_home, name="embedded-int8")


@pytest.fixture(scope="module")
def exact(pack: ModelPack) -> onnx.ModelProto:
    return onnx.load(pack.detector)


@pytest.fixture(scope="module")
def photo(samples: Path) -> Pixels:
    return decode((samples / "class" / "photos" / "class.jpg").read_bytes()).pixels


def maps(model: onnx.ModelProto, picture: NDArray[np.generic]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: list[NDArray[np.float32]] = session.run([*OUTPUTS], {"picture": picture})
    return found


def test_a_block_of_pixels_is_one_place_with_the_pixels_row_by_row() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    blocks = as_blocks(picture)
    assert blocks.shape == (1, 2, 3, 12)
    assert blocks[0, 1, 2].tolist() == [*picture[2, 4], *picture[2, 5], *picture[3, 4], *picture[3, 5]]


def test_the_network_in_convolutions_computes_what_the_published_one_does(
    exact: onnx.ModelProto, photo: Pixels
) -> None:
    part = padded(photo[:320, :416])
    published = maps(exact, part[None, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32))
    written = in_convolutions(exact)
    blocks = as_blocks(part).transpose(0, 3, 1, 2).astype(np.float32)
    peaks = json.loads(shipped_ranges("centerface"))["peaks"]
    assert set(peaks) == set(depthwise_inputs(written))
    for model in (written, equalized(written, peaks)):
        for found, expected in zip(maps(model, blocks), published, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_same_faces_are_found_in_int8(pack: ModelPack, int8: ModelPack, photo: Pixels, samples: Path) -> None:
    small = decode((samples / "photos" / "dim.jpg").read_bytes()).pixels
    for pixels in (photo, small):
        expected = CenterFaceDetector(pack.detector, 1).detect(pixels)
        found = CenterFaceDetector(int8.detector, 1).detect(pixels)
        assert len(found) == len(expected) > 0
        overlaps = iou(expected.boxes, found.boxes)
        assert overlaps.max(axis=1).min() > 0.8
        same = found.take(overlaps.argmax(axis=1))
        offsets = np.linalg.norm(same.landmarks - expected.landmarks, axis=2) / expected.boxes[:, 3:]
        assert offsets.max() < 0.06
        assert np.abs(same.scores - expected.scores).max() < 0.1


@pytest.mark.parametrize("height", [40, 130, 350, 1400, 2300])
def test_a_12_megapixel_photo_in_int8_shows_its_face_small_or_large(
    int8: ModelPack, samples: Path, height: int
) -> None:
    detector = CenterFaceDetector(int8.detector, 1)
    portrait = decode((samples / "gallery" / "barack_obama.jpg").read_bytes()).pixels
    box = detector.detect(portrait).boxes[0]
    rows, columns = np.indices((3000, 4000), np.float32)
    left, top = (1230, 900) if height < 1000 else (0, 0)
    place = ((rows - top) * box[3] / height).astype(int), ((columns - left) * box[3] / height).astype(int)
    inside = (place[0] >= 0) & (place[0] < portrait.shape[0]) & (place[1] >= 0) & (place[1] < portrait.shape[1])
    photo = np.full((3000, 4000, 3), 120, np.uint8)
    photo[inside] = portrait[place[0][inside], place[1][inside]]
    faces = detector.detect(photo)
    assert len(faces) == 1
    assert 0.75 < faces.boxes[0, 3] / height < 1.33


def test_int8_is_the_same_byte_for_byte_and_has_weights_that_no_processor_clips(
    exact: onnx.ModelProto, int8: ModelPack
) -> None:
    again = with_int8(exact, shipped_ranges("centerface"))
    assert again.SerializeToString(deterministic=True) == int8.detector.read_bytes()
    constants = {each.name: each for each in again.graph.initializer}
    dequantized = {node.output[0]: node for node in again.graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in again.graph.node if node.op_type == "Conv"]
    assert len(convolutions) > 50
    for node in convolutions:
        weights = constants[dequantized[node.input[1]].input[0]]
        assert weights.data_type == TensorProto.INT8
        # Two products of an activation, 0 to 255, and a weight are added in 16 bits: see muster.packs.precision.
        assert 2 * 255 * np.abs(numpy_helper.to_array(weights).astype(int)).max() <= np.iinfo(np.int16).max
