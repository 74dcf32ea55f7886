"""The faces that `benchmarks.recognition.class_photos` draws from, embedded once per pack and kept in a folder between
runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.evaluation.embed import shrink
from muster.evaluation.matching import NOT_FOUND, main_face
from muster.vision.decode import Photo, decode
from muster.vision.pipeline import VisionPipeline

Say = Callable[[str], None]

_ORL_SCALE, _ORL_BORDER = 3, 120
"""Pictures of ORL show little more than the face: enlarged and bordered so, the detector finds 334 of 400 faces."""


@dataclass(frozen=True, eq=False, slots=True)
class Portraits:
    """The main faces of M pictures.

    Attributes:
        embeddings: float32 (M, D), unit rows.
        person: (M,), names.
        path: (M,), of the picture, relative to the folder of the set.
        width: float32 (M,), of the face in pixels where the picture was shrunk, else 0.
    """

    embeddings: FloatArray
    person: NDArray[np.str_]
    path: NDArray[np.str_]
    width: FloatArray

    def of(self, chosen: NDArray[np.bool_]) -> "Portraits":
        """Return some of the portraits."""
        return Portraits(self.embeddings[chosen], self.person[chosen], self.path[chosen], self.width[chosen])


def read_portraits(vision: VisionPipeline, folder: Path, kept: Path | None, say: Say) -> Portraits:
    """Embed the main face of every picture of identity folders, as probes are; pictures without a face are left out.

    Args:
        kept: npz file with the embeddings of an earlier run, or for those of this one; None keeps nothing. A file that
            `benchmarks.recognition.population_statistics` keeps will do; it holds pictures that were shrunk, too.
    """
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as arrays:
            return Portraits(arrays["embeddings"], arrays["person"], arrays["path"], arrays["width"])
    paths = sorted(path for path in folder.glob("*/*") if path.suffix in {".jpg", ".png"})
    enlarged = folder.name == "orl"
    rows, found = [], []
    for number, path in enumerate(paths):
        if number % 200 == 0:
            say(f"{folder.name}: {number} of {len(paths)} pictures")
        photo = enlarge(decode(path.read_bytes())) if enlarged else decode(path.read_bytes())
        probes = vision.probes(photo)
        height, width = photo.pixels.shape[:2]
        main = main_face(probes.faces.boxes, width, height)
        if main != NOT_FOUND:
            rows.append(probes.embeddings[main])
            found.append(path)
    portraits = Portraits(
        np.array(rows, np.float32),
        np.array([path.parent.name for path in found]),
        np.array([str(path.relative_to(folder)) for path in found]),
        np.zeros(len(found), np.float32),
    )
    _keep(kept, embeddings=portraits.embeddings, person=portraits.person, path=portraits.path, width=portraits.width)
    return portraits


def read_shrunk(
    vision: VisionPipeline, folder: Path, pictures: Iterable[str], width: int, kept: Path | None, say: Say
) -> dict[str, FloatArray]:
    """Embed the main faces of pictures that are shrunk until the face is `width` pixels wide, by picture.

    Args:
        kept: npz file as in `read_portraits`; pictures that it lacks are added to it.
    """
    embeddings: dict[str, FloatArray] = {}
    if kept is not None and kept.is_file():
        with np.load(kept, allow_pickle=False) as arrays:
            embeddings = dict(zip(arrays["picture"].tolist(), arrays["embeddings"], strict=True))
    missing = sorted(set(pictures) - embeddings.keys())
    if not missing:
        return embeddings
    say(f"{len(missing)} faces of {width} pixels")
    for picture in missing:
        photo = decode((folder / picture).read_bytes())
        faces = vision.detector.detect(photo.pixels)
        height, across = photo.pixels.shape[:2]
        main = main_face(faces.boxes, across, height)
        face = faces.take(np.array([main]))
        scale = width / float(face.boxes[0, 2])
        pixels = photo.pixels
        if scale < 1:
            pixels, face = shrink(pixels, face, scale)
        embeddings[picture] = vision.embed_faces(replace(photo, pixels=pixels), face).embeddings[0]
    names = sorted(embeddings)
    _keep(kept, picture=np.array(names), embeddings=np.stack([embeddings[name] for name in names]))
    return embeddings


def enlarge(photo: Photo) -> Photo:
    """Enlarge a tight crop three times and repeat its edge around it."""
    large = cv2.resize(photo.pixels, None, fx=_ORL_SCALE, fy=_ORL_SCALE, interpolation=cv2.INTER_CUBIC)
    border = _ORL_BORDER
    bordered = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
    return replace(photo, pixels=bordered.astype(np.uint8, copy=False))


def _keep(file: Path | None, **arrays: NDArray[np.generic]) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, **arrays)  # type: ignore[arg-type]
