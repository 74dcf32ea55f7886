"""Faces covered on purpose: masks, dark glasses, hands, half faces, and covers that must do no harm."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]
Cover = Callable[[Pixels, Faces, np.random.Generator], Pixels]
"""Covers the one face of a picture."""


def frame(face: Faces) -> Callable[[Points], Points]:
    """Return the map from face coordinates to pixels.

    The origin lies between the eyes; y reaches the mouth at 1, and x is as long as y, to the right of the picture.
    """
    eyes, mouth = face.landmarks[0, :2].mean(axis=0), face.landmarks[0, 3:].mean(axis=0)
    down = (mouth - eyes).astype(np.float64)
    across = np.array([down[1], -down[0]])
    return lambda points: eyes + points[:, :1] * across + points[:, 1:] * down


def painted(pixels: Pixels, outline: Points, texture: Pixels, softness: float = 1.0) -> Pixels:
    """Lay a texture, uint8 (H, W, 3), over the inside of an outline in pixels (N, 2)."""
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    weight = cv2.GaussianBlur(mask, (0, 0), softness)[..., None] / 255.0
    return np.asarray(np.rint(pixels * (1 - weight) + texture * weight), np.uint8)


def ellipse(centre: tuple[float, float], axes: tuple[float, float]) -> Points:
    """Return an ellipse's outline."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([centre[0] + axes[0] * np.cos(angles), centre[1] + axes[1] * np.sin(angles)], axis=1)


