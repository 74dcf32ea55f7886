"""Array types and operations that every package may use."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

Float = TypeVar("Float", np.float32, np.float64)


def unit_rows(rows: NDArray[Float]) -> NDArray[Float]:
    """Scale vectors, (..., D), to unit length; a vector of length zero stays zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: NDArray[Float] = rows / np.maximum(lengths, np.finfo(rows.dtype).tiny)
    return scaled


def intersections(boxes: NDArray[Float], others: NDArray[Float]) -> NDArray[Float]:
    """Return the areas (N, M) that boxes (N, 4) share with others (M, 4), each x, y, width, height."""
    low = np.maximum(boxes[:, None, :2], others[:, :2])
    high = np.minimum((boxes[:, :2] + boxes[:, 2:])[:, None], others[:, :2] + others[:, 2:])
    shared: NDArray[Float] = np.clip(high - low, 0, None).prod(axis=-1)
    return shared


def iou(boxes: NDArray[Float], others: NDArray[Float]) -> NDArray[Float]:
    """Return the intersection over union (N, M) of boxes (N, 4) and others (M, 4), each x, y, width, height."""
    shared = intersections(boxes, others)
    ratio: NDArray[Float] = shared / (boxes[:, 2:].prod(axis=-1)[:, None] + others[:, 2:].prod(axis=-1) - shared)
    return ratio
