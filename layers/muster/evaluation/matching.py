"""Assignment of detected faces to labelled faces."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from muster.arrays import intersections

BoxArray = NDArray[np.float32]

NOT_FOUND = -1
"""Index of a labelled face without a detection."""

# Labels differ in what they call a face: brow to chin, or the whole head. An overlap of a third of the union is the
# same face under most conventions. Otherwise one box may lie within the other, unless it covers only part of the face.
_SAME_UNION = 0.35
_SAME_INSIDE = 0.8
_LARGEST_RATIO = 6.0


def match_boxes(labelled: BoxArray, detected: BoxArray) -> NDArray[np.intp]:
    """Assign detections to labelled boxes, each detection at most once.

    A detection matches a label if their intersection over union is at least 0.35, or if 80 % of the smaller box lies in
    the other and the larger one has at most six times its area. Of the possible assignments, the one with the largest
    total overlap is used.

    Args:
        labelled: float32 (L, 4), x, y, width, height in pixels.
        detected: float32 (N, 4), likewise.

    Returns:
        intp (L,), the index of the detection, or `NOT_FOUND`.
    """
    union, inside, ratio = _overlap(labelled.astype(np.float64), detected.astype(np.float64))
    same = (union >= _SAME_UNION) | ((inside >= _SAME_INSIDE) & (ratio <= _LARGEST_RATIO))
    gain = np.where(same, 1 + union, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    found = np.full(len(labelled), NOT_FOUND, dtype=np.intp)
    valid = same[rows, columns]
    found[rows[valid]] = columns[valid]
    return found


def main_face(boxes: BoxArray, width: int, height: int) -> int:
    """Return the index of a portrait's main face, which is large and near the middle; `NOT_FOUND` without faces.

    The main face maximises the square root of its area less its distance from the middle of the picture.

    Args:
        boxes: float32 (N, 4), x, y, width, height in pixels.
        width, height: pixels of the picture.
    """
    if not len(boxes):
        return NOT_FOUND
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    off = np.linalg.norm(centres - np.array([width, height]) / 2, axis=1)
    return int(np.argmax(np.sqrt(boxes[:, 2] * boxes[:, 3]) - off))


def _overlap(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return intersection over union, over the smaller area, and larger over smaller area, each (L, N)."""
    shared = intersections(first, second)
    areas = np.prod(first[:, 2:], axis=1)[:, None], np.prod(second[:, 2:], axis=1)[None, :]
    smaller, larger = np.minimum(*areas), np.maximum(*areas)
    return shared / (areas[0] + areas[1] - shared), shared / smaller, larger / smaller
