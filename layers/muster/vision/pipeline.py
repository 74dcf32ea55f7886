"""From a photo to its faces and their embeddings: what registration and detection share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.domain.student import EMBEDDING_SIZE
from muster.vision.align import SHIPPED, crop_faces
from muster.vision.augment import REGISTERED_VIEWS, VIEWS, augmented_crops
from muster.vision.decode import Photo
from muster.vision.embedder import FaceNetEmbedder
from muster.vision.face_limit import best_faces
from muster.vision.quality import Quality, assess, require_registrable
from muster.vision.segmenter import on_neutral_background

HeadMasks = Callable[[NDArray[np.uint8], Faces, float], NDArray[np.float32]]
"""Finds heads: pixels uint8 (H, W, 3), N faces and a crop's margin give masks float32 (N, 160, 160), 0 to 1."""


class FaceDetector(Protocol):
    """Finds the faces of a photo."""

    def detect(self, pixels: NDArray[np.uint8]) -> Faces:
        """Return the faces of a photo, uint8 (H, W, 3), RGB, upright, by falling score."""


@dataclass(frozen=True, eq=False, slots=True)
class PhotoProbes:
    """The probes of one photo.

    Attributes:
        faces: N faces.
        quality: of each face.
        embeddings: float32 (N, 512), unit rows.
        timings_ms: milliseconds spent in `detect`, `segment` (crops, masks, quality) and `embed`.
    """

    faces: Faces
    quality: Quality
    embeddings: NDArray[np.float32]
    timings_ms: dict[str, float]


@dataclass(frozen=True, eq=False, slots=True)
class RegistrationViews:
    """What one registration photo gives.

    Attributes:
        faces: the one main face.
        quality: of that face, 0 to 1.
        embeddings: float32 (V, 512), unit rows, view 0 unchanged.
    """

    faces: Faces
    quality: float
    embeddings: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VisionPipeline:
    """Detector and embedder of one model pack, ready to read photos; safe to share between threads.

    Attributes:
        views: how many augmented views a registration makes.
        head_masks: finds the heads whose background is made grey; None leaves it, as the pack's manifest says.
        seed: of the augmentation, so that the same photo always gives the same template.
    """

    detector: FaceDetector
    embedder: FaceNetEmbedder
    views: int = REGISTERED_VIEWS
    seed: int = 0
    head_masks: HeadMasks | None = None

    def probes(self, photo: Photo) -> PhotoProbes:
        """Find and embed the faces of a photo, `MAX_FACES` at most; no face gives empty arrays."""
        timings: dict[str, float] = {}
        with _timed(timings, "detect"):
            faces = best_faces(self.detector.detect(photo.pixels))
        probes = self.probes_of(photo, faces)
        return replace(probes, timings_ms=timings | probes.timings_ms)

    def probes_of(self, photo: Photo, faces: Faces) -> PhotoProbes:
        """Embed faces that were found in a photo; `timings_ms` lacks `detect`."""
        timings: dict[str, float] = {}
        with _timed(timings, "segment"):
            quality = assess(photo.pixels, faces)
            crops = crop_faces(photo.pixels, faces)
            if self.head_masks is not None:
                crops = _heads_alone(crops, self.head_masks(photo.pixels, faces, SHIPPED.margins[0]))
        with _timed(timings, "embed"):
            embeddings = (
                self.embedder.embed_faces(crops) if len(faces) else np.empty((0, EMBEDDING_SIZE), dtype=np.float32)
            )
        return PhotoProbes(faces, quality, embeddings, timings)

    def registration_views(self, photo: Photo) -> RegistrationViews:
        """Embed the augmented views of the one main face of a registration photo.

        Raises:
            NoFace, SeveralFaces, FaceTooSmall, TooBlurred, TooDark, TooBright, FaceTurned, FaceCutOff:
                the photo is not fit to register a student.
        """
        found = self.detector.detect(photo.pixels)
        main = require_registrable(photo.pixels, found)
        face = found.take(np.array([main]))
        crops = augmented_crops(photo.pixels, face, self.views, self.seed)
        if self.head_masks is not None:
            margins = [view.margin for view in VIEWS[: self.views]]
            masks = np.concatenate([self.head_masks(photo.pixels, face, margin) for margin in margins])
            crops = _heads_alone(crops[: len(masks)], masks)
        quality = float(assess(photo.pixels, face).score[0])
        return RegistrationViews(face, quality, self.embedder.embed_faces(crops))


def _heads_alone(crops: NDArray[np.uint8], masks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Grey the background of crops and their mirror images, uint8 (N, 2, 160, 160, 3), by masks (N, 160, 160)."""
    mirrored = np.ascontiguousarray(masks[:, :, ::-1])
    seen = [on_neutral_background(crops[:, 0], masks), on_neutral_background(crops[:, 1], mirrored)]
    return np.stack(seen, axis=1)


@contextmanager
def _timed(timings: dict[str, float], step: str) -> Iterator[None]:
    started = perf_counter()
    yield
    timings[step] = round((perf_counter() - started) * 1000, 1)
