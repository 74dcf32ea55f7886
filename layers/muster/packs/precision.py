"""The precision that a network's weights are kept in."""

import logging
import tempfile
from importlib import resources
from pathlib import Path

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


def with_int8(model: onnx.ModelProto, ranges: bytes) -> onnx.ModelProto:
    """Return a network that computes in int8: weights by output channel, activations by what they are on faces.

    Weights have 7 bits, -64 to 64. Processors without VNNI multiply activations (0 to 255) by weights with an
    instruction (`pmaddubsw`) that adds two products in 16 bits and clips the sum at 32,767. With 7 bits the sum is at
    most 32,640, so nothing is clipped. With 8 bits the cosine to float32 falls to 0.80 on such processors
    (`benchmarks/vision/processors.py`).

    Args:
        model: in float32.
        ranges: least and greatest value of every activation, a calibration cache of the runtime's quantizer in JSON,
            as `benchmarks/vision/precision.py --write` makes it. They are all that is kept of the faces.
    """
    # Seconds to import, and wanted by this one variant alone.
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder:
        exact, narrow, kept = (Path(folder) / name for name in ("exact.onnx", "narrow.onnx", "ranges.json"))
        onnx.save(model, exact)
        kept.write_bytes(ranges)
        logger = logging.getLogger()
        level = logger.level
        # It advises a preparation whose fusions the conversion from the frozen graph has done already.
        logger.setLevel(logging.ERROR)
        try:
            quantize_static(
                exact,
                narrow,
                calibration_cache_path=kept,
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                reduce_range=True,
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            logger.setLevel(level)
        return onnx.load(narrow)


def shipped_ranges(kind: str) -> bytes:
    """Return the ranges of activations that ship for an embedder of the embedded pack, by its kind."""
    return resources.files("muster.packs").joinpath("data", f"{kind}_int8.ranges").read_bytes()
