"""The scales, and the tiles at each scale, in which a photo is read."""

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

MAX_TILE_SIDE = 1376
"""Longest side of a tile, in pixels: 0.4 GB of working memory in CenterFace (benchmarks/vision/detection.py)."""

TILE_OVERLAP_PX = 128
"""Overlap of neighbouring tiles in pixels. A face up to this size is whole in the tile that owns its centre; a larger
face is found at the next coarser scale."""

MIN_SCALE_RATIO = 1.25
"""A scale is skipped if it is within this ratio of another one."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, with the area in which it owns the faces.

    Attributes:
        left, top, right, bottom: pixels of the picture, `right` and `bottom` exclusive.
        own: bounds of the face centres that the tile owns: lowest x and y, and upper x and y, exclusive.
    """

    left: int
    top: int
    right: int
    bottom: int
    own: tuple[float, float, float, float]

    def owns(self, centres: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which centres, float32 (N, 2) x and y, the tile owns; each point of the plane has one owner."""
        low, high = np.array(self.own[:2]), np.array(self.own[2:])
        return np.asarray(((centres >= low) & (centres < high)).all(axis=1), np.bool_)


def choose_scales(longest: int, sides: tuple[int, ...]) -> list[float]:
    """Return the scales to read a photo at, ascending, never above 1.

    Args:
        longest: longest side of the photo, in pixels.
        sides: desired longest sides, ascending; those near or above the photo's own are replaced by scale 1.
    """
    below = [side / longest for side in sides[:-1] if side * MIN_SCALE_RATIO < longest]
    return [*below, min(1.0, sides[-1] / longest)]


def cut_tiles(width: int, height: int, max_side: int = MAX_TILE_SIDE) -> list[Tile]:
    """Cover a picture with the fewest overlapping tiles of equal size, with sides of at most `max_side` pixels."""
    return [
        Tile(left, top, right, bottom, (own_left, own_top, own_right, own_bottom))
        for (top, bottom, own_top, own_bottom), (left, right, own_left, own_right) in product(
            _spans(height, max_side), _spans(width, max_side)
        )
    ]


def _spans(length: int, max_side: int) -> list[tuple[int, int, float, float]]:
    count = max(1, -(-(length - TILE_OVERLAP_PX) // (max_side - TILE_OVERLAP_PX)))
    extent = -(-(length + (count - 1) * TILE_OVERLAP_PX) // count)
    starts = [round(index * (length - extent) / max(1, count - 1)) for index in range(count)]
    borders = [-np.inf, *((first + extent + second) / 2 for first, second in pairwise(starts)), np.inf]
    return [(start, start + extent, *own) for start, own in zip(starts, pairwise(borders), strict=True)]
