"""ONNX Runtime sessions, with the options that measurements chose.

The library is imported when a network is opened: it starts a thread, and most commands read no photo.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions


def open_session(model: Path, threads: int) -> "InferenceSession":
    """Load an ONNX model whose inputs always have the same shape, except for the batch size.

    Args:
        threads: CPU threads of one run.
    """
    options = _options(threads)
    options.inter_op_num_threads = 1
    return _open(model, options)


def open_variable_size_session(model: Path, threads: int) -> "InferenceSession":
    """Load an ONNX model whose every input may have another shape, of at most two megapixels in float32.

    The engine's arena is used. Without it, the C library returns large blocks to the system after each layer and gets
    them back as new pages, which takes 0.4 of the processor time of a large picture
    (benchmarks/vision/detection.py). An arena keeps the largest blocks that it has met: 0.25 GB for tiles, twice that
    where two photos are read at once, but 3.7 GB if a picture of 12 megapixels is read whole. A picture of five
    megapixels in int8 takes as much as a tile (benchmarks/vision/detector_precision.py).

    Args:
        threads: CPU threads of one run.
    """
    options = _options(threads)
    options.enable_mem_pattern = False
    # Idle threads that spin take the cores from the embedder, and a fifth more processor time in all.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return _open(model, options)


def _options(threads: int) -> "SessionOptions":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return options


def _open(model: Path, options: "SessionOptions") -> "InferenceSession":
    import onnxruntime

    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
