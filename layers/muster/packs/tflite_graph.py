"""Conversion of a TensorFlow Lite network to ONNX, without TensorFlow.

It covers the operators of MobileFaceNet in float32. Any other operator is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from muster.arrays import FloatArray
from muster.domain.errors import PackBuildFailed
from muster.packs.frozen_graph import IR_VERSION, OPSET
from muster.packs.pointwise import with_joined_pointwise
from muster.packs.prelu import with_fast_prelus


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A value of the ONNX graph; channels come second."""

    name: str


@dataclass(frozen=True, slots=True)
class _Rectified:
    """`max(x, 0)`, not written yet, so that a PReLU can be made of it."""

    name: str
    source: _Tensor


@dataclass(frozen=True, slots=True)
class _Absolute:
    """`|x|`."""

    source: _Tensor


@dataclass(frozen=True, eq=False, slots=True)
class _Negative:
    """`slope * min(x, 0)`, by channel; slope is float32 (channels,) or (1,)."""

    source: _Tensor
    slope: FloatArray


_Value = NDArray[Any] | _Tensor | _Rectified | _Absolute | _Negative


def convert(content: bytes, input_name: str, output_name: str) -> onnx.ModelProto:
    """Convert a TensorFlow Lite model to an ONNX model with a free batch size.

    Each convolution becomes one node; `with_joined_pointwise` joins some of them. The five nodes
    `relu(x) + a * (x - |x|)`, which spell out a PReLU, become the operators of `with_fast_prelus`. Written from the
    same bytes, the model's bytes are the same.

    Args:
        content: a float32 model with one input, (N, height, width, channels), and one output, (N, M).
        input_name: name of the ONNX input, float32 (N, channels, height, width).
        output_name: name of the ONNX output, float32 (N, M).

    Raises:
        PackBuildFailed: the model contains something that this conversion does not cover.
    """
    return _Conversion(tflite.Model.GetRootAs(content, 0), input_name, output_name).run()


