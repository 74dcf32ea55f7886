"""PReLUs of a convolutional network, written in operators that the runtime computes without changing its layout."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from muster.packs.onnx_graph import IN_CHANNELS, Graph, along, integers, is_depthwise

_SMALLEST_FACTOR = 2.0**-20
"""Least |1 - slope| that weights are multiplied by. Where a slope is nearer to 1, the result is off by a millionth."""


def with_fast_prelus(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with each PReLU between convolutions written as a maximum, a convolution and a sum.

    The runtime has no PRelu for the blocked layout in which it computes convolutions, and changes the layout before and
    after each. A PReLU with slope s is `s * x + max((1 - s) * x, 0)` where s is at most 1. The convolution before it
    takes the factor 1 - s, so it computes u = (1 - s) * x, and the PReLU is `s / (1 - s) * u + max(u, 0)`: the factor
    is a convolution of every channel with one number, and the runtime computes the sum with it. Where s is above 1, the
    PReLU of -x is -(x + max((s - 1) * x, 0)); both signs go into the weights of the convolutions before and after it.

    Where only a depthwise convolution reads the PReLU and skips pixels, it is applied to u and to max(u, 0) instead,
    and the sum has a quarter of the values. Networks with large layers wait for memory, so fewer passes over the values
    save more than the multiplications cost (benchmarks/vision/embedding.py).

    PReLUs whose neighbours are not convolutions are left unchanged.
    """
    return _with_sums_after_strides(_with_maxima(model))


def _with_maxima(model: onnx.ModelProto) -> onnx.ModelProto:
    graph = Graph(model)
    nodes = []
    for node in graph.nodes:
        replaced = node.op_type == "PRelu" and _is_between_convolutions(graph, node)
        nodes.extend(_maximum_and_sum(graph, node) if replaced else [node])
    return graph.rewritten(nodes)


def _is_between_convolutions(graph: Graph, node: onnx.NodeProto) -> bool:
    """Return whether only convolutions read a PReLU, and it alone reads the convolution before it."""
    before, after = graph.maker(node.input[0]), graph.readers(node.output[0])
    if before is None or not after:
        return False
    return (
        len(graph.readers(node.input[0])) == 1
        and not any(graph.is_result(name) for name in (node.input[0], node.output[0]))
        and all(each.op_type == "Conv" and graph.has_own_constants(each) for each in (before, *after))
        and graph.constants[node.input[1]].size == len(graph.constants[before.input[1]])
    )


def _maximum_and_sum(graph: Graph, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return the nodes that replace a PReLU; the weights before and after it take the factors and signs."""
    source, slopes = node.input
    slope = graph.constants[slopes].astype(np.float64).reshape(-1)
    factor = np.maximum(np.abs(1 - slope), _SMALLEST_FACTOR)
    sign = np.where(slope > 1, -1.0, 1.0)
    _scale_neighbours(graph, node, before=sign * factor, after=sign)
    positive, linear = f"{node.name}/positive", f"{node.name}/linear"
    ratio = (np.minimum(slope, 1) / factor).astype(np.float32)
    graph.constants[f"{linear}/factor"] = ratio.reshape(-1, 1, 1, 1)
    return [
        helper.make_node("Relu", [source], [positive], name=positive),
        helper.make_node(
            "Conv", [source, f"{linear}/factor"], [linear], name=linear, kernel_shape=[1, 1], group=len(ratio)
        ),
        helper.make_node("Add", [linear, positive], [node.output[0]], name=node.name),
    ]


def _scale_neighbours(
    graph: Graph, node: onnx.NodeProto, before: NDArray[np.float64], after: NDArray[np.float64]
) -> None:
    maker = graph.maker(node.input[0])
    for name in maker.input[1:] if maker is not None else ():
        graph.scale(name, before, 0)
    for reader in graph.readers(node.output[0]):
        # The filters of a depthwise convolution are one per channel: its input channels are no axis of their own.
        graph.scale(reader.input[1], after, 0 if is_depthwise(graph, reader) else IN_CHANNELS)


def _with_sums_after_strides(model: onnx.ModelProto) -> onnx.ModelProto:
    """Apply depthwise convolutions that skip pixels before the sums of `_maximum_and_sum` instead of after them."""
    graph = Graph(model)
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for total in graph.nodes:
        linear = _linear_part(graph, total)
        if linear is not None:
            (reader,) = graph.readers(total.output[0])
            replaced |= {linear.name: [], total.name: [], reader.name: _applied_to_both(graph, total, linear, reader)}
    return graph.rewritten(node for each in graph.nodes for node in replaced.get(each.name, [each]))


def _linear_part(graph: Graph, total: onnx.NodeProto) -> onnx.NodeProto | None:
    """Return the linear part of a PReLU's sum if only a depthwise convolution that skips pixels reads the sum."""
    linear = graph.maker(total.input[0]) if total.op_type == "Add" else None
    readers = graph.readers(total.output[0])
    if linear is None or linear.name != f"{total.name}/linear" or [each.op_type for each in readers] != ["Conv"]:
        return None
    skips = set(integers(readers[0], "strides", 1)) != {1}
    return linear if skips and is_depthwise(graph, readers[0]) else None


def _applied_to_both(
    graph: Graph, total: onnx.NodeProto, linear: onnx.NodeProto, reader: onnx.NodeProto
) -> list[onnx.NodeProto]:
    weights, *bias = reader.input[1:]
    scaled = f"{reader.name}/linear/weights"
    ratio = graph.constants[linear.input[1]].astype(np.float64).reshape(-1)
    graph.constants[scaled] = along(graph.constants[weights], ratio, 0)
    inputs = {"positive": [total.input[1], weights], "linear": [linear.input[0], scaled, *bias]}
    nodes = []
    for part, sources in inputs.items():
        name = f"{reader.name}/{part}"
        nodes.append(helper.make_node("Conv", sources, [name], name=name))
        nodes[-1].attribute.extend(reader.attribute)
    sources = [node.output[0] for node in nodes]
    return [*nodes, helper.make_node("Add", sources, [reader.output[0]], name=reader.name)]
