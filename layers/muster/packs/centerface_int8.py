"""CenterFace in int8, for pictures of 8 bits per colour."""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, version_converter

from muster.packs.centerface import INPUT, OUTPUTS
from muster.packs.precision import quantized

BLOCK = 2
"""Pixels of a block in both directions. The first convolution has this stride, so it reads whole blocks."""

_OPSET = 17
"""The first version of the operators with a scale per channel is 13."""

_HEADS = "heads/"
"""Prefix of the nodes that stay in float32: they compute the results, for which 256 values are too few."""

_MIN_PEAK = 0.01
"""Share of a tensor's greatest value below which a channel's peak is not enlarged further."""

Constants = dict[str, NDArray[np.generic]]


def with_int8(model: onnx.ModelProto, calibration: bytes) -> onnx.ModelProto:
    """Return CenterFace with its convolutions computed in int8, and the last layer in float32.

    Its input is `picture`, uint8 (N, H / 2, W / 2, 12): blocks of two by two RGB pixels, row by row.

    Args:
        model: as `with_free_shapes` returns it.
        calibration: JSON with `peaks`, the greatest value in each channel of the tensors of `depthwise_inputs`, and
            `ranges`, of the equalized network's activations, as `muster.packs.precision.with_int8` takes them.
            `benchmarks/vision/detector_precision.py --write` makes it.
    """
    measured = json.loads(calibration)
    exact = equalized(in_convolutions(model), measured["peaks"])
    kept = [node.name for node in exact.graph.node if node.name.startswith(_HEADS)]
    return _with_pixels_as_input(quantized(exact, json.dumps(measured["ranges"]).encode(), kept))


def depthwise_inputs(model: onnx.ModelProto) -> list[str]:
    """Return the tensors that a rectified convolution makes and one depthwise convolution alone reads."""
    return [rectified for _, rectified, _ in _depthwise(model)]


def equalized(model: onnx.ModelProto, peaks: Mapping[str, Sequence[float]]) -> onnx.ModelProto:
    """Return the same network with the same greatest value in every channel before its depthwise convolutions.

    All channels of a tensor share one scale in int8, so a channel with small values would keep few of the 256. A
    rectified convolution passes a factor on, and a depthwise convolution takes it out again: with a scale per channel,
    the weights lose nothing (Nagel et al. 2019, arXiv:1906.04721, section 4.1). Landmarks and boxes differ from those
    in float32 by about 0.7 of what they differ by without it (benchmarks/vision/detector_precision.py).

    Args:
        peaks: greatest value of each channel, by tensor.
    """
    same = onnx.ModelProto()
    same.CopyFrom(model)
    constants = {each.name: each for each in same.graph.initializer}
    for before, rectified, after in _depthwise(same):
        peak = np.array(peaks[rectified], np.float64)
        factor = peak.max() / np.maximum(peak, _MIN_PEAK * peak.max())
        for name, by in {before.input[1]: factor, before.input[2]: factor, after.input[1]: 1 / factor}.items():
            values = numpy_helper.to_array(constants[name])
            scaled = values * by.reshape(-1, *[1] * (values.ndim - 1))
            constants[name].CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), name))
    return same


