"""The embedded pack's FaceNet, real weights from its frozen graph, under the names of `facenet-pytorch`."""

import re
from typing import Any

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from numpy.typing import NDArray
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.util.tensor_util import make_ndarray

_STAGES = (
    "Conv2d_1a_3x3",
    "Conv2d_2a_3x3",
    "Conv2d_2b_3x3",
    "Conv2d_3b_1x1",
    "Conv2d_4a_3x3",
    "Conv2d_4b_3x3",
    "Repeat",
    "Mixed_6a",
    "Repeat_1",
    "Mixed_7a",
    "Repeat_2",
    "Block8",
)


def casia_state(frozen: bytes) -> dict[str, torch.Tensor]:
    """Read the graph's weights into the state dict of InceptionResnetV1.

    Both write a block's branches in the same order, so that the convolutions match one to one. The graph's batch norms
    are folded into its convolutions: the network's own become an addition.
    """
    graph = GraphDef()
    graph.ParseFromString(frozen)
    nodes = {node.name: node for node in graph.node}
    readers = {source: node for node in graph.node for source in node.input}
    network = InceptionResnetV1(pretrained=None, classify=False)
    state = network.state_dict()
    layers = [name for name, module in network.named_modules() if isinstance(module, torch.nn.Conv2d)]
    operators = sorted((node for node in graph.node if node.op == "Conv2D"), key=lambda node: _place(node.name))
    for layer, operator in zip(layers, operators, strict=True):
        added = readers[operator.name]
        assert added.op == "BiasAdd"
        state[f"{layer}.weight"] = _tensor(_constant(nodes[operator.input[1]]).transpose(3, 2, 0, 1))
        bias = _tensor(_constant(nodes[added.input[1]]))
        if f"{layer}.bias" in state:
            state[f"{layer}.bias"] = bias
            continue
        norm = layer.removesuffix("conv") + "bn"
        state[f"{norm}.bias"] = bias
        state[f"{norm}.running_mean"] = torch.zeros_like(bias)
        state[f"{norm}.running_var"] = torch.full_like(bias, 1 - 0.001)  # with the layer's epsilon it divides by one
    product = next(node for node in graph.node if node.op == "MatMul")
    state["last_linear.weight"] = _tensor(_constant(nodes[product.input[1]]).T)
    norm_node = next(node for node in graph.node if node.op == "FusedBatchNorm")
    for name, source in zip(("weight", "bias", "running_mean", "running_var"), norm_node.input[1:], strict=True):
        state[f"last_bn.{name}"] = _tensor(_constant(nodes[source]))
    assert abs(norm_node.attr["epsilon"].f - 0.001) < 1e-6
    return dict(state)


def _place(name: str) -> tuple[Any, ...]:
    _, stage, *rest = name.split("/")
    within = [
        (part.startswith("Conv2d"), [int(number) for number in re.findall(r"_(\d+)", part)], part) for part in rest
    ]
    return (_STAGES.index(stage), within)


def _constant(node: Any) -> NDArray[np.float32]:
    assert node.op == "Const"
    return np.asarray(make_ndarray(node.attr["value"].tensor), np.float32)


def _tensor(values: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
