"""Augmented views of a registration photo, from which a template is made."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_SIZE, NO_JITTER, CropJitter, Framing, crop_faces

Crop = NDArray[np.uint8]


def _unchanged(crop: Crop) -> Crop:
    return crop


@dataclass(frozen=True, slots=True)
class View:
    """One variant of the face of a registration photo.

    Attributes:
        jitter: how the crop is placed.
        degrade: the loss of quality that is simulated on the crop.
    """

    jitter: CropJitter = NO_JITTER
    degrade: Callable[[Crop], Crop] = _unchanged


def downsampling(side: int) -> Callable[[Crop], Crop]:
    """Return the loss of detail of a face that is only `side` pixels wide in a crop of 160 pixels."""

    def lose(crop: Crop) -> Crop:
        shown = round(side * len(crop) / CROP_SIZE)
        small = cv2.resize(crop, (shown, shown), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, crop.shape[:2], interpolation=cv2.INTER_CUBIC), np.uint8)

    return lose


def blur(deviation: float) -> Callable[[Crop], Crop]:
    """Return a Gaussian blur of that deviation in pixels of the crop."""
    return lambda crop: np.asarray(cv2.GaussianBlur(crop, (0, 0), deviation), np.uint8)


def exposure(gamma: float) -> Callable[[Crop], Crop]:
    """Return a change of light: a gamma above 1 darkens, below 1 brightens."""
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return lambda crop: table[crop]


def jpeg_compression(quality: int) -> Callable[[Crop], Crop]:
    """Return the loss of JPEG compression at a quality of 1 to 100."""

    def lose(crop: Crop) -> Crop:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    return lose


def occlusion(from_row: int) -> Callable[[Crop], Crop]:
    """Return a cover (a mask, a neighbour's head) over the rows from `from_row` on of a crop of 160 rows."""

    def cover(crop: Crop) -> Crop:
        hidden = crop.copy()
        # A little darker than the face, so that the cover's edge shows and its colour suits any light.
        hidden[round(from_row * len(crop) / CROP_SIZE) :] = np.uint8(0.9 * crop.mean())
        return hidden

    return cover


VIEWS = (
    View(),
    View(CropJitter(margin=0.12)),
    View(CropJitter(margin=0.27, shift=(0.0, -0.04))),
    View(CropJitter(margin=0.35)),
    View(degrade=downsampling(40)),
    View(degrade=downsampling(26)),
    View(degrade=occlusion(100)),
    View(degrade=exposure(1.9)),
)
"""The first views, the unchanged one first. Those that only move the crop help recognition. The degraded ones find more
small, dark or covered faces at a lax threshold, but cost good ones at a strict one (`benchmarks/vision/crops.py`)."""

REGISTERED_VIEWS = 4
"""Number of views in a template: those that only move the crop."""


def augmented_crops(
    pixels: NDArray[np.uint8], face: Faces, framing: Framing, views: int, seed: int
) -> NDArray[np.uint8]:
    """Cut the views of one face for its template.

    The first are `VIEWS`; further ones are drawn at random. The same photo, face and seed always give the same views,
    and asking for fewer views gives the first of them.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        face: the one face, of length 1.
        framing: of the network that reads the crops.
        views: how many, V, at least 1.
        seed: of the random views, 0 or more.

    Returns:
        uint8 (V, side, side, 3); view 0 is what `crop_faces` gives.
    """
    chosen = [
        VIEWS[index] if index < len(VIEWS) else _random_view(np.random.default_rng((seed, index)))
        for index in range(views)
    ]
    return np.stack([view.degrade(crop_faces(pixels, face, framing, view.jitter)[0]) for view in chosen])


def _random_view(random: np.random.Generator) -> View:
    degradations = (
        _unchanged,
        downsampling(int(random.integers(24, 64))),
        blur(random.uniform(0.8, 2.5)),
        exposure(float(np.exp(random.uniform(-0.6, 0.7)))),
        jpeg_compression(int(random.integers(20, 60))),
        occlusion(int(random.integers(95, 130))),
    )
    jitter = CropJitter(
        margin=random.uniform(0.1, 0.35),
        shift=(random.normal(0, 0.025), random.normal(0, 0.025)),
        tilt=random.normal(0, 0.07),
    )
    return View(jitter, degradations[random.integers(len(degradations))])
