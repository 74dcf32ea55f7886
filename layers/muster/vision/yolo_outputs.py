"""Conversion of a YOLO face detector's outputs to faces, for each layout in which its weights are published."""

import numpy as np

from muster.arrays import FloatArray
from muster.domain.errors import PackDamaged
from muster.domain.faces import Faces

LANDMARKS = 5
DISTANCE_BINS = 16
"""Bins of the distance to one side of a box (ultralytics: `reg_max` of YOLOv8 and YOLO11)."""

_BOX = 4
_POINT = 3
"""Values of a landmark: x, y and visibility."""

FRONTAL_LANDMARKS = np.array([[0.254, 0.384], [0.746, 0.384], [0.5, 0.584], [0.294, 0.74], [0.706, 0.74]], np.float32)
"""Landmarks of a frontal face, as shares of its box's width and height: the median of a YOLOv8 face
detector with landmarks on 172 pictures of LFW, made symmetrical."""


def read_outputs(outputs: list[FloatArray], height: int, width: int, threshold: float) -> Faces:
    """Convert the outputs of one picture to faces, possibly with duplicates.

    Three layouts are distinguished by their shapes, where N is the number of cells:
    (5, N) or (20, N), where a column is a box's centre, width and height, its score, and five landmarks or none, in
    pixels, as ultralytics exports; or one map (64 + 1, h, w) or (64 + 1 + 15, h, w) for each stride, as the network's
    last convolutions leave them.

    Args:
        outputs: float32 arrays of one picture, without the batch axis.
        height, width: of the network's input, in pixels.
        threshold: minimum score of a face, 0 to 1.

    Returns:
        Faces in pixels of the input, by descending score. For a layout without landmarks, those of a frontal face are
        fitted into the box, so yaw, pitch and roll are zero.

    Raises:
        PackDamaged: the outputs have another layout.
    """
    shapes = [output.shape for output in outputs]
    if len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][0] in (_BOX + 1, _BOX + 1 + LANDMARKS * _POINT):
        columns = _confident_columns(outputs[0], threshold)
    elif all(len(shape) == 3 and shape[0] in _MAP_CHANNELS and height % shape[1] == 0 for shape in shapes):
        columns = np.concatenate(
            [_decode_map(output_map, height // output_map.shape[1], threshold) for output_map in outputs], axis=1
        )
    else:
        raise PackDamaged(
            f"The detector's output layout is not supported (shapes {shapes} for an input of {height} x {width}): "
            "export it with ultralytics, for one class, without built-in suppression, then build the pack again."
        )
    columns = columns[:, np.argsort(-columns[_BOX], kind="stable")]
    centre, extent = columns[:2].T, columns[2:_BOX].T
    boxes = np.concatenate([centre - extent / 2, extent], axis=1).astype(np.float32)
    return Faces(boxes, _landmarks(columns, boxes), columns[_BOX].astype(np.float32))


_DISTANCES = _BOX * DISTANCE_BINS
_MAP_CHANNELS = (_DISTANCES + 1, _DISTANCES + 1 + LANDMARKS * _POINT)


def _confident_columns(columns: FloatArray, threshold: float) -> FloatArray:
    return columns[:, columns[_BOX] > threshold]


def _decode_map(output_map: FloatArray, stride: int, threshold: float) -> FloatArray:
    """Decode the confident cells of one map, float32 (channels, h, w), to columns as in the exported layout."""
    logits = output_map[_DISTANCES]
    rows, columns = np.nonzero(logits > np.log(threshold / (1 - threshold)))
    cells = output_map[:, rows, columns]
    spread = cells[:_DISTANCES].reshape(_BOX, DISTANCE_BINS, -1)
    weights = np.exp(spread - spread.max(axis=1, keepdims=True))
    # The distance from the cell's middle to a side is the expectation over the bins (Generalized Focal Loss,
    # arXiv:2006.04388, equation 5).
    left, top, right, bottom = np.einsum("sbn,b->sn", weights, np.arange(DISTANCE_BINS)) / weights.sum(axis=1)
    x, y = columns + 0.5, rows + 0.5
    box = [x + (right - left) / 2, y + (bottom - top) / 2, left + right, top + bottom]
    score = 1 / (1 + np.exp(-cells[_DISTANCES]))
    points = cells[_DISTANCES + 1 :].reshape((len(cells) - _DISTANCES - 1) // _POINT, _POINT, len(rows)).copy()
    points[:, 0] = (points[:, 0] * 2 + columns) * stride
    points[:, 1] = (points[:, 1] * 2 + rows) * stride
    return np.concatenate([np.stack(box) * stride, score[None], *points]).astype(np.float32)


def _landmarks(columns: FloatArray, boxes: FloatArray) -> FloatArray:
    if len(columns) == _BOX + 1:
        return frontal_landmarks(boxes)
    points = columns[_BOX + 1 :].reshape(LANDMARKS, _POINT, -1)[:, :2]
    return np.ascontiguousarray(points.transpose(2, 0, 1), np.float32)


def frontal_landmarks(boxes: FloatArray) -> FloatArray:
    """Fit the landmarks of a frontal face into boxes.

    Args:
        boxes: float32 (N, 4), x, y, width, height.

    Returns:
        float32 (N, 5, 2).
    """
    return np.asarray(boxes[:, None, :2] + FRONTAL_LANDMARKS * boxes[:, None, 2:], np.float32)
