"""Embedding of faces with the networks of a pack."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from muster.arrays import unit_rows
from muster.domain.faces import Faces
from muster.vision.align import Framing, crop_faces
from muster.vision.augment import augmented_crops
from muster.vision.inference import open_session

_LARGE_WEIGHTS = 16_000_000
"""Bytes of a network whose weights leave the processor's caches during a run."""

_LARGE_BATCH, _SMALL_BATCH = 8, 2
"""Crops per run of networks with and without large weights. A run reads large weights from memory once, so more crops
share that: in int8, a crop of FaceNet takes about 0.9 of the time that it takes in runs of four. The values of
MobileFaceNet leave the caches before its weights do (`benchmarks/vision/embedding.py`)."""

Finish = Callable[[], NDArray[np.float32]]
"""Waits for embeddings that other threads compute, and returns them."""


@cache
def _workers(threads: int) -> ThreadPoolExecutor:
    """Return the threads that run networks, shared by every network of the process.

    Runs of one thread each, side by side, take half the processor time of one run with two threads: those wait for each
    other after every layer, spinning (`benchmarks/vision/embedding.py`).
    """
    return ThreadPoolExecutor(threads, thread_name_prefix="embed")


class FaceNetwork:
    """One embedding network of a model pack; safe to share between threads.

    Args:
        model: ONNX file with input `face` float32 (N, 3, side, side) and output `embedding` (N, size).
        threads: runs at once, each on one CPU thread.
    """

    def __init__(self, model: Path, threads: int) -> None:
        self._session = open_session(model, 1)
        self._threads = threads
        self._batch = _LARGE_BATCH if model.stat().st_size > _LARGE_WEIGHTS else _SMALL_BATCH
        self.size = int(self._session.get_outputs()[0].shape[1])
        """Length of an embedding."""

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops.

        Args:
            crops: uint8 (N, side, side, 3), RGB.

        Returns:
            float32 (N, size), unit rows.
        """
        return self.start(crops)()

    def start(self, crops: NDArray[np.uint8]) -> Finish:
        """Begin to embed crops, and return at once; see `embed`."""
        runs = [_workers(self._threads).submit(self._run, batch) for batch in self._batches(crops)]

        def finish() -> NDArray[np.float32]:
            none = np.empty((0, self.size), dtype=np.float32)
            return unit_rows(np.concatenate([none, *(run.result() for run in runs)]))

        return finish

    def _batches(self, crops: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """Split crops into runs of about the same size, as many for each thread."""
        rounds = -(-len(crops) // (self._batch * self._threads))
        return np.array_split(crops, min(rounds * self._threads, len(crops))) if len(crops) else []

    def _run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        # (x - 127.5) / 128 is the scaling that both FaceNet and MobileFaceNet were trained with. Written into one
        # array, it takes a quarter of the time of the expression.
        channels_first = batch.transpose(0, 3, 1, 2)
        scaled = np.empty(channels_first.shape, np.float32)
        np.subtract(channels_first, np.float32(127.5), out=scaled)
        scaled *= np.float32(1 / 128)
        embeddings: NDArray[np.float32] = self._session.run(["embedding"], {"face": scaled})[0]
        return embeddings

    def embed_faces(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed faces with several crops each.

        Args:
            crops: uint8 (N, C, side, side, 3), RGB.

        Returns:
            float32 (N, size), unit rows: the direction of the mean of each face's C embeddings.
        """
        return self.start_faces(crops)()

    def start_faces(self, crops: NDArray[np.uint8]) -> Finish:
        """Begin to embed faces with several crops each, and return at once; see `embed_faces`."""
        faces, per_face = crops.shape[:2]
        finish = self.start(crops.reshape(-1, *crops.shape[2:]))
        return lambda: unit_rows(finish().reshape(faces, per_face, self.size).mean(axis=1))


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
        return self.start(crops)()

    def start(self, crops: NDArray[np.uint8]) -> Finish:
        """Begin to embed crops, and return at once; see `embed`."""
        seen = [crops, crops[:, :, ::-1]] if self.mirrored else [crops]
        return self.network.start_faces(np.stack(seen, axis=1))


def join_embeddings(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join the embeddings of the same N faces from K networks, side by side, as float32 (N, D), unit rows.

    Every block counts the same: the dot product of two rows is the mean of the networks' cosines.
    """
    scale = np.float32(1 / np.sqrt(len(blocks)))
    return np.concatenate(blocks, axis=1) * scale
