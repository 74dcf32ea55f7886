"""Small JPEG pictures and crops."""

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 400
"""Pixels; enough to recognise people on a phone."""

_JPEG_QUALITY = 85


def small_jpeg(pixels: NDArray[np.uint8], side: int = _SIDE) -> bytes:
    """Encode a picture as JPEG, its longer side at most `side` pixels.

    Args:
        pixels: uint8 (height, width, 3), RGB.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    if not done:
        raise ValueError(f"no JPEG can be made of {pixels.shape}")
    return encoded.tobytes()


def crop(pixels: NDArray[np.uint8], box: tuple[int, int, int, int], margin: float = 0.3) -> NDArray[np.uint8]:
    """Crop a box with a margin, a share of its size on each side, clipped to the picture.

    Args:
        pixels: uint8 (height, width, 3).
        box: x, y, width, height in pixels.
        margin: 0 or more.
    """
    height, width = pixels.shape[:2]
    x, y, w, h = box
    left, top = max(0, round(x - margin * w)), max(0, round(y - margin * h))
    right, bottom = min(width, round(x + w + margin * w)), min(height, round(y + h + margin * h))
    return pixels[top:bottom, left:right]