def _depthwise(model: onnx.ModelProto) -> Iterator[tuple[onnx.NodeProto, str, onnx.NodeProto]]:
    makers = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    shapes = {each.name: each.dims for each in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Relu" or makers[node.input[0]].op_type != "Conv":
            continue
        after = readers[node.output[0]]
        if len(after) == 1 and after[0].op_type == "Conv" and shapes[after[0].input[1]][1] == 1:
            yield makers[node.input[0]], node.output[0], after[0]


def in_convolutions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return CenterFace in float32, written in operators that the runtime has for int8; its results are the same.

    - The first convolution, of 3 x 3 pixels with a stride of 2, reads blocks of 2 x 2 pixels: 12 channels instead of 3.
    - A transposed convolution of 2 x 2 pixels is a convolution of one pixel with four times the channels, which become
      pixels; the normalisation after it goes into its weights.
    - The four heads are one matrix product.

    Args:
        model: as `with_free_shapes` returns it. The input of the result is float32 (N, 12, H / 2, W / 2), 0 to 255.
    """
    graph = version_converter.convert_version(model, _OPSET).graph
    constants: Constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    readers = {name: node for node in graph.node for name in node.input}
    heads = [node for node in graph.node if {*node.output} & {*OUTPUTS} or node.output[0] == _logits(graph)]
    replaced: list[onnx.NodeProto] = [node for node in heads if node.op_type == "Sigmoid"]
    nodes = [_first(graph.node[0], constants)]
    for node in list(graph.node)[1:]:
        if node.op_type == "ConvTranspose":
            normalised = readers[node.output[0]]
            rectified = readers[normalised.output[0]]
            nodes += _enlarged(node, normalised, rectified, constants)
            replaced += [normalised, rectified]
        elif node not in heads and node not in replaced:
            nodes.append(node)
    nodes += _heads([node for node in heads if node.op_type == "Conv"], constants)
    for number, node in enumerate(nodes):
        node.name = node.name or f"layer{number}"
    return _made(nodes, constants, list(graph.output))


def _logits(graph: onnx.GraphProto) -> str:
    return str(next(node.input[0] for node in graph.node if node.op_type == "Sigmoid"))


def _first(node: onnx.NodeProto, constants: Constants) -> onnx.NodeProto:
    weights = constants[node.input[1]]
    blocks = np.zeros((len(weights), BLOCK * BLOCK * 3, 2, 2), np.float32)
    for row, column in np.ndindex(3, 3):
        (down, y), (right, x) = divmod(row - 1, BLOCK), divmod(column - 1, BLOCK)
        channel = (y * BLOCK + x) * 3
        # The published weights are for BGR.
        blocks[:, channel : channel + 3, down + 1, right + 1] = weights[:, ::-1, row, column]
    constants[node.input[1]] = blocks
    return helper.make_node("Conv", [*node.input], [*node.output], kernel_shape=[2, 2], pads=[1, 1, 0, 0])


def _enlarged(
    node: onnx.NodeProto, normalised: onnx.NodeProto, rectified: onnx.NodeProto, constants: Constants
) -> list[onnx.NodeProto]:
    scale, shift, mean, variance = (constants[name].astype(np.float64) for name in normalised.input[1:])
    epsilon = next(each.f for each in normalised.attribute if each.name == "epsilon")
    factor = scale / np.sqrt(variance + epsilon)
    weights = constants[node.input[1]] * factor[:, None, None]
    name = rectified.output[0]
    # From (inputs, outputs, rows, columns) to one output for each pixel and channel.
    outputs = weights.transpose(2, 3, 1, 0).reshape(-1, len(weights), 1, 1)
    constants[f"{name}/weights"] = outputs.astype(np.float32)
    constants[f"{name}/bias"] = np.tile(shift - mean * factor, BLOCK * BLOCK).astype(np.float32)
    inputs = [node.input[0], f"{name}/weights", f"{name}/bias"]
    return [
        helper.make_node("Conv", inputs, [f"{name}/mixed"], kernel_shape=[1, 1]),
        helper.make_node("Relu", [f"{name}/mixed"], [f"{name}/rectified"]),
        helper.make_node("DepthToSpace", [f"{name}/rectified"], [name], blocksize=BLOCK, mode="DCR"),
    ]


def _heads(convolutions: list[onnx.NodeProto], constants: Constants) -> list[onnx.NodeProto]:
    order = sorted(convolutions, key=lambda node: [*OUTPUTS].index(node.output[0]) if node.output[0] in OUTPUTS else 0)
    weights = np.concatenate([constants[node.input[1]] for node in order])
    constants["heads/weights"] = np.ascontiguousarray(weights[:, :, 0, 0].T)
    constants["heads/bias"] = np.concatenate([constants[node.input[2]] for node in order])
    constants["heads/sizes"] = np.array([*OUTPUTS.values()], np.int64)
    heatmap, *others = OUTPUTS
    nodes = [
        helper.make_node("Transpose", [order[0].input[0]], ["heads/input"], perm=[0, 2, 3, 1]),
        helper.make_node("MatMul", ["heads/input", "heads/weights"], ["heads/product"]),
        helper.make_node("Add", ["heads/product", "heads/bias"], ["heads/sum"]),
        helper.make_node("Transpose", ["heads/sum"], ["heads/maps"], perm=[0, 3, 1, 2]),
        helper.make_node("Split", ["heads/maps", "heads/sizes"], ["heads/logits", *others], axis=1),
        helper.make_node("Sigmoid", ["heads/logits"], [heatmap]),
    ]
    for node in nodes:
        node.name = f"{_HEADS}{node.op_type}/{node.output[0]}"
    return nodes


def _made(nodes: list[onnx.NodeProto], constants: Constants, outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
    used = {name for node in nodes for name in node.input}
    channels = BLOCK * BLOCK * 3
    graph = helper.make_graph(
        nodes,
        "centerface",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", channels, "H / 2", "W / 2"])],
        outputs,
        [numpy_helper.from_array(array, name) for name, array in constants.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _with_pixels_as_input(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network without the quantization of its input, whose values are pixels already."""
    graph = model.graph
    first = next(node for node in graph.node if node.input[0] == INPUT)
    scale, zero = first.input[1:]
    exact: Constants = {scale: np.array(1, np.float32), zero: np.array(0, np.uint8)}
    for constant in graph.initializer:
        if constant.name in exact:
            constant.CopyFrom(numpy_helper.from_array(exact[constant.name], constant.name))
    graph.node.remove(first)
    graph.node.insert(0, helper.make_node("Transpose", [INPUT], [first.output[0]], name="channels", perm=[0, 3, 1, 2]))
    shape: list[str | int | None] = ["N", "H / 2", "W / 2", BLOCK * BLOCK * 3]
    del graph.input[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape))
    onnx.checker.check_model(model)
    return model
