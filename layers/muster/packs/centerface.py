"""Conversion of CenterFace's published ONNX from ten 32x32 pictures to pictures of any size."""

import onnx
from onnx import TensorProto, helper

from muster.domain.errors import PackBuildFailed

INPUT = "picture"
"""float32 (N, 3, H, W), BGR, 0 to 255, H and W multiples of 32."""

OUTPUTS = {
    "heatmap": 1,
    "scale": 2,
    "offset": 2,
    "landmarks": 10,
}
"""Output names in the published order with their channels; each float32 (N, channels, H / 4, W / 4)."""


def with_free_shapes(published: bytes) -> onnx.ModelProto:
    """Return CenterFace with free batch size, height and width, and named outputs.

    Operators and their weights are unchanged. Weights are no longer listed as inputs, so that the runtime can fold and
    fuse them, and unused weights are removed.

    Args:
        published: the bytes of `centerface.onnx` as its authors published it.

    Raises:
        PackBuildFailed: the model has other outputs than CenterFace's four.
    """
    model = onnx.load_model_from_string(published)
    graph = model.graph
    weights = {initializer.name for initializer in graph.initializer}
    pictures = [value.name for value in graph.input if value.name not in weights]
    channels = [value.type.tensor_type.shape.dim[1].dim_value for value in graph.output]
    if len(pictures) != 1 or channels != list(OUTPUTS.values()):
        raise PackBuildFailed("The detector is not the published CenterFace: build from the pinned package version.")
    names = {pictures[0]: INPUT} | {value.name: name for value, name in zip(graph.output, OUTPUTS, strict=True)}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    used = {name for node in graph.node for name in node.input}
    kept = [initializer for initializer in graph.initializer if initializer.name in used]
    del graph.input[:], graph.output[:], graph.value_info[:], graph.initializer[:]
    graph.initializer.extend(kept)
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", 3, "H", "W"]))
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", count, "H / 4", "W / 4"])
        for name, count in OUTPUTS.items()
    )
    onnx.checker.check_model(model)
    return model
