"""Detection of covered faces: a mask or hand over the mouth, dark glasses over the eyes, or one side hidden.

Three linear classifiers (Fisher's discriminant) use a small aligned grey picture of the face. Their features are the
brightness and the detail of its parts, and histograms of oriented gradients (Dalal and Triggs, 2005).
`benchmarks/vision/covered_faces.py` trains them on portraits that are covered on purpose, on bare ones, and on ones
with clear glasses or a headscarf. docs/method.md lists what they miss.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import warp

WEIGHTS = Path(__file__).with_name("covering.npz")

_PATCH_SIDE = 64
"""Side in pixels of the aligned picture."""

_EYES_TO_MOUTH, _EYES_FROM_TOP = 0.36, 0.36
"""Distance from the eyes to the mouth, and from the upper edge to the eyes, as shares of the side of the picture."""

_CELLS = 8
"""Cells of the picture along each side."""

_BINS = 6
"""Bins of edge directions, of 30 degrees each."""


class Covering(StrEnum):
    """The part of a face that is covered."""

    MOUTH = "mouth"
    EYES = "eyes"
    SIDE = "side"


class Classifiers(NamedTuple):
    """Linear classifiers of K kinds of covering over F features.

    Attributes:
        mean: float32 (F,), subtracted from the features.
        weights: float32 (K, F), in the order of `Covering`.
        thresholds: float32 (K,); a face with a score above its threshold is covered.
    """

    mean: NDArray[np.float32]
    weights: NDArray[np.float32]
    thresholds: NDArray[np.float32]


def find_covering(pixels: NDArray[np.uint8], face: Faces) -> Covering | None:
    """Return the covered part of one face, the most certain one of several, or None.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        face: the one face, of length 1.
    """
    margins = covering_scores(pixels, face, load_classifiers())
    return list(Covering)[int(margins.argmax())] if margins.max() > 0 else None


def covering_scores(pixels: NDArray[np.uint8], face: Faces, classifiers: Classifiers) -> NDArray[np.float32]:
    """Return by how much each score of one face, of length 1, exceeds its threshold: float32 (K,)."""
    scores = (covering_features(pixels, face) - classifiers.mean) @ classifiers.weights.T
    return np.asarray(scores.mean(axis=0) - classifiers.thresholds, np.float32)


def covering_features(pixels: NDArray[np.uint8], face: Faces) -> NDArray[np.float32]:
    """Describe one face, of length 1, and its mirror image: float32 (2, F)."""
    cut = warp(pixels, _to_patch(face.landmarks[0]), _PATCH_SIDE)
    patch = np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.stack([_features(patch), _features(np.ascontiguousarray(patch[:, ::-1]))])


@cache
def load_classifiers() -> Classifiers:
    """Read the trained classifiers."""
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        return Classifiers(arrays["mean"], arrays["weights"].astype(np.float32), arrays["thresholds"])


def _to_patch(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the map, (2, 3), from a photo to the aligned picture by a face's landmarks, (5, 2)."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    down = (mouth - eyes).astype(np.float64)
    length = max(float(np.hypot(*down)), 1.0)
    across = np.array([down[1], -down[0]])
    linear = np.stack([across, down]) / length * (_PATCH_SIDE * _EYES_TO_MOUTH / length)
    return np.column_stack([linear, np.array([_PATCH_SIDE / 2, _PATCH_SIDE * _EYES_FROM_TOP]) - linear @ eyes])


def _features(patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return edges, light and detail of an aligned grey picture: float32 (F,). Gain and offset of the light cancel."""
    grey = patch.astype(np.float32)
    mean = cv2.blur(grey, (8, 8))
    detail = np.log(_cells(np.sqrt(np.maximum(cv2.blur(grey * grey, (8, 8)) - mean * mean, 0))) + 2)
    light = cv2.resize(grey, (2 * _CELLS, 2 * _CELLS), interpolation=cv2.INTER_AREA)
    light = 0.3 * (light - light.mean()) / max(float(light.std()), 8.0)
    parts = (_edges(grey), light, detail - detail.mean())
    return np.concatenate([np.asarray(part, np.float32).ravel() for part in parts])


def _edges(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the strength of edges by direction and cell, relative to that around: float32 (bins, cells, cells)."""
    smooth = cv2.GaussianBlur(grey, (0, 0), 1)
    strength, angle = cv2.cartToPolar(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    direction = (np.asarray(angle) * (_BINS / np.pi)).astype(int) % _BINS
    by_direction = np.stack([_cells(np.asarray(strength) * (direction == index)) for index in range(_BINS)])
    total = by_direction.sum(axis=0)
    around = np.asarray(cv2.blur(total, (3, 3))) + 0.5 * total.mean() + 2
    return np.asarray(np.sqrt(by_direction / around), np.float32)


def _cells(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average values, (H, W), over each cell: float32 (cells, cells)."""
    shrunk = cv2.resize(values.astype(np.float32), (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.float32)
