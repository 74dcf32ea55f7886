"""CenterFace: every face of a photo with its box and five landmarks, small ones at the back and large ones alike."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from muster.domain.faces import Faces

STRIDE = 4
"""Pixels of the input for one cell of the output (CenterFace, arXiv:1911.03599, section 3)."""

MULTIPLE = 32
"""Sides of the input are multiples of the deepest layer's stride (as above)."""

_OUTPUTS = ("heatmap", "scale", "offset", "landmarks")


class CenterFaceDetector:
    """A CenterFace model ready to read photos; safe to share between threads."""

    def __init__(
        self, model: Path, threads: int, sides: tuple[int, ...] = (2048, 640), threshold: float = 0.55
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._sides = sides
        self._threshold = threshold

    def detect(self, pixels: NDArray[np.uint8]) -> Faces:
        """Find the faces of a photo.

        Args:
            pixels: uint8 (H, W, 3), RGB, upright.
        """
        longest = max(pixels.shape[:2])
        scales = sorted({min(1.0, side / longest) for side in self._sides})
        found = [self._detect_at(pixels, scale) for scale in scales]
        return suppress(concatenate(found), 0.35, 0.7)

    def _detect_at(self, pixels: NDArray[np.uint8], scale: float) -> Faces:
        height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
        picture = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA) if scale != 1 else pixels
        padded = np.zeros((-(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE, 3), np.uint8)
        padded[:height, :width] = picture
        blob = cv2.dnn.blobFromImage(padded, swapRB=True)
        heatmap, size, offset, landmarks = self._session.run(_OUTPUTS, {"picture": blob})
        faces = read_outputs(heatmap[0, 0], size[0], offset[0], landmarks[0], self._threshold)
        ratio = np.array([pixels.shape[1] / width, pixels.shape[0] / height], np.float32)
        return Faces(faces.boxes * np.tile(ratio, 2), faces.landmarks * ratio, faces.scores)


def read_outputs(
    heatmap: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    threshold: float,
) -> Faces:
    """Turn CenterFace's maps into faces: each local peak of the heatmap that reaches the threshold is one.

    Args:
        heatmap: float32 (h, w), 0 to 1, one cell for 4 x 4 pixels of the input.
        size: float32 (2, h, w), logarithm of height and width in cells.
        offset: float32 (2, h, w), of the centre in its cell, y and x.
        landmarks: float32 (10, h, w), y and x of each landmark from the box's corner, in box heights and widths.

    Returns:
        Faces in pixels of the input, by falling score, not yet free of duplicates.
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


def concatenate(parts: list[Faces]) -> Faces:
    """Join the findings of several passes, by falling score."""
    scores = np.concatenate([part.scores for part in parts])
    joined = Faces(
        np.concatenate([part.boxes for part in parts]), np.concatenate([part.landmarks for part in parts]), scores
    )
    return joined.take(np.argsort(-scores, kind="stable"))


def suppress(faces: Faces, overlap: float, inside: float) -> Faces:
    """Keep the best of faces that are the same face seen twice.

    Args:
        faces: by falling score.
        overlap: intersection over union above which two boxes are one face, 0 to 1.
        inside: share of the smaller box that lies in the other above which they are one face, 0 to 1: seen too
            closely, a large face also answers in parts.
    """
    corner, extent = faces.boxes[:, :2], faces.boxes[:, 2:]
    area = extent.prod(axis=1)
    alive = np.ones(len(faces), bool)
    for index in range(len(faces)):
        if not alive[index]:
            continue
        low = np.maximum(corner[index], corner)
        high = np.minimum(corner[index] + extent[index], corner + extent)
        shared = np.clip(high - low, 0, None).prod(axis=1)
        same = (shared > overlap * (area[index] + area - shared)) | (shared > inside * np.minimum(area[index], area))
        same[: index + 1] = False
        alive &= ~same
    return faces.take(alive)
