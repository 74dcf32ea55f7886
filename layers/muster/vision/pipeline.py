"""From a photo to its faces and their embeddings: what registration and detection share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.domain.student import EMBEDDING_SIZE
from muster.vision.align import crop_faces
from muster.vision.augment import REGISTERED_VIEWS, augmented_crops
from muster.vision.decode import Photo
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetEmbedder
from muster.vision.quality import Quality, assess, require_registrable


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
        seed: of the augmentation, so that the same photo always gives the same template.
    """

    detector: CenterFaceDetector
    embedder: FaceNetEmbedder
    views: int = REGISTERED_VIEWS
    seed: int = 0

    def probes(self, photo: Photo) -> PhotoProbes:
        """Find and embed every face of a photo; no face gives empty arrays."""
        timings: dict[str, float] = {}
        with _timed(timings, "detect"):
            faces = self.detector.detect(photo.pixels)
        with _timed(timings, "segment"):
            quality = assess(photo.pixels, faces)
            crops = crop_faces(photo.pixels, faces)
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
        quality = float(assess(photo.pixels, face).score[0])
        return RegistrationViews(face, quality, self.embedder.embed_faces(crops))


@contextmanager
def _timed(timings: dict[str, float], step: str) -> Iterator[None]:
    started = perf_counter()
    yield
    timings[step] = round((perf_counter() - started) * 1000, 1)
