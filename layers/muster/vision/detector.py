"""CenterFace, a detector of small and large faces, with a box and five landmarks per face."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.inference import open_variable_size_session
from muster.vision.scan import CONTAINED_SHARE, SAME_FACE_IOU, concatenate_faces, detect_at_scales, non_max_suppression
from muster.vision.tiles import choose_scales

STRIDE = 4
"""Input pixels per output cell (CenterFace, arXiv:1911.03599, section 3)."""

SIDE_MULTIPLE = 32
"""Sides of the input are multiples of the deepest layer's stride (as above)."""

SCORE_THRESHOLD = 0.6
"""Minimum score of a face. It is midway between the lowest score of a true face in the labelled photos (0.72) and the
highest of a false one (0.53), and keeps nine in ten of the faces 32 pixels high in 12 megapixels
(benchmarks/vision/detection.py)."""

_OUTPUTS = ("heatmap", "scale", "offset", "landmarks")


class CenterFaceDetector:
    """A CenterFace model ready to read photos; safe to share between threads.

    Detection is best for faces 32 to 500 pixels high at the input (benchmarks/vision/detection.py). So a photo is read
    at several scales, the finest in tiles, which also bounds the memory for any size of photo.
    """

    def __init__(
        self, model: Path, threads: int, sides: tuple[int, ...] = (512, 1152, 2560), threshold: float = SCORE_THRESHOLD
    ) -> None:
        """Load the model.

        Args:
            model: the pack's `centerface.onnx`.
            threads: of the inference engine, for one photo.
            sides: longest side, in pixels, at each scale, ascending.
            threshold: minimum score of a face, 0 to 1.
        """
        self._session = open_variable_size_session(model, threads)
        self._sides = sides
        self._threshold = threshold

    def detect(self, pixels: NDArray[np.uint8]) -> Faces:
        """Find the faces of a photo.

        Args:
            pixels: uint8 (H, W, 3), RGB, upright, of any size.

        Returns:
            N faces by descending score, in pixels of the photo; empty arrays if there are none. The same photo
            gives the same faces.
        """
        found = detect_at_scales(pixels, choose_scales(max(pixels.shape[:2]), self._sides), self._read)
        return non_max_suppression(concatenate_faces(found), SAME_FACE_IOU, CONTAINED_SHARE)

    def _read(self, picture: NDArray[np.uint8]) -> Faces:
        height, width = picture.shape[:2]
        padded = cv2.copyMakeBorder(picture, 0, -height % SIDE_MULTIPLE, 0, -width % SIDE_MULTIPLE, cv2.BORDER_CONSTANT)
        blob = cv2.dnn.blobFromImage(padded, swapRB=True)
        heatmap, size, offset, landmarks = self._session.run(_OUTPUTS, {"picture": blob})
        return read_outputs(heatmap[0, 0], size[0], offset[0], landmarks[0], self._threshold)


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