def cloth(pixels: Pixels, level: float, random: np.random.Generator, *, pattern: float = 0.0) -> Pixels:
    """Return cloth of one grey level with shading, folds and, if asked for, a pattern; the size of the picture."""
    height, width = pixels.shape[:2]
    shade = cv2.resize(random.normal(0, 1, (4, 4)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    rows = np.arange(height, dtype=np.float32)[:, None]
    folds = np.sin(rows / random.uniform(3, 8) + random.uniform(0, 6)) * random.uniform(0, 6)
    coarse = random.normal(0, 1, (height // 6 + 1, width // 6 + 1)).astype(np.float32)
    figures = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = random.normal(0, 2, (height, width))
    grey = level + 10 * shade + folds + 45 * pattern * figures + grain
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def mask(level: tuple[float, float], pattern: float = 0.0) -> Cover:
    """Return a mask over nose and mouth of a grey level between two."""

    def cover(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
        top, side = random.uniform(0.3, 0.6), random.uniform(0.75, 1.0)
        half = np.array([[0, top], [0.35, top + 0.1], [side, 0.5], [side - 0.1, 1.1], [0.4, 1.6], [0, 1.7]])
        outline = np.concatenate([half, half[::-1] * (-1, 1)])
        texture = cloth(pixels, random.uniform(*level), random, pattern=pattern)
        covered = painted(pixels, frame(face)(outline), texture)
        straps = frame(face)(np.array([[side, 0.55], [1.3, 0.2], [-side, 0.55], [-1.3, 0.2]]))
        return _lines(covered, straps.reshape(2, 2, 2), int(texture.mean()))

    return cover


def dark_glasses(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
    """Cover both eyes with dark lenses, a bridge and temples."""
    to_pixels = frame(face)
    apart = _half_eye_distance(face)
    axes = (random.uniform(0.3, 0.42), random.uniform(0.22, 0.36))
    texture = cloth(pixels, random.uniform(8, 50), random)
    covered = pixels
    for side in (-1, 1):
        lens = ellipse((side * apart, random.uniform(0.0, 0.08)), axes)
        covered = painted(covered, to_pixels(lens), texture, 0.8)
    rims = np.array(
        [[-0.15, -0.02], [0.15, -0.02], [apart + 0.3, -0.05], [1.1, -0.1], [-apart - 0.3, -0.05], [-1.1, -0.1]]
    )
    return _lines(covered, to_pixels(rims).reshape(3, 2, 2), 20)


def clear_glasses(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
    """Draw the rims of ordinary glasses."""
    to_pixels, apart = frame(face), _half_eye_distance(face)
    covered = pixels.copy()
    level, width = int(random.uniform(10, 120)), 1 + int(random.integers(0, 3))
    for side in (-1, 1):
        rim = np.rint(to_pixels(ellipse((side * apart, 0.03), (0.35, 0.28)))).astype(np.int32)
        cv2.polylines(covered, [rim], True, (level, level, level), width, cv2.LINE_AA)
    rims = np.array(
        [[-0.15, -0.02], [0.15, -0.02], [apart + 0.33, -0.05], [1.1, -0.1], [-apart - 0.33, -0.05], [-1.1, -0.1]]
    )
    return _lines(covered, to_pixels(rims).reshape(3, 2, 2), level, width)


def bar(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
    """Cover both eyes with a black bar."""
    half = random.uniform(0.2, 0.35)
    outline = np.array([[-0.9, -half], [0.9, -half], [0.9, half], [-0.9, half]])
    return painted(pixels, frame(face)(outline), cloth(pixels, random.uniform(0, 40), random), 0.6)


def hand(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
    """Hold a hand before the mouth, as light as the cheeks."""
    to_pixels = frame(face)
    x, y = (np.clip(to_pixels(np.array([[0.0, 0.4]]))[0], 2, np.array(pixels.shape[1::-1]) - 3)).astype(int)
    level = float(pixels[y - 2 : y + 3, x - 2 : x + 3].mean()) * random.uniform(0.8, 1.05)
    texture = cloth(pixels, level, random)
    covered = pixels
    lean = random.uniform(-0.2, 0.2)
    for finger in range(4):
        across = 0.7 + 0.28 * finger
        outline = ellipse((lean * finger, across), (random.uniform(0.6, 0.9), 0.17))
        covered = painted(covered, to_pixels(outline), np.clip(texture * (1 - 0.03 * finger), 0, 255).astype(np.uint8))
    return covered


def half(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
    """Cover one side of the face up to the nose."""
    side, edge = random.choice([-1, 1]), random.uniform(-0.15, 0.1)
    outline = np.array([[edge * side, -1.5], [2 * side, -1.5], [2 * side, 2.2], [edge * side, 2.2]])
    texture = cloth(pixels, random.uniform(20, 220), random, pattern=random.uniform(0, 1))
    return painted(pixels, frame(face)(outline), texture)


def headscarf(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
    """Cover hair, ears and neck, and leave the face free."""
    ring = frame(face)(ellipse((0, 0.5), (random.uniform(0.85, 1.0), random.uniform(1.2, 1.35))))
    around = frame(face)(ellipse((0, 0.4), (1.6, 2.1)))
    texture = cloth(pixels, random.uniform(20, 220), random, pattern=random.choice([0.0, 0.6]))
    below = frame(face)(np.array([[-1.4, 1.2], [1.4, 1.2], [2.0, 4.0], [-2.0, 4.0]]))
    covered = painted(painted(pixels, around, texture), below, texture)
    return painted(covered, ring, pixels)


def at_edge(pixels: Pixels, face: Faces, random: np.random.Generator) -> Pixels:
    """Cut the picture off through the face: left, right or bottom."""
    x, y, width, height = face.boxes[0]
    share = random.uniform(0.4, 0.6)
    side = random.integers(3)
    if side == 0:
        return np.ascontiguousarray(pixels[:, max(0, int(x + width * (1 - share))) :])
    if side == 1:
        return np.ascontiguousarray(pixels[:, : int(x + width * share)])
    return np.ascontiguousarray(pixels[: int(y + height * (share + 0.1))])


COVERS: dict[str, Cover] = {
    "mask, light": mask((150, 240)),
    "mask, dark": mask((10, 60)),
    "mask, like skin": mask((90, 150)),
    "mask, pattern": mask((60, 200), pattern=1.0),
    "hand": hand,
    "dark glasses": dark_glasses,
    "bar": bar,
    "half": half,
    "at the edge": at_edge,
}
HARMLESS: dict[str, Cover] = {"clear glasses": clear_glasses, "headscarf": headscarf}


def _half_eye_distance(face: Faces) -> float:
    """In face coordinates."""
    right, left = face.landmarks[0, :2]
    down = np.linalg.norm(face.landmarks[0, 3:].mean(axis=0) - (right + left) / 2)
    return float(np.linalg.norm(left - right) / 2 / max(float(down), 1.0))


def _lines(pixels: Pixels, ends: Points, level: int, width: int = 2) -> Pixels:
    drawn = pixels.copy()
    for start, end in ends:
        (x, y), (x2, y2) = (tuple(round(value) for value in point) for point in (start, end))
        cv2.line(drawn, (x, y), (x2, y2), (level, level, level), width, cv2.LINE_AA)
    return drawn
