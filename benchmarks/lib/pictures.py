"""Embedded pictures of many people, and the rounds of registering some of them and searching for the others."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray, unit_rows
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.domain.faces import Faces
from muster.packs.build import build_embedded
from muster.packs.manifest import shipped_spec
from muster.vision.decode import Photo, decode
from muster.vision.pipeline import VisionPipeline

SMALL = (20, 30, 45)
"""Widths in pixels of the faces of small pictures, which take turns."""

_SMALL_EVERY = 3
"""Every third picture is there small too. With all of them small faces gain no more, and large ones lose a little."""

_CANVAS = 512
_MAX_PICTURES = 3


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """Embedded pictures of M faces.

    Attributes:
        embeddings: float32 (M, D), unit rows.
        person: str (M,), the person in each.
        sizes: length of each network's part of an embedding; together D.
        width: float32 (M,), of the face in pixels where the picture was made smaller, else 0.
    """

    embeddings: FloatArray
    person: NDArray[np.str_]
    sizes: tuple[int, ...]
    width: FloatArray

    def of(self, chosen: NDArray[np.bool_]) -> "Pictures":
        """Return some of the pictures."""
        return Pictures(self.embeddings[chosen], self.person[chosen], self.sizes, self.width[chosen])

    def network(self, number: int) -> "Pictures":
        """Return the pictures as one of the networks alone sees them."""
        first = sum(self.sizes[:number])
        block = self.embeddings[:, first : first + self.sizes[number]]
        return Pictures(unit_rows(block), self.person, (self.sizes[number],), self.width)


def read_pictures(folder: Path, kept: Path | None, pack: str = "embedded", *, small: bool = False) -> Pictures:
    """Embed the central face of every picture of identity folders, as probes are; pictures without a face are omitted.

    Args:
        kept: npz file of the embeddings, read if it exists and written otherwise; None keeps nothing.
        small: whether some pictures are also embedded at a smaller size.
    """
    sizes = shipped_spec(pack).sizes
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as arrays:
            read = Pictures(arrays["embeddings"], arrays["person"], sizes, arrays["width"])
        return read if small else read.of(read.width == 0)
    vision = open_models(build_embedded(LocalSettings().home, name=pack), 2)
    embeddings, people, widths, paths = [], [], [], []
    for number, path in enumerate(sorted(folder.glob("*/*.jpg"))):
        photo = decode(path.read_bytes())
        turn, rest = divmod(number, _SMALL_EVERY)
        width_too = SMALL[turn % len(SMALL)] if small and not rest else None
        for width, embedding in _embedded(vision, photo, width_too):
            embeddings.append(embedding)
            people.append(path.parent.name)
            widths.append(width)
            paths.append(str(path.relative_to(folder)))
    pictures = Pictures(np.array(embeddings, np.float32), np.array(people), sizes, np.array(widths, np.float32))
    if kept is not None:
        np.savez(
            kept, embeddings=pictures.embeddings, person=pictures.person, width=pictures.width, path=np.array(paths)
        )
    return pictures


def _embedded(vision: VisionPipeline, photo: Photo, small: int | None) -> Iterator[tuple[int, FloatArray]]:
    """Embed the central face of a photo, and once more `small` pixels wide: its width, 0 for unchanged, and (D,)."""
    face = _central(vision.detector.detect(photo.pixels), photo.pixels)
    if face is None:
        return
    yield 0, vision.embed_faces(photo, face).embeddings[0]
    if small is None:
        return
    scale = small / float(face.boxes[0, 2])
    shrunk = cv2.resize(photo.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((_CANVAS, _CANVAS, 3), 127, np.uint8)
    top, left = (_CANVAS - shrunk.shape[0]) // 2, (_CANVAS - shrunk.shape[1]) // 2
    canvas[top : top + shrunk.shape[0], left : left + shrunk.shape[1]] = shrunk
    seen = _central(vision.detector.detect(canvas), canvas)
    if seen is not None:
        yield small, vision.embed_faces(Photo(canvas, photo.digest), seen).embeddings[0]


def _central(faces: Faces, pixels: NDArray[np.uint8]) -> Faces | None:
    if not len(faces):
        return None
    middle = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2
    centre = np.array([pixels.shape[1], pixels.shape[0]]) / 2
    return faces.take(np.array([np.linalg.norm(middle - centre, axis=1).argmin()]))


def gives_statistics(person: str) -> bool:
    """Split people, never pictures, the same way on every run and in every script."""
    return hashlib.sha256(person.encode()).digest()[0] % 2 == 0


def half_of(person: NDArray[np.str_]) -> NDArray[np.int_]:
    """Split the people who give statistics once more: 0 or 1 for each picture."""
    return np.array([hashlib.sha256(name.encode()).digest()[1] % 2 for name in person])


@dataclass(frozen=True, eq=False, slots=True)
class DrawnRound:
    """Registration pictures and probes of one round: intp arrays of picture numbers.

    Attributes:
        templates: (S,), the picture that registers each student.
        probes: (N,), other pictures of them, and
        mates: (N,), the student in each.
        strangers: (M,), pictures of everybody else.
    """

    templates: NDArray[np.intp]
    probes: NDArray[np.intp]
    mates: NDArray[np.intp]
    strangers: NDArray[np.intp]


def draw_round(person: NDArray[np.str_], registered: int, random: np.random.Generator) -> DrawnRound:
    """Register some people by one picture each; everyone takes part with three pictures at most."""
    pictures_of: dict[str, list[int]] = {}
    for index in random.permutation(len(person)):
        pictures_of.setdefault(str(person[index]), []).append(int(index))
    limited = {name: indices[:_MAX_PICTURES] for name, indices in sorted(pictures_of.items())}
    repeated = [name for name, indices in limited.items() if len(indices) > 1]
    chosen = [str(name) for name in random.permutation(repeated)[:registered]]
    templates = [limited[name][0] for name in chosen]
    probes = [(index, mate) for mate, name in enumerate(chosen) for index in limited[name][1:]]
    strangers = [index for name, indices in limited.items() if name not in set(chosen) for index in indices]
    rows, mates = zip(*probes, strict=True)
    return DrawnRound(np.array(templates), np.array(rows), np.array(mates), np.array(strangers))


def identification(scores: FloatArray, mates: NDArray[np.intp]) -> list[float]:
    """Return rank-1 and DIR at FPIR 0.1, 1 and 10 %; the rows after the mates' are strangers."""
    rows = np.arange(len(mates))
    best = scores.max(axis=1)
    right = scores[rows, mates] == best[: len(mates)]
    bars = [np.quantile(best[len(mates) :], 1 - fpir, method="higher") for fpir in (0.001, 0.01, 0.1)]
    return [float(right.mean()), *(float((right & (best[: len(mates)] > bar)).mean()) for bar in bars)]
