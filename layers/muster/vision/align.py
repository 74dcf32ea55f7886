"""Faces to the crops that the embedder was trained on."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces

CROP_SIZE = 160
"""Side of the embedder's input in pixels (model card of FaceNet 20180408-102900)."""

_MOST_SAMPLES = 16
"""Samples per output pixel and axis when a face is shrunk; a face of 2,500 pixels still gets every pixel read."""


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How a face is cut out of its photo.

    Attributes:
        margins: one crop each; how much the detector's box is grown, as a part of its width and height.
        mirrored: whether each crop is also given mirrored.
    """

    margins: tuple[float, ...]
    mirrored: bool


SHIPPED = CropSettings(margins=(0.2,), mirrored=True)
"""One crop and its mirror image, whose embeddings are averaged. `benchmarks/crops.py`: of margins from 0.12 to 0.5 this
one loses least, and levelled eyes or evened light gain nothing. The mirror image finds about 1 % more at FPIR 1 % for
10 ms a face (docs/accuracy.md)."""


def crop_faces(pixels: NDArray[np.uint8], faces: Faces, settings: CropSettings = SHIPPED) -> NDArray[np.uint8]:
    """Cut each face out as the detector's box with a margin, stretched to a square.

    FaceNet was trained on stretched boxes; keeping the face's proportions instead loses accuracy
    (`benchmarks/crops.py`).

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        faces: N faces of that photo.

    Returns:
        uint8 (N, C, 160, 160, 3): each margin, followed by its mirror image where `settings` asks for it.
    """
    per_face = len(settings.margins) * (2 if settings.mirrored else 1)
    crops = np.empty((len(faces), per_face, CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
    for index, box in enumerate(faces.boxes):
        views: list[NDArray[np.uint8]] = []
        for margin in settings.margins:
            crop = warp(pixels, box_to_crop(box, margin))
            views += [crop, crop[:, ::-1]] if settings.mirrored else [crop]
        crops[index] = views
    return crops


def box_to_crop(
    box: NDArray[np.float32], margin: float, shift: tuple[float, float] = (0.0, 0.0), tilt: float = 0.0
) -> NDArray[np.float64]:
    """Return the map from photo to crop that stretches a grown box to the square.

    Args:
        box: float32 (4,), x, y, width, height in pixels.
        margin: growth as a part of width and height.
        shift: how far the box is moved first, x and y, as parts of its width and height.
        tilt: clockwise angle, in radians, by which the box is turned about its centre.

    Returns:
        float64 (2, 3), taking photo x, y to crop x, y.
    """
    x, y, width, height = (float(value) for value in box)
    cosine, sine = np.cos(tilt), np.sin(tilt)
    stretch = np.diag([CROP_SIZE / (width * (1 + margin)), CROP_SIZE / (height * (1 + margin))])
    linear = stretch @ np.array([[cosine, sine], [-sine, cosine]])
    centre = np.array([x + width * (0.5 + shift[0]), y + height * (0.5 + shift[1])])
    return np.column_stack([linear, CROP_SIZE / 2 - linear @ centre])


def warp(pixels: NDArray[np.uint8], to_crop: NDArray[np.float64], size: int = CROP_SIZE) -> NDArray[np.uint8]:
    """Cut one crop, averaging the photo's pixels where it shrinks and repeating its edge beyond it.

    Args:
        pixels: uint8 (H, W, 3).
        to_crop: float64 (2, 3), from photo to crop, of continuous coordinates (a pixel's centre lies at + 0.5).
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size, 3).
    """
    shrink = 1 / np.sqrt(abs(np.linalg.det(to_crop[:, :2])))
    samples = int(np.clip(np.ceil(shrink), 1, _MOST_SAMPLES))
    fine = to_crop * samples
    # From continuous coordinates to OpenCV's, whose whole numbers are pixel centres.
    fine[:, 2] += fine[:, :2] @ (0.5, 0.5) - 0.5
    side = size * samples
    cut = cv2.warpAffine(pixels, fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if samples > 1:
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return cut.astype(np.uint8, copy=False)
