"""Conversion of a network to float16 or int8."""

import logging
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SMALLEST = 1024
"""Minimum size of a tensor to convert: smaller ones, such as biases, are not worth a conversion operator."""


def with_float16_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network whose larger weights are stored as float16 and widened to float32 when it is loaded.

    The file has half the size. The runtime folds the conversion, so inference is not slower; each weight is rounded to
    11 bits. The result is reproducible byte for byte.
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
    """Return a network that computes in int8, with weights by output channel and activation ranges measured on faces.

    Weights have 7 bits, -64 to 64. Processors without VNNI multiply activations (0 to 255) by weights with an
    instruction (`pmaddubsw`) that adds two products in 16 bits and clips the sum at 32,767. With 7 bits the sum is at
    most 32,640, so nothing is clipped. With 8 bits the cosine to float32 falls to 0.80 on such processors
    (`benchmarks/vision/processors.py`).

    Args:
        model: in float32.
        ranges: least and greatest value of every activation, a calibration cache of the runtime's quantizer in JSON,
            as `benchmarks/vision/precision.py --write` makes it. Nothing else of the faces is kept.
    """
    return quantized(model, ranges)


def quantized(model: onnx.ModelProto, ranges: bytes, kept: Sequence[str] = ()) -> onnx.ModelProto:
    """Return a network in int8, as `with_int8` does, except for the nodes whose names are in `kept`."""
    # Imported here, because it takes seconds and only this variant needs it.
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder:
        exact, narrow, cache = (Path(folder) / name for name in ("exact.onnx", "narrow.onnx", "ranges.json"))
        onnx.save(model, exact)
        cache.write_bytes(ranges)
        logger = logging.getLogger()
        level = logger.level
        # It recommends a preparation whose fusions the conversion from the frozen graph has already done.
        logger.setLevel(logging.ERROR)
        try:
            quantize_static(
                exact,
                narrow,
                calibration_cache_path=cache,
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                reduce_range=True,
                nodes_to_exclude=[*kept],
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            logger.setLevel(level)
        return onnx.load(narrow)


def shipped_ranges(kind: str) -> bytes:
    """Return the ranges of activations that ship for a network of the embedded pack, by its kind."""
    return resources.files("muster.packs").joinpath("data", f"{kind}_int8.ranges").read_bytes()
