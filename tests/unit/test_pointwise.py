"""Pointwise convolutions in a row, joined, compute the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from muster.packs.pointwise import with_joined_pointwise


def network(*channels: int, results: tuple[str, ...] = ("last",), **attributes: list[int]) -> onnx.ModelProto:
    """Return 1 x 1 convolutions in a row from 3 channels to each of these; the first one has the attributes."""
    random = np.random.default_rng(0)
    nodes, constants, source = [], [], "x"
    for number, (before, after) in enumerate(zip((3, *channels), channels, strict=False)):
        name = "last" if number == len(channels) - 1 else f"c{number}"
        weights = random.standard_normal((after, before, 1, 1)), random.standard_normal(after)
        names = [f"{name}/weights", f"{name}/bias"]
        constants += [numpy_helper.from_array(a.astype(np.float32), n) for a, n in zip(weights, names, strict=True)]
        nodes.append(helper.make_node("Conv", [source, *names], [name], name=name))
        nodes[-1].attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items() if not number)
        source = name
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 6, 6])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", None, None, None]) for name in results],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def computed(model: onnx.ModelProto) -> list[NDArray[np.float32]]:
    pictures = np.random.default_rng(1).standard_normal((2, 3, 6, 6)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(found, np.float32) for found in session.run(None, {"x": pictures})]


def test_convolutions_in_a_row_become_one_and_compute_the_same() -> None:
    model = network(8, 5, 2)
    joined = with_joined_pointwise(model)
    assert [constant.name for constant in joined.graph.initializer] == ["last/weights", "last/bias"]
    np.testing.assert_allclose(computed(joined)[0], computed(model)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(network(1, 8), id="a bottleneck, which is less work"),
        pytest.param(network(8, 5, results=("last", "c0")), id="a result of the network"),
        pytest.param(network(8, 5, strides=[2, 2]), id="one that skips pixels"),
        pytest.param(network(8, 5, pads=[1, 1, 1, 1]), id="one whose border is its bias"),
    ],
)
def test_others_stay_as_they_are(model: onnx.ModelProto) -> None:
    assert with_joined_pointwise(model) == model
