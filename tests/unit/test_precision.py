"""The embedded pack's variants: smaller or faster, and still the same faces."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from muster.packs.build import build_embedded
from muster.packs.load import ModelPack, verify_pack
from muster.packs.manifest import shipped_spec
from muster.packs.precision import shipped_ranges, with_int8
from muster.vision.align import StretchedBox, crop_faces
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetwork


@pytest.fixture(scope="module")
def crops(pack: ModelPack, samples: Path) -> NDArray[np.uint8]:
    """Faces of the sample photos: three people."""
    detector = CenterFaceDetector(pack.detector, 1)
    photos = [decode(path.read_bytes()).pixels for path in sorted(samples.glob("*/*.jpg"))]
    return np.concatenate([crop_faces(photo, detector.detect(photo), StretchedBox()) for photo in photos])


@pytest.fixture(scope="module")
def int8(pack_home: Path) -> ModelPack:
    """The variant that computes in int8."""
    return build_embedded(pack_home, name="embedded-int8")


@pytest.mark.parametrize(("precision", "share", "least"), [("float16", 0.51, 0.99999), ("int8", 0.27, 0.99)])
def test_a_variant_is_a_pack_of_its_own_that_embeds_nearly_as_the_pack_does(
    precision: str, share: float, least: float, pack: ModelPack, pack_home: Path, crops: NDArray[np.uint8]
) -> None:
    variant = build_embedded(pack_home, name=f"embedded-{precision}")
    verify_pack(variant)
    assert variant.id == shipped_spec(f"embedded-{precision}").id != pack.id
    assert variant.embedders[0].stat().st_size < share * pack.embedders[0].stat().st_size
    exact, found = (FaceNetwork(model_pack.embedders[0], 2).embed(crops) for model_pack in (pack, variant))
    cosine = (exact * found).sum(axis=1)
    assert least < cosine.min()
    assert not np.array_equal(exact, found)
    # What the faces have to say of each other stays what it was.
    assert np.abs(exact @ exact.T - found @ found.T).max() < 2 * np.sqrt(2 * (1 - least))


def test_a_network_made_int8_twice_is_the_same_byte_for_byte(pack: ModelPack, int8: ModelPack) -> None:
    again = with_int8(onnx.load(pack.embedders[0]), shipped_ranges("facenet"))
    assert again.SerializeToString(deterministic=True) == int8.embedders[0].read_bytes()


def test_no_sum_of_two_products_of_the_int8_network_leaves_sixteen_bits(int8: ModelPack) -> None:
    """Processors without VNNI add two products of an activation (0 to 255) and a weight in 16 bits, and clip the sum.

    The bound depends on the weights alone, so it holds on every processor.
    """
    graph = onnx.load(int8.embedders[0]).graph
    constants = {initializer.name: initializer for initializer in graph.initializer}
    dequantized = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    products = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    assert len(products) > 100
    for node in products:
        activations, weights = (dequantized[name] for name in node.input[:2])
        assert constants[activations.input[2]].data_type == TensorProto.UINT8, node.name
        assert constants[weights.input[0]].data_type == TensorProto.INT8, node.name
        values = numpy_helper.to_array(constants[weights.input[0]]).astype(int)
        assert 2 * 255 * np.abs(values).max() <= np.iinfo(np.int16).max, node.name


@pytest.mark.parametrize("side", [1, 3])
def test_integer_convolutions_with_weights_of_7_bits_are_exact_on_this_processor(side: int) -> None:
    """The greatest activations and weights are among them, whose sums a wrong kernel would clip."""
    random = np.random.default_rng(0)
    picture = random.choice(np.array([0, 1, 254, 255], np.uint8), (2, 64, 9, 9))
    weights = random.choice(np.array([-64, -63, 63, 64], np.int8), (32, 64, side, side))
    scales = {"x": np.float32(1), "w": np.float32(1), "y": np.float32(64 * side * side)}
    zeros = {"x0": np.uint8(0), "w0": np.int8(0), "y0": np.uint8(128)}
    node = helper.make_node("QLinearConv", ["picture", "x", "x0", "weights", "w", "w0", "y", "y0"], ["out"])
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in (scales | zeros).items()]
    graph = helper.make_graph(
        [node],
        "convolution",
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, picture.shape)],
        [helper.make_tensor_value_info("out", TensorProto.UINT8, None)],
        [*constants, numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"picture": picture})
    windows = np.lib.stride_tricks.sliding_window_view(picture.astype(np.int64), (side, side), (2, 3))
    sums = np.einsum("nchwij,ocij->nohw", windows, weights.astype(np.int64))
    expected = np.clip(np.rint(sums / (64 * side * side)) + 128, 0, 255)
    assert np.array_equal(found, expected)
