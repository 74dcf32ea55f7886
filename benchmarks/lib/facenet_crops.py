"""FaceNet's crops of a face, as several views of it in one array."""

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_MARGIN, CropJitter, StretchedBox, crop_faces


def stretched_crops(
    pixels: NDArray[np.uint8], faces: Faces, margins: tuple[float, ...] = (CROP_MARGIN,), *, mirrored: bool = True
) -> NDArray[np.uint8]:
    """Cut each of N faces out once per margin, followed by its mirror image: uint8 (N, C, 160, 160, 3)."""
    views: list[NDArray[np.uint8]] = []
    for margin in margins:
        crop = crop_faces(pixels, faces, StretchedBox(), CropJitter(margin=margin))
        views += [crop, crop[:, :, ::-1]] if mirrored else [crop]
    return np.stack(views, axis=1)
