"""One registration photo to the views that a template is made of."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_SIZE, UNMOVED, Framing, Move, cut_out

Crop = NDArray[np.uint8]


def _as_is(crop: Crop) -> Crop:
    return crop


@dataclass(frozen=True, slots=True)
class View:
    """One way of seeing the face of a registration photo again.

    Attributes:
        move: of the crop.
        worsened: what the camera does to the crop.
    """

    move: Move = UNMOVED
    worsened: Callable[[Crop], Crop] = _as_is


def downsampled(side: int) -> Callable[[Crop], Crop]:
    """Return the loss of a face whose crop of 160 pixels showed `side` pixels of its photo in each direction."""

    def lose(crop: Crop) -> Crop:
        shown = round(side * len(crop) / CROP_SIZE)
        small = cv2.resize(crop, (shown, shown), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, crop.shape[:2], interpolation=cv2.INTER_CUBIC), np.uint8)

    return lose


def blurred(deviation: float) -> Callable[[Crop], Crop]:
    """Return a Gaussian blur of that deviation in pixels of the crop."""
    return lambda crop: np.asarray(cv2.GaussianBlur(crop, (0, 0), deviation), np.uint8)


def exposed(gamma: float) -> Callable[[Crop], Crop]:
    """Return a change of light: a gamma above 1 darkens, below 1 brightens."""
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return lambda crop: table[crop]


def compressed(quality: int) -> Callable[[Crop], Crop]:
    """Return what JPEG leaves at a quality of 1 to 100."""

    def lose(crop: Crop) -> Crop:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    return lose


def covered(from_row: int) -> Callable[[Crop], Crop]:
    """Return a cover (a mask, a neighbour's head) over the rows from `from_row` on of a crop of 160 rows."""

    def cover(crop: Crop) -> Crop:
        hidden = crop.copy()
        # A little darker than the face, so that the cover's edge shows and its colour suits any light.
        hidden[round(from_row * len(crop) / CROP_SIZE) :] = np.uint8(0.9 * crop.mean())
        return hidden

    return cover


VIEWS = (
    View(),
    View(Move(margin=0.12)),
    View(Move(margin=0.27, shift=(0.0, -0.04))),
    View(Move(margin=0.35)),
    View(worsened=downsampled(40)),
    View(worsened=downsampled(26)),
    View(worsened=covered(100)),
    View(worsened=exposed(1.9)),
)
"""The first views, the unchanged one before all. `benchmarks/vision/crops.py`: those that only move the crop serve
recognition; the worsened ones find more small, dark or covered faces at a lax threshold and cost good ones at a
strict one."""

REGISTERED_VIEWS = 4
"""How many of them make a template: those that only move the crop."""


def augmented_crops(
    pixels: NDArray[np.uint8], face: Faces, framing: Framing, views: int, seed: int
) -> NDArray[np.uint8]:
    """Cut the views of one face that its template is made of.

    The first are those of `VIEWS`; any further are drawn at random from the seed. The same photo, face and seed always
    give the same views, and fewer views are the beginning of more.

    Args:
        pixels: uint8 (H, W, 3), RGB, upright.
        face: the one face, of length 1.
        framing: of the network that reads the crops.
        views: how many, V, at least 1.
        seed: of the random views, 0 or more.

    Returns:
        uint8 (V, side, side, 3); view 0 is what `cut_out` gives.
    """
    chosen = [
        VIEWS[index] if index < len(VIEWS) else _drawn(np.random.default_rng((seed, index))) for index in range(views)
    ]
    return np.stack([view.worsened(cut_out(pixels, face, framing, view.move)[0]) for view in chosen])


def _drawn(random: np.random.Generator) -> View:
    worse = (
        _as_is,
        downsampled(int(random.integers(24, 64))),
        blurred(random.uniform(0.8, 2.5)),
        exposed(float(np.exp(random.uniform(-0.6, 0.7)))),
        compressed(int(random.integers(20, 60))),
        covered(int(random.integers(95, 130))),
    )
    move = Move(
        margin=random.uniform(0.1, 0.35),
        shift=(random.normal(0, 0.025), random.normal(0, 0.025)),
        tilt=random.normal(0, 0.07),
    )
    return View(move, worse[random.integers(len(worse))])
