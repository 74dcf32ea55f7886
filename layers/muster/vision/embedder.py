"""Crops to embeddings: FaceNet on ONNX Runtime."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from muster.domain.student import EMBEDDING_SIZE

_BATCH = 16
"""Crops of one network run; `benchmarks/crops.py` times it: larger batches are no faster and take more memory."""


class FaceNetEmbedder:
    """FaceNet (InceptionResnetV1) of a model pack; safe to share between threads.

    Args:
        model: ONNX file with input `face` float32 (N, 3, 160, 160) and output `embedding` (N, 512).
        threads: CPU threads of one run.
    """

    def __init__(self, model: Path, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops.

        Args:
            crops: uint8 (N, 160, 160, 3), RGB, as `crop_faces` makes them.

        Returns:
            float32 (N, 512), unit rows.
        """
        embeddings = np.empty((len(crops), EMBEDDING_SIZE), dtype=np.float32)
        for start in range(0, len(crops), _BATCH):
            batch = crops[start : start + _BATCH]
            # (x - 127.5) / 128 is the scaling the network was trained with (model card of 20180408-102900).
            scaled = (batch.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128.0
            embeddings[start : start + len(batch)] = self._session.run(["embedding"], {"face": scaled})[0]
        return _unit(embeddings)

    def embed_faces(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed faces of which there are several crops each.

        Args:
            crops: uint8 (N, C, 160, 160, 3), RGB.

        Returns:
            float32 (N, 512), unit rows: the direction of the mean of each face's C embeddings.
        """
        faces, per_face = crops.shape[:2]
        embeddings = self.embed(crops.reshape(-1, *crops.shape[2:]))
        return _unit(embeddings.reshape(faces, per_face, EMBEDDING_SIZE).mean(axis=1))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths
