"""Levelling of tilted faces before they are cropped, because the embedders were trained on upright faces."""

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_SIZE, box_to_crop, warp
from muster.vision.orientation import Detect
from muster.vision.quality import estimate_pose

MIN_LEVELLED_ROLL = 20.0
"""Degrees of roll from which a face is levelled (benchmarks/vision/turned_photos.py)."""

MAX_LEVELLED = 100
"""Most faces of one photo that are levelled, for a class of 100: each costs up to three runs of the detector."""

_MAX_REMAINING_ROLL = 10.0
"""Degrees of roll below which a face is not levelled further."""

_ATTEMPTS = 3
"""Runs of the detector per face. Landmarks are wrong on a face tilted by more than 60 degrees, but each turn brings
it nearer to upright."""

_PATCH_SIDE = 512
"""Longest side in pixels of the part of a photo that is detected again; the face fills a third of it."""

_SURROUNDINGS = 3.0
"""Side of that part, as a multiple of the longer side of the face's box."""


def is_tilted(faces: Faces) -> NDArray[np.bool_]:
    """Return which of N faces are tilted by `MIN_LEVELLED_ROLL` or more: bool (N,)."""
    return np.asarray(np.abs(estimate_pose(faces.landmarks)[2]) >= MIN_LEVELLED_ROLL)


def level(pixels: NDArray[np.uint8], face: Faces, detect: Detect) -> tuple[NDArray[np.uint8], Faces]:
    """Turn the surroundings of one face until the face is upright.

    Args:
        pixels: uint8 (H, W, 3), RGB.
        face: the one face, of length 1.
        detect: finds the faces of a picture.

    Returns:
        A picture of the face and its surroundings, uint8 (h, w, 3), and the face as detected in it; the unchanged photo
        and face if the face is not found again.
    """
    best, best_face = pixels, face
    angle = 0.0
    seen = face
    for _ in range(_ATTEMPTS):
        angle += float(estimate_pose(seen.landmarks)[2][0])
        patch = _patch(pixels, face.boxes[0], angle)
        found = _central_face(detect(patch), patch.shape[0])
        if found is None:
            break
        best, best_face, seen = patch, found, found
        if abs(float(estimate_pose(found.landmarks)[2][0])) <= _MAX_REMAINING_ROLL:
            break
    return best, best_face


def _patch(pixels: NDArray[np.uint8], box: NDArray[np.float32], degrees: float) -> NDArray[np.uint8]:
    """Cut a square about a box, (4,), out of a photo as if the photo were turned anticlockwise by some degrees."""
    longer = float(box[2:].max())
    square = np.array([*(box[:2] + box[2:] / 2 - longer / 2), longer, longer], np.float32)
    side = round(min(_SURROUNDINGS * longer, _PATCH_SIDE))
    to_patch = box_to_crop(square, _SURROUNDINGS - 1, tilt=float(np.radians(degrees))) * (side / CROP_SIZE)
    return warp(pixels, to_patch, side)


def _central_face(faces: Faces, side: int) -> Faces | None:
    """Return the face with the highest score in the middle third of a patch, of length 1, or None."""
    centres = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2
    away = np.linalg.norm(centres - side / 2, axis=1)
    near = np.flatnonzero(away < side / (2 * _SURROUNDINGS))
    return faces.take(near[[faces.scores[near].argmax()]]) if len(near) else None
