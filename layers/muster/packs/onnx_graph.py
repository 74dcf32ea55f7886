"""Reading and rewriting an ONNX graph of convolutions with constant weights."""

from collections.abc import Iterable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

IN_CHANNELS = 1
"""Axis of a convolution's weights, (out, in, height, width)."""


class Graph:
    """Nodes by what they compute and read, and the constants, which rewriting changes.

    Attributes:
        constants: by name; change entries in place of the graph's initializers.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self._model = model
        self.nodes: list[onnx.NodeProto] = list(graph.node)
        self.constants: dict[str, NDArray[np.float32]] = {
            constant.name: numpy_helper.to_array(constant) for constant in graph.initializer
        }
        self._makers = {name: node for node in self.nodes for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._results = {output.name for output in graph.output}

    def maker(self, name: str) -> onnx.NodeProto | None:
        """Return the node that computes a value; None for inputs and constants."""
        return self._makers.get(name)

    def readers(self, name: str) -> list[onnx.NodeProto]:
        """Return the nodes that read a value, or a constant."""
        return self._readers.get(name, [])

    def is_result(self, name: str) -> bool:
        """Return whether a value is an output of the network."""
        return name in self._results

    def has_own_constants(self, node: onnx.NodeProto) -> bool:
        """Return whether a convolution's weights and bias are constants that no other node reads."""
        return all(name in self.constants and len(self.readers(name)) == 1 for name in node.input[1:])

    def scale(self, name: str, factor: NDArray[np.float64], axis: int) -> None:
        """Multiply a constant along one of its axes, rounded to float32 once."""
        self.constants[name] = along(self.constants[name], factor, axis)

    def rewritten(self, nodes: Iterable[onnx.NodeProto]) -> onnx.ModelProto:
        """Return the model with other nodes, in order, and with the constants that they use."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        del model.graph.node[:], model.graph.initializer[:]
        model.graph.node.extend(nodes)
        used = {name for node in model.graph.node for name in node.input}
        model.graph.initializer.extend(
            numpy_helper.from_array(np.ascontiguousarray(array), name)
            for name, array in self.constants.items()
            if name in used
        )
        onnx.checker.check_model(model)
        return model


def along(array: NDArray[np.float32], factor: NDArray[np.float64], axis: int) -> NDArray[np.float32]:
    """Return an array multiplied by one factor per index of an axis, rounded to float32 once."""
    shape = [-1 if number == axis else 1 for number in range(array.ndim)]
    product: NDArray[np.float32] = (array * factor.reshape(shape)).astype(np.float32)
    return product


def integers(node: onnx.NodeProto, name: str, default: int) -> list[int]:
    """Return the integers of an attribute of a node; those that are missing have the default."""
    found = next((each for each in node.attribute if each.name == name), None)
    return [default] if found is None else [found.i] if found.type == onnx.AttributeProto.INT else list(found.ints)


def is_depthwise(graph: Graph, node: onnx.NodeProto) -> bool:
    """Return whether a convolution has one filter per channel, over that channel alone."""
    weights = graph.constants[node.input[1]]
    return weights.shape[IN_CHANNELS] == 1 and integers(node, "group", 1) == [len(weights)]
