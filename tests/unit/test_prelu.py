"""PReLUs written as convolutions compute the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from muster.packs.prelu import with_fast_prelus

CHANNELS = 8
SLOPES = np.array([-2.5, -0.1, 0.0, 0.25, 1.0, 1.5, 3.0, 9.0], np.float32)
"""Below 0, above 1, and the borders: above 1 the function is concave, which takes signs of the neighbours."""


def network(*, depthwise: bool, residual: bool = False, stride: int = 1) -> onnx.ModelProto:
    """Return a convolution, a PReLU, another convolution and a sum of its values, with random weights."""
    random = np.random.default_rng(0)
    group = CHANNELS if depthwise else 1
    constants: dict[str, NDArray[np.floating]] = {
        "w1": random.standard_normal((CHANNELS, 3, 3, 3)),
        "b1": random.standard_normal(CHANNELS),
        "slope": SLOPES.reshape(-1, 1, 1),
        "w2": random.standard_normal((CHANNELS if depthwise else 5, CHANNELS // group, 3, 3)),
        "b2": random.standard_normal(CHANNELS if depthwise else 5),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["first"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["first", "slope"], ["active"], name="active"),
        helper.make_node(
            "Conv", ["active", "w2", "b2"], ["last"], name="last", pads=[1, 1, 1, 1], group=group, strides=[stride] * 2
        ),
        helper.make_node("Add", ["last", "active" if residual else "last"], ["y"], name="y"),
    ]
    shape: list[str | int | None] = ["N", 3, 12, 12]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", None, 12 // stride, 12 // stride])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def computed(model: onnx.ModelProto) -> NDArray[np.float32]:
    pictures = np.random.default_rng(1).standard_normal((2, 3, 12, 12)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": pictures})
    return np.asarray(found, np.float32)


@pytest.mark.parametrize("depthwise", [True, False])
def test_a_prelu_between_convolutions_is_a_maximum_and_a_convolution_and_computes_the_same(depthwise: bool) -> None:
    model = network(depthwise=depthwise)
    fast = with_fast_prelus(model)
    assert [node.op_type for node in fast.graph.node] == ["Conv", "Relu", "Conv", "Add", "Conv", "Add"]
    assert "slope" not in {constant.name for constant in fast.graph.initializer}
    np.testing.assert_allclose(computed(fast), computed(model), rtol=1e-4, atol=1e-4)


def test_before_a_depthwise_convolution_that_skips_pixels_the_sum_comes_last() -> None:
    model = network(depthwise=True, stride=2)
    fast = with_fast_prelus(model)
    assert [node.op_type for node in fast.graph.node] == ["Conv", "Relu", "Conv", "Conv", "Add", "Add"]
    assert [node.input[0] for node in fast.graph.node][2:4] == ["active/positive", "first"]
    np.testing.assert_allclose(computed(fast), computed(model), rtol=1e-4, atol=1e-4)


def test_a_dense_convolution_that_skips_pixels_comes_after_the_sum() -> None:
    model = network(depthwise=False, stride=2)
    fast = with_fast_prelus(model)
    assert [node.op_type for node in fast.graph.node] == ["Conv", "Relu", "Conv", "Add", "Conv", "Add"]
    np.testing.assert_allclose(computed(fast), computed(model), rtol=1e-4, atol=1e-4)


def test_a_prelu_that_something_else_reads_is_left_unchanged() -> None:
    model = network(depthwise=True, residual=True)
    fast = with_fast_prelus(model)
    assert "PRelu" in [node.op_type for node in fast.graph.node]
    np.testing.assert_array_equal(computed(fast), computed(model))
