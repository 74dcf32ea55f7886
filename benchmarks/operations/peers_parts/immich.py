"""Embedding as the machine learning service of immich does it, in a process of its own.

    python -m benchmarks.operations.peers_parts.immich crops.npz embeddings.npy NETWORK.onnx THREADS CROPS DIVISOR

The settings are those of its code at commit 042e5d5bda (`machine-learning/immich_ml`: `config.py`, `sessions/ort.py`,
`sessions/policy.py`, `models/facial_recognition/recognition.py`): ONNX Runtime in float32 (with two threads), an arena
that grows as requested, batches of four faces and the rest one by one. Its detection is not part of this.

Args:
    CROPS: the array of `crops.npz` that the network takes, uint8 (N, side, side, 3).
    DIVISOR: the crops minus 127.5 are divided by it.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.lib.peers.turns import serve

BATCH = 4


def main(crops: Path, embeddings: Path, network: Path, threads: int, key: str, divisor: float) -> None:
    """Load the network and embed the crops in turns."""
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = True
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(network),
        options,
        providers=["CPUExecutionProvider"],
        provider_options=[{"arena_extend_strategy": "kSameAsRequested"}],
    )
    (given,) = session.get_inputs()
    with np.load(crops) as arrays:
        faces: NDArray[np.uint8] = arrays[key]
    whole = len(faces) // BATCH * BATCH
    sizes = [BATCH] * (whole // BATCH) + [1] * (len(faces) - whole)

    def work() -> NDArray[np.float32]:
        scaled = (faces.transpose(0, 3, 1, 2).astype(np.float32, order="C") - 127.5) / divisor
        parts, start = [], 0
        for size in sizes:
            parts.append(session.run(None, {given.name: scaled[start : start + size].astype(np.float32)})[0])
            start += size
        return np.concatenate(parts)

    serve(work, embeddings, {"batch": BATCH, "onnxruntime": onnxruntime.__version__})


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[1:4]]
    main(files[0], files[1], files[2], int(sys.argv[4]), sys.argv[5], float(sys.argv[6]))
