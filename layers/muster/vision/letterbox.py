"""Fitting of a photo into a network's input with its proportions kept, and the mapping back."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BORDER_GREY = 114
"""Value of the border that YOLO detectors were trained with (ultralytics, data augmentation defaults)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The position of a picture in an input.

    Attributes:
        scale: input pixels per picture pixel, x and y; they differ by the rounding to whole pixels.
        corner: x and y of the picture's upper left corner, in pixels of the input.
    """

    scale: tuple[float, float]
    corner: tuple[int, int]

    def to_picture(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map points, float32 (..., 2) x and y, from the input to the picture."""
        return np.asarray((points - np.array(self.corner, np.float32)) / np.array(self.scale, np.float32), np.float32)


def letterbox(
    pixels: NDArray[np.uint8], height: int, width: int, multiple: int | None, scaled: bool
) -> tuple[NDArray[np.uint8], Frame]:
    """Fit a picture into an input, centred, with a grey border.

    Args:
        pixels: uint8 (H, W, 3).
        height, width: of the input, in pixels.
        multiple: None fills the whole input; a number adds only the border that makes the sides its multiples.
        scaled: whether the picture is resized to the input; otherwise it must already fit.

    Returns:
        The input, uint8 (h, w, 3), and the position of the picture in it.
    """
    gain = min(height / pixels.shape[0], width / pixels.shape[1]) if scaled else 1.0
    inner_height, inner_width = (max(1, round(side * gain)) for side in pixels.shape[:2])
    if (inner_height, inner_width) != pixels.shape[:2]:
        resized = cv2.resize(pixels, (inner_width, inner_height), interpolation=cv2.INTER_LINEAR)
        picture = np.asarray(resized, np.uint8)
    else:
        picture = pixels
    spare_height, spare_width = (
        (-inner_height % multiple, -inner_width % multiple)
        if multiple
        else (height - inner_height, width - inner_width)
    )
    # The odd pixel goes below and to the right.
    top, left = spare_height // 2, spare_width // 2
    border = (top, spare_height - top, left, spare_width - left)
    padded = cv2.copyMakeBorder(picture, *border, cv2.BORDER_CONSTANT, value=(BORDER_GREY,) * 3)
    scale = (inner_width / pixels.shape[1], inner_height / pixels.shape[0])
    return np.asarray(padded, np.uint8), Frame(scale, (left, top))
