"""Inference sessions for pictures that are each of another size."""

from pathlib import Path

import onnxruntime


def session_for_any_size(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load an ONNX model whose every input may have another shape.

    Args:
        threads: of the inference engine, for one picture.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # An arena keeps the largest block of every input shape it has met: 3.7 GB after a 12-megapixel picture.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Idle threads that spin take the cores from the embedder, and a fifth more processor time in all.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
