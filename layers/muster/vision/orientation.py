"""Detection, by their faces, of sideways and upside-down photos without EXIF orientation."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.decode import Photo
from muster.vision.quality import estimate_pose

Detect = Callable[[NDArray[np.uint8]], Faces]
"""A detector of the faces of a picture, uint8 (H, W, 3), RGB."""

QUARTER_TURNS = (0, 90, 180, 270)

# Measured by benchmarks/vision/turned_photos.py on 34 photos: no upright one is compared in all turns,
# and every turned one is.
_SURE_SCORE = 0.8
"""Highest score of a face below which a photo is compared in all turns."""

_MAX_ROLL = 20.0
"""Median tilt of the faces, in degrees, above which a photo is compared in all turns."""

_MAX_COUNTED_ROLL = 60.0
"""Degrees of roll from which a face does not count in favour of a turn: landmarks of sideways faces are wrong."""

_FACTOR, _MARGIN = 1.3, 0.05
"""A turn is chosen if its weight exceeds that of the unturned photo times this factor, plus this margin."""

_GROUP_SIDE = 2048
_PORTRAIT_SIDE = 1024
"""Longest side in pixels at which turns are compared."""


def turn(pixels: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Turn a picture, uint8 (H, W, 3), clockwise by 0, 90, 180 or 270 degrees."""
    return pixels if degrees == 0 else np.ascontiguousarray(np.rot90(pixels, -degrees // 90))


def turn_photo(photo: Photo, degrees: int) -> Photo:
    """Turn a photo clockwise by 0, 90, 180 or 270 degrees; its digest stays that of the file."""
    return photo if degrees == 0 else replace(photo, pixels=turn(photo.pixels, degrees))


def boxes_before_turn(boxes: NDArray[np.float32], degrees: int, width: int, height: int) -> NDArray[np.float32]:
    """Return boxes of a turned picture in the coordinates of the picture before it was turned.

    Args:
        boxes: float32 (N, 4), x, y, width, height in pixels of the turned picture.
        degrees: clockwise: 0, 90, 180 or 270.
        width, height: of the picture before.
    """
    x, y, across, down = boxes.T
    before = {
        0: (x, y, across, down),
        90: (y, height - x - across, down, across),
        180: (width - x - across, height - y - down, across, down),
        270: (width - y - down, x, down, across),
    }
    return np.stack(before[degrees], axis=1)


def find_faces(pixels: NDArray[np.uint8], detect: Detect) -> tuple[int, Faces]:
    """Find the faces of a photo of a group, turned if that shows more of them.

    If a photo has a high-scoring face and its faces are mostly upright, the detector runs once. Any other photo is
    compared in all four turns.

    Args:
        pixels: uint8 (H, W, 3), RGB.

    Returns:
        The clockwise degrees by which to turn the photo, 0, 90, 180 or 270, and its faces after the turn.
    """
    faces = detect(pixels)
    if _look_upright(faces):
        return 0, faces
    return _best_turn(pixels, faces, detect, _GROUP_SIDE)


def find_portrait(pixels: NDArray[np.uint8], detect: Detect) -> tuple[int, Faces]:
    """Find the faces of a registration photo as `find_faces` does, but always compare all four turns.

    A template is long-lived, and a single sideways face may look upright by chance.
    """
    return _best_turn(pixels, detect(pixels), detect, _PORTRAIT_SIDE)


def _look_upright(faces: Faces) -> bool:
    if not len(faces):
        return False
    roll = np.abs(estimate_pose(faces.landmarks)[2])
    return bool(faces.scores.max() >= _SURE_SCORE and np.median(roll) <= _MAX_ROLL)


def _best_turn(pixels: NDArray[np.uint8], faces: Faces, detect: Detect, side: int) -> tuple[int, Faces]:
    scale = side / max(pixels.shape[:2])
    reduced = pixels
    if scale < 1:
        size = tuple(max(1, round(length * scale)) for length in pixels.shape[1::-1])
        reduced = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    found = {
        degrees: faces if reduced is pixels and degrees == 0 else detect(turn(reduced, degrees))
        for degrees in QUARTER_TURNS
    }
    weights = {degrees: _weight(seen) for degrees, seen in found.items()}
    best = max(weights, key=lambda degrees: weights[degrees])
    if weights[best] <= _FACTOR * weights[0] + _MARGIN:
        return 0, faces
    return best, found[best] if reduced is pixels else detect(turn(pixels, best))


def _weight(faces: Faces) -> float:
    """Return the sum over faces of score above 0.5 times uprightness; 0 for none."""
    upright = np.clip(1 - np.abs(estimate_pose(faces.landmarks)[2]) / _MAX_COUNTED_ROLL, 0, 1)
    return float(((faces.scores - 0.5) * upright).sum())
