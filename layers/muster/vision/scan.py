"""Detection at several scales and in tiles, and the removal of duplicate detections."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.arrays import intersections
from muster.domain.faces import Faces
from muster.vision.tiles import MAX_TILE_SIDE, TILE_OVERLAP_PX, Tile, cut_tiles

SAME_FACE_IOU = 0.35
CONTAINED_SHARE = 0.7
"""Bounds above which `non_max_suppression` takes two boxes for one face (benchmarks/vision/detection.py: neighbours
in a crowd overlap by less)."""

Read = Callable[[NDArray[np.uint8]], Faces]
"""A detector of the faces of one picture, uint8 (h, w, 3), RGB, with no side longer than a tile's."""


def detect_at_scales(
    pixels: NDArray[np.uint8], scales: Sequence[float], read: Read, max_side: int = MAX_TILE_SIDE
) -> list[Faces]:
    """Detect the faces of a photo at several scales; see `detect_at_scale`.

    The photo itself is reduced once, to the finest scale, and the coarser scales are reduced from that.

    Args:
        scales: factors, 0 to 1.

    Returns:
        The faces of each scale, in pixels of the photo.
    """
    finest = max(scales, default=1.0)
    picture = reduce_picture(pixels, finest)
    ratio = np.array([pixels.shape[1] / picture.shape[1], pixels.shape[0] / picture.shape[0]], np.float32)
    return [_scale_faces(detect_at_scale(picture, scale / finest, read, max_side), ratio) for scale in scales]


def detect_at_scale(pixels: NDArray[np.uint8], scale: float, read: Read, max_side: int = MAX_TILE_SIDE) -> Faces:
    """Detect the faces of a photo at one scale, in tiles if it is larger than one.

    Args:
        pixels: uint8 (H, W, 3), RGB, of any size.
        scale: factor, 0 to 1, by which the photo is reduced first.
        max_side: longest side of a tile, in pixels.

    Returns:
        Faces in pixels of the photo, possibly with duplicates; with tiles, only faces that a tile shows whole.
    """
    picture = reduce_picture(pixels, scale)
    height, width = picture.shape[:2]
    parts = cut_tiles(width, height, max_side)
    found = concatenate_faces([_detect_in_tile(picture, part, read) for part in parts])
    if len(parts) > 1:
        found = found.take(found.boxes[:, 2:].max(axis=1, initial=0) <= TILE_OVERLAP_PX)
    return _scale_faces(found, np.array([pixels.shape[1] / width, pixels.shape[0] / height], np.float32))


def reduce_picture(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Reduce a picture, uint8 (H, W, 3), by a factor of 0 to 1, averaging its pixels."""
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    if (height, width) == pixels.shape[:2]:
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _scale_faces(faces: Faces, ratio: NDArray[np.float32]) -> Faces:
    return Faces(faces.boxes * np.tile(ratio, 2), faces.landmarks * ratio, faces.scores)


def _detect_in_tile(picture: NDArray[np.uint8], tile: Tile, read: Read) -> Faces:
    faces = read(picture[tile.top : tile.bottom, tile.left : tile.right])
    corner = np.array([tile.left, tile.top], np.float32)
    boxes = np.concatenate([faces.boxes[:, :2] + corner, faces.boxes[:, 2:]], axis=1)
    own = tile.owns(boxes[:, :2] + boxes[:, 2:] / np.float32(2))
    return Faces(boxes, faces.landmarks + corner, faces.scores).take(own)


def concatenate_faces(parts: list[Faces]) -> Faces:
    """Join the faces of several passes, by descending score."""
    scores = np.concatenate([part.scores for part in parts])
    joined = Faces(
        np.concatenate([part.boxes for part in parts]), np.concatenate([part.landmarks for part in parts]), scores
    )
    return joined.take(np.argsort(-scores, kind="stable"))


def non_max_suppression(faces: Faces, overlap: float, inside: float) -> Faces:
    """Keep the best of several detections of the same face.

    Args:
        faces: by descending score.
        overlap: intersection over union above which two boxes are one face, 0 to 1.
        inside: share of the smaller box that lies in the other above which they are one face, 0 to 1: at too
            fine a scale, parts of a large face are also detected.
    """
    area = faces.boxes[:, 2:].prod(axis=1)
    alive = np.ones(len(faces), bool)
    for index in range(len(faces)):
        if not alive[index]:
            continue
        shared = intersections(faces.boxes[index : index + 1], faces.boxes)[0]
        same = (shared > overlap * (area[index] + area - shared)) | (shared > inside * np.minimum(area[index], area))
        same[: index + 1] = False
        alive &= ~same
    return faces.take(alive)
