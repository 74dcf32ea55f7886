"""PReLUs of a convolutional network, written in operators that the runtime computes without changing its layout."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_CHANNEL_AXIS = 1


def with_fast_prelus(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with each PReLU between convolutions written as two convolutions and a sum.

    The runtime has no PRelu for the blocked layout in which it computes convolutions, and changes the layout before and
    after each. A PReLU with slope s is `s * x + max((1 - s) * x, 0)` where s is at most 1: each factor is a convolution
    of every channel with one number, the runtime computes the maximum with the first and the sum with the second, so
    the values are read twice. Where s is above 1, the PReLU of -x is -(x + max((s - 1) * x, 0)); both signs go into the
    weights of the convolutions before and after it. A crop of MobileFaceNet takes 0.80 of the time that it takes with
    the maximum as an operator of its own (benchmarks/vision/embedding.py).

    PReLUs whose neighbours are not convolutions are left unchanged.
    """
    fast = onnx.ModelProto()
    fast.CopyFrom(model)
    graph = _Graph(fast.graph)
    nodes = list(fast.graph.node)
    del fast.graph.node[:]
    for node in nodes:
        if node.op_type == "PRelu" and graph.is_between_convolutions(node):
            fast.graph.node.extend(graph.rewritten(node))
        else:
            fast.graph.node.append(node)
    used = {name for node in fast.graph.node for name in node.input}
    kept = [numpy_helper.from_array(array, name) for name, array in graph.constants.items() if name in used]
    del fast.graph.initializer[:]
    fast.graph.initializer.extend(kept)
    onnx.checker.check_model(fast)
    return fast


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """The convolution that computes a PReLU's input, and those that read its output."""

    before: onnx.NodeProto
    after: tuple[onnx.NodeProto, ...]


class _Graph:
    """Nodes by what they compute and read, and the constants, which `rewritten` changes."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.constants: dict[str, NDArray[np.float32]] = {
            constant.name: numpy_helper.to_array(constant) for constant in graph.initializer
        }
        self._makers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._results = {output.name for output in graph.output}

    def is_between_convolutions(self, node: onnx.NodeProto) -> bool:
        """Return whether only convolutions read a PReLU, and it alone reads the convolution before it."""
        maker, readers = self._makers.get(node.input[0]), self._readers.get(node.output[0], [])
        convolutions = [maker, *readers]
        return (
            len(self._readers[node.input[0]]) == 1
            and len(convolutions) > 1
            and all(each is not None and each.op_type == "Conv" for each in convolutions)
            and not {node.input[0], node.output[0]} & self._results
            and self._own_constants(convolutions)
            and self.constants[node.input[1]].size == len(self.constants[self._makers[node.input[0]].input[1]])
        )

    def rewritten(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Return the nodes that replace a PReLU; the weights before and after it take the signs."""
        source, slopes = node.input
        slope = self.constants[slopes].astype(np.float64).reshape(-1)
        sign = np.where(slope > 1, -1.0, 1.0)
        self._give_signs(_Neighbours(self._makers[source], tuple(self._readers[node.output[0]])), sign)
        factors = {"rectified": np.abs(1 - slope), "linear": np.minimum(slope, 1)}
        for part, factor in factors.items():
            self.constants[f"{node.name}/{part}/factor"] = factor.astype(np.float32).reshape(-1, 1, 1, 1)
        scaled = [
            helper.make_node(
                "Conv",
                [source, f"{node.name}/{part}/factor"],
                [f"{node.name}/{part}"],
                name=f"{node.name}/{part}",
                kernel_shape=[1, 1],
                group=len(slope),
            )
            for part in factors
        ]
        positive, name = f"{node.name}/positive", node.output[0]
        return [
            scaled[0],
            helper.make_node("Relu", [scaled[0].output[0]], [positive], name=positive),
            scaled[1],
            helper.make_node("Add", [scaled[1].output[0], positive], [name], name=node.name),
        ]

    def _own_constants(self, convolutions: list[onnx.NodeProto | None]) -> bool:
        """Return whether only one node reads each constant, so that it can be changed."""
        names = [name for each in convolutions if each is not None for name in each.input[1:]]
        return all(name in self.constants and len(self._readers[name]) == 1 for name in names)

    def _give_signs(self, neighbours: _Neighbours, sign: NDArray[np.float64]) -> None:
        for name in neighbours.before.input[1:]:
            self._scale(name, sign, 0)
        for node in neighbours.after:
            weights = node.input[1]
            # A depthwise convolution has one filter per channel, and its input channels are not an axis.
            depthwise = self.constants[weights].shape[_CHANNEL_AXIS] == 1
            self._scale(weights, sign, 0 if depthwise else _CHANNEL_AXIS)

    def _scale(self, name: str, sign: NDArray[np.float64], axis: int) -> None:
        array = self.constants[name]
        shape = [-1 if number == axis else 1 for number in range(array.ndim)]
        self.constants[name] = (array * sign.reshape(shape)).astype(np.float32)