class _Conversion:
    """State of a conversion: the values and ONNX nodes so far."""

    def __init__(self, model: Any, input_name: str, output_name: str) -> None:
        _require(model.SubgraphsLength() == 1, "has several graphs")
        self._model, self._graph = model, model.Subgraphs(0)
        self._input_name, self._output_name = input_name, output_name
        self._values: dict[int, _Value] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[TensorProto] = []
        self._rules: dict[int, Callable[[Any, list[_Value]], _Value]] = {
            tflite.BuiltinOperator.CONV_2D: self._convolution,
            tflite.BuiltinOperator.DEPTHWISE_CONV_2D: self._depthwise,
            tflite.BuiltinOperator.RELU: self._relu,
            tflite.BuiltinOperator.ABS: self._absolute,
            tflite.BuiltinOperator.SUB: self._subtract,
            tflite.BuiltinOperator.MUL: self._multiply,
            tflite.BuiltinOperator.ADD: self._add,
            tflite.BuiltinOperator.RESHAPE: self._reshape,
        }

    def run(self) -> onnx.ModelProto:
        graph = self._graph
        _require(graph.InputsLength() == 1 and graph.OutputsLength() == 1, "has several inputs or outputs")
        first, last = graph.Inputs(0), graph.Outputs(0)
        _, height, width, channels = self._shape(first)
        self._values[first] = _Tensor(self._input_name)
        for number in range(graph.OperatorsLength()):
            node = graph.Operators(number)
            code = self._model.OperatorCodes(node.OpcodeIndex())
            # Models from before the field was widened hold the operator in the old one.
            operator = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            _require(operator in self._rules, f"holds the operator {operator}")
            sources = [self._value(index) for index in node.InputsAsNumpy()]
            self._values[node.Outputs(0)] = self._rules[operator](node, sources)
        self._emit("Identity", self._output_name, [_tensor(self._value(last)).name])
        shape: list[str | int | None] = ["N", channels, height, width]
        inputs = [helper.make_tensor_value_info(self._input_name, TensorProto.FLOAT, shape)]
        output = helper.make_tensor_value_info(self._output_name, TensorProto.FLOAT, None)
        written = helper.make_graph(self._nodes, "network", inputs, [output], self._initializers)
        model = helper.make_model(written, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        del model.graph.value_info[:]
        return with_fast_prelus(with_joined_pointwise(model))

    def _shape(self, index: int) -> list[int]:
        tensor = self._graph.Tensors(index)
        return [tensor.Shape(axis) for axis in range(tensor.ShapeLength())]

    def _value(self, index: int) -> _Value:
        if index in self._values:
            return self._values[index]
        tensor = self._graph.Tensors(index)
        kind = {tflite.TensorType.FLOAT32: "<f4", tflite.TensorType.INT32: "<i4"}.get(tensor.Type())
        buffer = self._model.Buffers(tensor.Buffer())
        if kind is None or not buffer.DataLength():
            raise _not_covered(f"has no float32 values for tensor {index}")
        values: NDArray[Any] = np.frombuffer(buffer.DataAsNumpy().tobytes(), kind).reshape(self._shape(index))
        return values

    def _emit(self, operator: str, name: str, sources: list[str], **attributes: Any) -> _Tensor:
        self._nodes.append(helper.make_node(operator, sources, [name], name=name, **attributes))
        return _Tensor(name)

    def _initializer(self, name: str, array: NDArray[Any]) -> str:
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _convolution(self, node: Any, sources: list[_Value]) -> _Value:
        options = tflite.Conv2DOptions()
        options.Init(node.BuiltinOptions().Bytes, node.BuiltinOptions().Pos)
        weights = _array(sources[1]).transpose(0, 3, 1, 2)
        return self._convolve(node, options, sources, weights, 1)

    def _depthwise(self, node: Any, sources: list[_Value]) -> _Value:
        options = tflite.DepthwiseConv2DOptions()
        options.Init(node.BuiltinOptions().Bytes, node.BuiltinOptions().Pos)
        _require(options.DepthMultiplier() == 1, "multiplies channels")
        weights = _array(sources[1]).transpose(3, 0, 1, 2)
        return self._convolve(node, options, sources, weights, len(weights))

    def _convolve(self, node: Any, options: Any, sources: list[_Value], weights: NDArray[Any], groups: int) -> _Value:
        plain = options.FusedActivationFunction() == tflite.ActivationFunctionType.NONE
        _require(plain, "fuses an activation with a convolution")
        _require((options.DilationHFactor(), options.DilationWFactor()) == (1, 1), "dilates a convolution")
        name = f"convolution{node.Outputs(0)}"
        kernel, strides = weights.shape[2:], (options.StrideH(), options.StrideW())
        pads = [0, 0, 0, 0]
        if options.Padding() == tflite.Padding.SAME:
            size, result = self._shape(node.Inputs(0))[1:3], self._shape(node.Outputs(0))[1:3]
            # Where the padding is uneven, the odd row or column comes last, as in TensorFlow.
            total = [
                max((n - 1) * step + side - length, 0)
                for n, step, side, length in zip(result, strides, kernel, size, strict=True)
            ]
            pads = [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]
        inputs = [
            _tensor(sources[0]).name,
            self._initializer(f"{name}/weights", weights),
            self._initializer(f"{name}/bias", _array(sources[2])),
        ]
        return self._emit(
            "Conv", name, inputs, kernel_shape=list(kernel), strides=list(strides), pads=pads, group=groups
        )

    def _relu(self, node: Any, sources: list[_Value]) -> _Value:
        return _Rectified(f"prelu{node.Outputs(0)}", _tensor(sources[0]))

    def _absolute(self, node: Any, sources: list[_Value]) -> _Value:
        return _Absolute(_tensor(sources[0]))

    def _subtract(self, node: Any, sources: list[_Value]) -> _Value:
        left, right = sources
        if not (isinstance(right, _Absolute) and left == right.source):
            raise _not_covered("subtracts other than |x| from x")
        return _Negative(right.source, np.full(1, 2, np.float32))

    def _multiply(self, node: Any, sources: list[_Value]) -> _Value:
        factor, value = sources if isinstance(sources[0], np.ndarray) else reversed(sources)
        if not (isinstance(factor, np.ndarray) and factor.ndim == 1 and isinstance(value, _Negative)):
            raise _not_covered("multiplies other than the negative part of a tensor by channel")
        return _Negative(value.source, factor * value.slope)

    def _add(self, node: Any, sources: list[_Value]) -> _Value:
        left, right = sources
        if isinstance(left, _Rectified) and isinstance(right, _Negative) and left.source == right.source:
            return self._prelu(left.name, left.source, right.slope.astype(np.float64))
        return self._emit("Add", f"sum{node.Outputs(0)}", [_tensor(left).name, _tensor(right).name])

    def _prelu(self, name: str, source: _Tensor, slope: NDArray[np.float64]) -> _Tensor:
        factor = self._initializer(f"{name}/slope", slope.astype(np.float32).reshape(-1, 1, 1))
        return self._emit("PRelu", name, [source.name, factor])

    def _reshape(self, node: Any, sources: list[_Value]) -> _Value:
        """Drop the height and width of single pixels, which moves no element."""
        shape = self._shape(node.Inputs(0))
        _require(shape[1:3] == [1, 1] and self._shape(node.Outputs(0)) == [shape[0], shape[3]], "moves elements")
        return self._emit("Flatten", f"flat{node.Outputs(0)}", [_tensor(sources[0]).name], axis=1)


def _tensor(value: _Value) -> _Tensor:
    if not isinstance(value, _Tensor):
        raise _not_covered("has an activation other than PReLU")
    return value


def _array(value: _Value) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise _not_covered("uses a tensor where a constant is expected")
    return value


def _require(covered: bool, otherwise: str) -> None:
    if not covered:
        raise _not_covered(otherwise)


def _not_covered(what: str) -> PackBuildFailed:
    return PackBuildFailed(
        f"The TensorFlow Lite network {what}, which is not covered: build from the pinned package version."
    )
