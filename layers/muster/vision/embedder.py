"""Embedding of faces with the networks of a pack."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muster.arrays import unit_rows
from muster.domain.faces import Faces
from muster.vision.align import Framing, crop_faces
from muster.vision.augment import augmented_crops
from muster.vision.inference import open_session

_BATCH = 16
"""Crops per network run. Larger batches are no faster and take more memory (`benchmarks/vision/crops.py`)."""


class FaceNetwork:
    """One embedding network of a model pack; safe to share between threads.

    Args:
        model: ONNX file with input `face` float32 (N, 3, side, side) and output `embedding` (N, size).
        threads: CPU threads of one run.
    """

    def __init__(self, model: Path, threads: int) -> None:
        self._session = open_session(model, threads)
        self.size = int(self._session.get_outputs()[0].shape[1])
        """Length of an embedding."""

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops.

        Args:
            crops: uint8 (N, side, side, 3), RGB.

        Returns:
            float32 (N, size), unit rows.
        """
        embeddings = np.empty((len(crops), self.size), dtype=np.float32)
        for start in range(0, len(crops), _BATCH):
            batch = crops[start : start + _BATCH]
            # (x - 127.5) / 128 is the scaling that both FaceNet and MobileFaceNet were trained with.
            scaled = (batch.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128.0
            embeddings[start : start + len(batch)] = self._session.run(["embedding"], {"face": scaled})[0]
        return unit_rows(embeddings)

    def embed_faces(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed faces with several crops each.

        Args:
            crops: uint8 (N, C, side, side, 3), RGB.

        Returns:
            float32 (N, size), unit rows: the direction of the mean of each face's C embeddings.
        """
        faces, per_face = crops.shape[:2]
        embeddings = self.embed(crops.reshape(-1, *crops.shape[2:]))
        return unit_rows(embeddings.reshape(faces, per_face, self.size).mean(axis=1))


@dataclass(frozen=True, slots=True)
class Embedder:
    """A network, with the framing of its crops.

    Attributes:
        mirrored: whether each crop is embedded together with its mirror image.
    """

    network: FaceNetwork
    framing: Framing
    mirrored: bool

    @property
    def size(self) -> int:
        """Length of an embedding."""
        return self.network.size

    def crops(self, pixels: NDArray[np.uint8], faces: Faces) -> NDArray[np.uint8]:
        """Cut out the N faces of a photo, uint8 (H, W, 3): uint8 (N, side, side, 3)."""
        return crop_faces(pixels, faces, self.framing)

    def views(self, pixels: NDArray[np.uint8], face: Faces, views: int, seed: int) -> NDArray[np.uint8]:
        """Cut the augmented views of one face, as `augmented_crops` does: uint8 (V, side, side, 3)."""
        return augmented_crops(pixels, face, self.framing, views, seed)

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops, uint8 (N, side, side, 3): float32 (N, size), unit rows."""
        seen = [crops, crops[:, :, ::-1]] if self.mirrored else [crops]
        return self.network.embed_faces(np.stack(seen, axis=1))


def join_embeddings(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join the embeddings of the same N faces from K networks, side by side, as float32 (N, D), unit rows.

    Every block counts the same: the dot product of two rows is the mean of the networks' cosines.
    """
    scale = np.float32(1 / np.sqrt(len(blocks)))
    return np.concatenate(blocks, axis=1) * scale
