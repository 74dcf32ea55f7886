"""Crops of faces, in the form that each network was trained on."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces

CROP_SIZE = 160
"""Side of FaceNet's input in pixels (model card of FaceNet 20180408-102900)."""

CROP_MARGIN = 0.2
"""Growth of the detector's box, as a part of its width and height, before FaceNet's crop is cut. Of margins from 0.12
to 0.5 this one is the most accurate; levelling the eyes or evening the light gains nothing
(`benchmarks/vision/crops.py`)."""

_MAX_SAMPLES = 16
"""Samples per output pixel and axis when a face is shrunk; a face of 2,500 pixels still gets every pixel read."""

_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where the eyes, the nose and the corners of the mouth lie in a crop of 112 pixels (ArcFace: Deng et al., CVPR 2019),
in the order of `Faces.landmarks`."""


@dataclass(frozen=True, slots=True)
class CropJitter:
    """A small change of a crop's position, size and tilt, for a slightly different view of the face.

    Attributes:
        margin: growth of the detector's box; aligned crops are scaled equivalently.
        shift: how far the crop is moved, x and y, as parts of the width and height of the detector's box.
        tilt: clockwise angle, in radians, by which the crop is turned about its centre.
    """

    margin: float = CROP_MARGIN
    shift: tuple[float, float] = (0.0, 0.0)
    tilt: float = 0.0


NO_JITTER = CropJitter()


class Framing(Protocol):
    """The way that a network's crops are cut."""

    @property
    def side(self) -> int:
        """Side of the square crop in pixels."""

    def to_crop(
        self, box: NDArray[np.float32], landmarks: NDArray[np.float32], jitter: CropJitter
    ) -> NDArray[np.float64]:
        """Return the map from photo to crop, float64 (2, 3).

        Args:
            box: float32 (4,), x, y, width, height in pixels.
            landmarks: float32 (5, 2), in pixels.
        """


@dataclass(frozen=True, slots=True)
class StretchedBox:
    """The detector's box with a margin, stretched to a square.

    FaceNet was trained on such crops; keeping the face's proportions instead loses accuracy
    (`benchmarks/vision/crops.py`).
    """

    side: int = CROP_SIZE

    def to_crop(
        self, box: NDArray[np.float32], landmarks: NDArray[np.float32], jitter: CropJitter
    ) -> NDArray[np.float64]:
        """Return the map from photo to crop, float64 (2, 3)."""
        return box_to_crop(box, jitter.margin, jitter.shift, jitter.tilt) * (self.side / CROP_SIZE)


@dataclass(frozen=True, slots=True)
class AlignedLandmarks:
    """The face rotated, scaled and shifted so that its five landmarks best fit those of ArcFace's template."""

    side: int = 112

    def to_crop(
        self, box: NDArray[np.float32], landmarks: NDArray[np.float32], jitter: CropJitter
    ) -> NDArray[np.float64]:
        """Return the map from photo to crop, float64 (2, 3)."""
        points, template = landmarks.astype(np.float64), _TEMPLATE * (self.side / 112)
        middle = points.mean(axis=0)
        # With complex numbers a similarity transform is one factor, which least squares solves directly.
        found, wanted = _complex(points - middle), _complex(template - template.mean(axis=0))
        factor = (found.conj() @ wanted) / max(float((found.conj() @ found).real), 1e-9)
        linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
        centre = np.full(2, self.side / 2)
        offset = template.mean(axis=0) - linear @ (middle + box[2:] * jitter.shift) - centre
        cosine, sine = np.cos(jitter.tilt), np.sin(jitter.tilt)
        turn = np.array([[cosine, sine], [-sine, cosine]]) * (1 + CROP_MARGIN) / (1 + jitter.margin)
        return np.column_stack([turn @ linear, turn @ offset + centre])


def crop_faces(
    pixels: NDArray[np.uint8], faces: Faces, framing: Framing, jitter: CropJitter = NO_JITTER
) -> NDArray[np.uint8]:
    """Cut faces out of a photo.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        faces: N faces of that photo.

    Returns:
        uint8 (N, side, side, 3).
    """
    crops = np.empty((len(faces), framing.side, framing.side, 3), dtype=np.uint8)
    for index, (box, landmarks) in enumerate(zip(faces.boxes, faces.landmarks, strict=True)):
        crops[index] = warp(pixels, framing.to_crop(box, landmarks, jitter), framing.side)
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

    Where it enlarges, cubic interpolation beats linear: DIR at FPIR 1 % is 0.6 points higher with faces of 90 pixels,
    1.3 with faces of 30 and 2.7 with faces of 20.

    Args:
        pixels: uint8 (H, W, 3).
        to_crop: float64 (2, 3), from photo to crop, of continuous coordinates (a pixel's centre lies at + 0.5).
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size, 3).
    """
    shrink = 1 / np.sqrt(abs(np.linalg.det(to_crop[:, :2])))
    samples = int(np.clip(np.ceil(shrink), 1, _MAX_SAMPLES))
    fine = to_crop * samples
    # From continuous coordinates to OpenCV's, whose whole numbers are pixel centres.
    fine[:, 2] += fine[:, :2] @ (0.5, 0.5) - 0.5
    side = size * samples
    flags = cv2.INTER_CUBIC if shrink < 1 else cv2.INTER_LINEAR
    cut = cv2.warpAffine(pixels, fine, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if samples > 1:
        cut = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA)
    return cut.astype(np.uint8, copy=False)


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return np.asarray(points[:, 0] + 1j * points[:, 1])
