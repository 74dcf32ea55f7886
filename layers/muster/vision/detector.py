"""CenterFace, a detector of small and large faces, with a box and five landmarks per face."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.inference import open_variable_size_session
from muster.vision.scan import CONTAINED_SHARE, SAME_FACE_IOU, concatenate_faces, detect_at_scales, non_max_suppression
from muster.vision.tiles import MAX_TILE_SIDE, choose_scales

STRIDE = 4
"""Input pixels per output cell (CenterFace, arXiv:1911.03599, section 3)."""

SIDE_MULTIPLE = 32
"""Sides of the input are multiples of the deepest layer's stride (as above)."""

SIDES = (512, 1152, 2560)
"""Longest side in pixels at each scale, for a network in float32, which reads the finest in tiles. The tiles leave out
faces of more than 128 pixels."""

WHOLE_SIDES = (512, 2560)
"""The same for a network in int8, whose memory lets it read the finest scale whole: 0.24 GB, and 0.85 of the processor
time of tiles (benchmarks/vision/detector_precision.py)."""

SCORE_THRESHOLD = 0.6
"""Minimum score of a face. It is midway between the lowest score of a true face in the labelled photos (0.72) and the
highest of a false one (0.53), and keeps nine in ten of the faces 32 pixels high in 12 megapixels
(benchmarks/vision/detection.py)."""

_OUTPUTS = ("heatmap", "scale", "offset", "landmarks")


class CenterFaceDetector:
    """A CenterFace model ready to read photos; safe to share between threads.

    Detection is best for faces 32 to 500 pixels high at the input (benchmarks/vision/detection.py). So a photo is read
    at several scales. A network in float32 reads the finest in tiles, which bounds its memory.
    """

    def __init__(
        self, model: Path, threads: int, sides: tuple[int, ...] | None = None, threshold: float = SCORE_THRESHOLD
    ) -> None:
        """Load the model.

        Args:
            model: the pack's `centerface.onnx`, in float32 or int8.
            threads: of the inference engine, for one photo.
            sides: longest side, in pixels, at each scale, ascending; default: what measurements chose.
            threshold: minimum score of a face, 0 to 1.
        """
        self._session = open_variable_size_session(model, threads)
        self._reads_blocks = self._session.get_inputs()[0].type == "tensor(uint8)"
        self._sides = sides or (WHOLE_SIDES if self._reads_blocks else SIDES)
        self._max_side = max(WHOLE_SIDES) if self._reads_blocks else MAX_TILE_SIDE
        self._threshold = threshold

    def detect(self, pixels: NDArray[np.uint8]) -> Faces:
        """Find the faces of a photo.

        Args:
            pixels: uint8 (H, W, 3), RGB, upright, of any size.

        Returns:
            N faces by descending score, in pixels of the photo; empty arrays if there are none. The same photo
            gives the same faces.
        """
        scales = choose_scales(max(pixels.shape[:2]), self._sides)
        found = detect_at_scales(pixels, scales, self._read, self._max_side)
        return non_max_suppression(concatenate_faces(found), SAME_FACE_IOU, CONTAINED_SHARE)

    def _read(self, picture: NDArray[np.uint8]) -> Faces:
        whole = padded(picture)
        read = as_blocks(whole) if self._reads_blocks else cv2.dnn.blobFromImage(whole, swapRB=True)
        heatmap, size, offset, landmarks = self._session.run(_OUTPUTS, {"picture": read})
        return read_outputs(heatmap[0, 0], size[0], offset[0], landmarks[0], self._threshold)


def padded(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Add black pixels below a picture, uint8 (h, w, 3), and to its right, up to sides that the network can read."""
    below, right = -picture.shape[0] % SIDE_MULTIPLE, -picture.shape[1] % SIDE_MULTIPLE
    return np.asarray(cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_CONSTANT), np.uint8)


def as_blocks(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture, uint8 (H, W, 3), RGB, as the network in int8 reads it: uint8 (1, H / 2, W / 2, 12).

    Each block of two by two pixels is one place with 12 channels: the pixels row by row.
    """
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    blocks = picture.reshape(height, 2, width, 2, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(blocks).reshape(1, height, width, 12)


def read_outputs(
    heatmap: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    threshold: float,
) -> Faces:
    """Convert CenterFace's maps to faces: one for each local peak of the heatmap that reaches the threshold.

    Args:
        heatmap: float32 (h, w), 0 to 1, one cell per 4 x 4 input pixels.
        size: float32 (2, h, w), logarithm of height and width in cells.
        offset: float32 (2, h, w), of the centre in its cell, y and x.
        landmarks: float32 (10, h, w), y and x of each landmark from the box's corner, in box heights and widths.

    Returns:
        Faces in pixels of the input, by descending score, possibly with duplicates.
    """
    peaks = (heatmap >= threshold) & (heatmap == cv2.dilate(heatmap, np.ones((3, 3), np.uint8)))
    rows, columns = np.nonzero(peaks)
    scores = heatmap[rows, columns]
    order = np.argsort(-scores, kind="stable")
    rows, columns, scores = rows[order], columns[order], scores[order]
    extent = np.exp(size[::-1, rows, columns].T) * STRIDE
    centre = (np.stack([columns, rows], axis=1) + offset[::-1, rows, columns].T + 0.5) * STRIDE
    corner = centre - extent / 2
    relative = landmarks[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]
    points = corner[:, None] + relative * extent[:, None]
    boxes = np.concatenate([corner, extent], axis=1)
    return Faces(boxes.astype(np.float32), points.astype(np.float32), scores.astype(np.float32))
