"""Conversion of a frozen TensorFlow graph to ONNX, without TensorFlow.

It covers the operators of an inference-only convolutional network with folded batch norms, which suffices for FaceNet
(InceptionResnetV1). Any other operator is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.util.tensor_util import make_ndarray

from muster.arrays import FloatArray
from muster.domain.errors import PackBuildFailed

OPSET = 17
"""ONNX operator set of the result: the newest with IR version 8, which every supported runtime reads."""

IR_VERSION = 8


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A value of the ONNX graph; rank 4 is batch, channel, height, width, rank 2 is batch, channel."""

    name: str
    rank: int


@dataclass(frozen=True, eq=False, slots=True)
class _Affine:
    """A convolution or matrix product not yet written, so that what follows can be folded into it.

    Attributes:
        weights: float32 (out, in, height, width), or (in, out) of a matrix product.
        bias: float32 (out,).
    """

    name: str
    operator: str
    source: _Tensor
    weights: FloatArray
    bias: FloatArray
    attributes: dict[str, Any]

    def scaled(self, name: str, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> "_Affine":
        """Follow with `scale * y + shift` per output channel, both (out,), rounded to float32 once."""
        along = (-1, 1, 1, 1) if self.operator == "Conv" else (1, -1)
        return replace(
            self,
            name=name,
            weights=(self.weights * scale.reshape(along)).astype(np.float32),
            bias=(self.bias * scale + shift).astype(np.float32),
        )


_Value = NDArray[Any] | _Tensor | _Affine


def convert(frozen: bytes, input_name: str, output_name: str) -> onnx.ModelProto:
    """Convert a frozen GraphDef to an ONNX model with a free batch size.

    The scale of a residual branch and the bottleneck's batch norm are folded into the weights before them;
    everything else is one node for one node. Written from the same bytes, the model's bytes are the same.

    Args:
        frozen: a serialised GraphDef in NHWC order with one placeholder of known height, width and channels.
        input_name: name of the ONNX input, float32 (N, channels, height, width).
        output_name: name of the ONNX output, float32 (N, M): the graph's one node that nothing consumes.

    Raises:
        PackBuildFailed: the graph contains something that this conversion does not cover.
    """
    graph = GraphDef()
    graph.ParseFromString(frozen)
    return _Conversion(input_name, output_name).run(graph)


class _Conversion:
    """State of a conversion: the values and ONNX nodes so far."""

    def __init__(self, input_name: str, output_name: str) -> None:
        self._input_name = input_name
        self._output_name = output_name
        self._values: dict[str, _Value] = {}
        self._affine_written: dict[str, _Tensor] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._rules: dict[str, Callable[[Any, list[_Value]], _Value]] = {
            "Placeholder": self._placeholder,
            "Const": self._constant,
            "Conv2D": self._convolution,
            "BiasAdd": self._bias_add,
            "FusedBatchNorm": self._batch_norm,
            "MatMul": self._matrix_product,
            "Relu": self._relu,
            "MaxPool": self._pool,
            "AvgPool": self._pool,
            "ConcatV2": self._concat,
            "Add": self._add,
            "Mul": self._multiply,
            "Reshape": self._reshape,
            "Square": self._square,
            "Sum": self._sum,
            "Maximum": self._maximum,
            "Rsqrt": self._reciprocal_root,
        }

    def run(self, graph: Any) -> onnx.ModelProto:
        nodes = {node.name: node for node in graph.node}
        sources = {name: _sources(node) for name, node in nodes.items()}
        consumed = {source for used in sources.values() for source in used}
        last = [name for name in nodes if name not in consumed]
        _require(len(last) == 1, f"has {len(last)} outputs instead of one")
        for name in TopologicalSorter(sources).static_order():
            node = nodes[name]
            _require(node.op in self._rules, f"holds the operator {node.op}")
            self._values[name] = self._rules[node.op](node, [self._values[source] for source in sources[name]])
        result = self._written(self._values[last[0]])
        self._nodes.append(helper.make_node("Identity", [result.name], [self._output_name], name=self._output_name))
        return self._model()

    def _model(self) -> onnx.ModelProto:
        output = helper.make_tensor_value_info(self._output_name, TensorProto.FLOAT, None)
        graph = helper.make_graph(self._nodes, "network", self._inputs, [output], self._initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        del model.graph.value_info[:]
        onnx.checker.check_model(model)
        return model

    def _emit(self, operator: str, name: str, sources: list[str], rank: int, **attributes: Any) -> _Tensor:
        self._nodes.append(helper.make_node(operator, sources, [name], name=name, **attributes))
        return _Tensor(name, rank)

    def _initializer(self, name: str, array: NDArray[Any]) -> str:
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _written(self, value: _Value) -> _Tensor:
        """Return the value as a tensor of the graph, writing the convolution or product that it may still be."""
        if isinstance(value, _Tensor):
            return value
        if not isinstance(value, _Affine):
            raise _not_covered("uses a constant where a tensor is expected")
        if value.name not in self._affine_written:
            weights = self._initializer(f"{value.name}/weights", value.weights)
            bias = self._initializer(f"{value.name}/bias", value.bias)
            self._affine_written[value.name] = self._emit(
                value.operator, value.name, [value.source.name, weights, bias], value.source.rank, **value.attributes
            )
        return self._affine_written[value.name]

    def _placeholder(self, node: Any, sources: list[_Value]) -> _Value:
        _require(not self._inputs, "has several inputs instead of one")
        _, height, width, channels = (dim.size for dim in node.attr["shape"].shape.dim)
        shape = ["N", channels, height, width]
        self._inputs.append(helper.make_tensor_value_info(self._input_name, TensorProto.FLOAT, shape))
        return _Tensor(self._input_name, rank=4)

    def _constant(self, node: Any, sources: list[_Value]) -> _Value:
        array: NDArray[Any] = make_ndarray(node.attr["value"].tensor)
        return array

    def _convolution(self, node: Any, sources: list[_Value]) -> _Value:
        image, weights = self._written(sources[0]), _array(sources[1])
        _require(list(node.attr["dilations"].list.i) in ([], [1, 1, 1, 1]), f"dilates {node.name}")
        height, width, _, channels = weights.shape
        attributes = _window(node, (height, width))
        weights = weights.transpose(3, 2, 0, 1)
        return _Affine(node.name, "Conv", image, weights, np.zeros(channels, np.float32), attributes)

    def _matrix_product(self, node: Any, sources: list[_Value]) -> _Value:
        _require(not (node.attr["transpose_a"].b or node.attr["transpose_b"].b), f"transposes {node.name}")
        rows, weights = self._written(sources[0]), _array(sources[1])
        return _Affine(node.name, "Gemm", rows, weights, np.zeros(weights.shape[1], np.float32), {})

    def _bias_add(self, node: Any, sources: list[_Value]) -> _Value:
        bias = _array(sources[1])
        return _affine(sources[0]).scaled(node.name, np.ones(len(bias)), bias.astype(np.float64))

    def _batch_norm(self, node: Any, sources: list[_Value]) -> _Value:
        gamma, beta, mean, variance = (_array(source).astype(np.float64) for source in sources[1:])
        _require(not node.attr["is_training"].b, f"trains {node.name}")
        scale = gamma / np.sqrt(variance + node.attr["epsilon"].f)
        return _affine(sources[0]).scaled(node.name, scale, beta - mean * scale)

    def _relu(self, node: Any, sources: list[_Value]) -> _Value:
        source = self._written(sources[0])
        return self._emit("Relu", node.name, [source.name], source.rank)

    def _pool(self, node: Any, sources: list[_Value]) -> _Value:
        operator = {"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[node.op]
        _, height, width, _ = node.attr["ksize"].list.i
        source = self._written(sources[0])
        return self._emit(operator, node.name, [source.name], source.rank, **_window(node, (height, width)))

    def _concat(self, node: Any, sources: list[_Value]) -> _Value:
        *parts, axis = sources
        tensors = [self._written(part) for part in parts]
        _require(int(_array(axis)) in (3, -1) and tensors[0].rank == 4, f"joins other than channels in {node.name}")
        return self._emit("Concat", node.name, [tensor.name for tensor in tensors], 4, axis=1)

    def _add(self, node: Any, sources: list[_Value]) -> _Value:
        left, right = (self._written(source) for source in sources)
        return self._emit("Add", node.name, [left.name, right.name], left.rank)

    def _multiply(self, node: Any, sources: list[_Value]) -> _Value:
        left, right = sources
        if isinstance(left, np.ndarray):
            _require(left.size == 1, f"multiplies by more than a number in {node.name}")
            affine = _affine(right)
            scale = np.full(len(affine.bias), float(left.item()))
            return affine.scaled(node.name, scale, np.zeros(len(affine.bias)))
        first, second = self._written(left), self._written(right)
        return self._emit("Mul", node.name, [first.name, second.name], first.rank)

    def _reshape(self, node: Any, sources: list[_Value]) -> _Value:
        """Follow a reshape that only drops or adds axes of length 1, as the following product's size confirms."""
        value, shape = sources[0], _array(sources[1])
        *others, channels = (int(size) for size in shape)
        _require(all(size in (1, -1) for size in others), f"moves elements in {node.name}")
        if isinstance(value, _Affine) and value.operator == "Gemm":
            _require(channels == len(value.bias), f"moves elements in {node.name}")
            return value
        source = self._written(value)
        return self._emit("Flatten", node.name, [source.name], 2, axis=1)

    def _square(self, node: Any, sources: list[_Value]) -> _Value:
        source = self._written(sources[0])
        return self._emit("Mul", node.name, [source.name, source.name], source.rank)

    def _sum(self, node: Any, sources: list[_Value]) -> _Value:
        source, axis = self._written(sources[0]), _array(sources[1])
        covered = source.rank == 2 and axis.ravel().tolist() in ([1], [-1]) and node.attr["keep_dims"].b
        _require(covered, f"sums other than channels in {node.name}")
        axes = self._initializer(f"{node.name}/axes", np.array([1], np.int64))
        return self._emit("ReduceSum", node.name, [source.name, axes], 2, keepdims=1)

    def _maximum(self, node: Any, sources: list[_Value]) -> _Value:
        source = self._written(sources[0])
        floor = self._initializer(f"{node.name}/floor", _array(sources[1]).astype(np.float32))
        return self._emit("Max", node.name, [source.name, floor], source.rank)

    def _reciprocal_root(self, node: Any, sources: list[_Value]) -> _Value:
        source = self._written(sources[0])
        root = self._emit("Sqrt", f"{node.name}/root", [source.name], source.rank)
        return self._emit("Reciprocal", node.name, [root.name], source.rank)


def _window(node: Any, kernel: tuple[int, int]) -> dict[str, Any]:
    """Return the ONNX attributes of a sliding window: kernel, strides and the padding written out."""
    _require(node.attr["data_format"].s == b"NHWC", f"is not in NHWC order in {node.name}")
    _, *strides, _ = node.attr["strides"].list.i
    attributes = {"kernel_shape": list(kernel), "strides": list(strides)}
    padding = node.attr["padding"].s
    if padding == b"SAME":
        symmetric = strides == [1, 1] and all(size % 2 for size in kernel)
        _require(symmetric, f"pads unevenly in {node.name}")
        attributes["pads"] = [size // 2 for size in kernel] * 2
    else:
        _require(padding == b"VALID", f"pads in an unknown way in {node.name}")
    return attributes


def _sources(node: Any) -> list[str]:
    """Return the names of the input nodes, without control inputs, which only order side effects."""
    return [_node_name(reference) for reference in node.input if not reference.startswith("^")]


def _node_name(reference: str) -> str:
    name, _, output = reference.partition(":")
    _require(output in ("", "0"), f"uses a second output of {name}")
    return name


def _array(value: _Value) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise _not_covered("uses a tensor where a constant is expected")
    return value


def _affine(value: _Value) -> _Affine:
    if not isinstance(value, _Affine):
        raise _not_covered("scales or shifts what is neither a convolution nor a matrix product")
    return value


def _require(covered: bool, otherwise: str) -> None:
    if not covered:
        raise _not_covered(otherwise)


def _not_covered(what: str) -> PackBuildFailed:
    return PackBuildFailed(f"The frozen graph {what}, which is not covered: build from the pinned package version.")
