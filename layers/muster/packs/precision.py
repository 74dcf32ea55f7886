"""The precision that a network's weights are kept in."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SMALLEST = 1024
"""Values of a tensor that is worth the operator that widens it again: biases stay as they are."""


def with_float16_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network whose larger weights are stored as float16 and widened to float32 when it is loaded.

    The file is half the size. The runtime folds the widening, so that nothing is slower; what is lost is the rounding
    of each weight to 11 bits. Written from the same network, the bytes are the same.
    """
    narrow = onnx.ModelProto()
    narrow.CopyFrom(model)
    graph = narrow.graph
    widened = []
    for initializer in graph.initializer:
        values = numpy_helper.to_array(initializer)
        if initializer.data_type == TensorProto.FLOAT and values.size >= _SMALLEST:
            name = initializer.name
            initializer.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_float16"))
            widened.append(helper.make_node("Cast", [f"{name}_float16"], [name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*widened, *nodes])
    onnx.checker.check_model(narrow)
    return narrow
