"""Pointwise convolutions that follow each other, written as one."""

import numpy as np
import onnx

from muster.packs.onnx_graph import Graph, integers


def with_joined_pointwise(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with each two 1 x 1 convolutions in a row multiplied into one where that is less work.

    MobileFaceNet has two such pairs, with nothing between them. The products are computed in float64 and rounded to
    float32 once.
    """
    joined = _joined_once(model)
    while joined is not None:
        model, joined = joined, _joined_once(joined)
    return model


def _joined_once(model: onnx.ModelProto) -> onnx.ModelProto | None:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = Graph(copy)
    for second in graph.nodes:
        first = graph.maker(second.input[0]) if second.input else None
        if first is not None and _can_join(graph, first, second):
            _join(graph, first, second)
            return graph.rewritten(node for node in graph.nodes if node is not first)
    return None


def _can_join(graph: Graph, first: onnx.NodeProto, second: onnx.NodeProto) -> bool:
    if not (_is_pointwise(graph, first) and _is_pointwise(graph, second)):
        return False
    if len(graph.readers(first.output[0])) != 1 or graph.is_result(first.output[0]):
        return False
    (middle, begin, *_), (end, *_) = (graph.constants[node.input[1]].shape for node in (first, second))
    return bool(begin * end < middle * (begin + end))


def _is_pointwise(graph: Graph, node: onnx.NodeProto) -> bool:
    """Return whether a node is a 1 x 1 convolution of all channels, with a bias, and nothing else."""
    return (
        node.op_type == "Conv"
        and len(node.input) == 3
        and graph.has_own_constants(node)
        and graph.constants[node.input[1]].shape[2:] == (1, 1)
        and integers(node, "group", 1) == [1]
        and set(integers(node, "strides", 1)) == {1}
        and set(integers(node, "pads", 0)) == {0}
    )


def _join(graph: Graph, first: onnx.NodeProto, second: onnx.NodeProto) -> None:
    (before, offset), (after, bias) = (
        [graph.constants[name].astype(np.float64) for name in node.input[1:]] for node in (first, second)
    )
    after = after[:, :, 0, 0]
    graph.constants[second.input[1]] = (after @ before[:, :, 0, 0])[:, :, None, None].astype(np.float32)
    graph.constants[second.input[2]] = (after @ offset + bias).astype(np.float32)
    second.input[0] = first.input[0]
