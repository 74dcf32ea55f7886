"""The pipeline from a photo to its faces and embeddings, shared by registration and roll calls."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.align import CROP_MARGIN, StretchedBox
from muster.vision.augment import REGISTERED_VIEWS, VIEWS
from muster.vision.covering import Covering, find_covering
from muster.vision.decode import Photo
from muster.vision.embedder import Embedder, join_embeddings
from muster.vision.face_limit import best_faces
from muster.vision.levelling import MAX_LEVELLED, is_tilted, level
from muster.vision.orientation import find_faces, find_portrait, turn, turn_photo
from muster.vision.quality import Quality, assess, require_fit, require_main_face, require_whole
from muster.vision.segmenter import grey_out_background

HeadMasks = Callable[[NDArray[np.uint8], Faces, float], NDArray[np.float32]]
"""A segmenter of human heads: from pixels uint8 (H, W, 3), N faces and a crop's margin to masks float32
(N, 160, 160), 0 to 1."""

COVERED_QUALITY = 0.5
"""Share of its quality that a registration photo of a covered face keeps."""


class FaceDetector(Protocol):
    """A detector of the faces of a photo."""

    def detect(self, pixels: NDArray[np.uint8]) -> Faces:
        """Return the faces of a photo, uint8 (H, W, 3), RGB, upright, by descending score."""


@dataclass(frozen=True, eq=False, slots=True)
class PhotoProbes:
    """The probes of one photo.

    Attributes:
        faces: N faces.
        quality: of each face.
        embeddings: float32 (N, D), unit rows.
        timings_ms: milliseconds spent in `detect`, `segment` (crops, masks, quality) and `embed`.
        turned: degrees clockwise by which the photo was turned before detection; `faces` refers to the turned photo.
    """

    faces: Faces
    quality: Quality
    embeddings: NDArray[np.float32]
    timings_ms: dict[str, float]
    turned: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class RegistrationViews:
    """The views of one registration photo.

    Attributes:
        faces: the one main face, in pixels of the turned photo or of the levelled patch.
        quality: of that face, 0 to 1.
        embeddings: float32 (V, D), unit rows, view 0 unchanged.
        turned: degrees clockwise by which the photo was turned before detection.
        covering: the part of the face that seems to be covered, or None.
    """

    faces: Faces
    quality: float
    embeddings: NDArray[np.float32]
    turned: int = 0
    covering: Covering | None = None


@dataclass(frozen=True, slots=True)
class VisionPipeline:
    """Detector and embedders of one model pack, ready to read photos; safe to share between threads.

    An embedding has D numbers: those of the embedders, joined.

    Attributes:
        embedders: one or more.
        views: how many augmented views a registration makes.
        head_masks: segmenter for stretched crops, whose background is then made grey; None leaves it unchanged, as the
            pack's manifest decides. Aligned crops show hardly any background.
        seed: of the augmentation, fixed so that the same photo always gives the same template.
    """

    detector: FaceDetector
    embedders: tuple[Embedder, ...]
    views: int = REGISTERED_VIEWS
    seed: int = 0
    head_masks: HeadMasks | None = None

    def probes(self, photo: Photo) -> PhotoProbes:
        """Find and embed the faces of a photo, `MAX_FACES` at most; no face gives empty arrays."""
        timings: dict[str, float] = {}
        with _timed(timings, "detect"):
            turned, faces = find_faces(photo.pixels, self.detector.detect)
        probes = self.embed_faces(turn_photo(photo, turned), best_faces(faces))
        return replace(probes, timings_ms=timings | probes.timings_ms, turned=turned)

    def embed_faces(self, photo: Photo, faces: Faces) -> PhotoProbes:
        """Embed faces that were found in a photo; `timings_ms` lacks `detect`."""
        timings: dict[str, float] = {}
        with _timed(timings, "segment"):
            quality = assess(photo.pixels, faces)
            crops = self._crops(photo.pixels, faces)
        with _timed(timings, "embed"):
            embeddings = self.embed(crops)
        return PhotoProbes(faces, quality, embeddings, timings)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Length of each embedder's part of an embedding; together D."""
        return tuple(embedder.size for embedder in self.embedders)

    def embed(self, crops: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embed crops of the same N faces, uint8 (N, side, side, 3) for each embedder: float32 (N, D), unit rows."""
        # All networks at once: one alone may have too few crops for every thread.
        started = [embedder.start(seen) for embedder, seen in zip(self.embedders, crops, strict=True)]
        return join_embeddings([finish() for finish in started])

    def embed_views(self, pixels: NDArray[np.uint8], face: Faces) -> NDArray[np.float32]:
        """Embed the augmented views of one face: float32 (V, D), unit rows."""
        crops = [embedder.views(pixels, face, self.views, self.seed) for embedder in self.embedders]
        if self.head_masks is not None:
            margins = [view.jitter.margin for view in VIEWS[: self.views]]
            masks = np.concatenate([self.head_masks(pixels, face, margin) for margin in margins])
            crops = self._grey_out_backgrounds([seen[: len(masks)] for seen in crops], masks)
        return self.embed(crops)

    def _crops(self, pixels: NDArray[np.uint8], faces: Faces) -> list[NDArray[np.uint8]]:
        """Crop every face for each embedder. Tilted faces are levelled, highest score first, up to a limit."""
        crops = self._cut(pixels, faces)
        tilted = np.flatnonzero(is_tilted(faces))
        for index in tilted[np.argsort(-faces.scores[tilted], kind="stable")][:MAX_LEVELLED]:
            levelled = self._cut(*level(pixels, faces.take(np.array([index])), self.detector.detect))
            for seen, upright in zip(crops, levelled, strict=True):
                seen[index] = upright[0]
        return crops

    def _cut(self, pixels: NDArray[np.uint8], faces: Faces) -> list[NDArray[np.uint8]]:
        crops = [embedder.crops(pixels, faces) for embedder in self.embedders]
        if self.head_masks is None:
            return crops
        return self._grey_out_backgrounds(crops, self.head_masks(pixels, faces, CROP_MARGIN))

    def _grey_out_backgrounds(
        self, crops: list[NDArray[np.uint8]], masks: NDArray[np.float32]
    ) -> list[NDArray[np.uint8]]:
        return [
            grey_out_background(seen, masks) if isinstance(embedder.framing, StretchedBox) else seen
            for embedder, seen in zip(self.embedders, crops, strict=True)
        ]

    def registration_views(self, photo: Photo) -> RegistrationViews:
        """Embed the augmented views of the one main face of a registration photo.

        Raises:
            NoFace, SeveralFaces, FaceTooSmall, TooBlurred, TooDark, TooBright, FaceTurned, FaceCutOff:
                the photo is not fit to register a student.
        """
        turned, found = find_portrait(photo.pixels, self.detector.detect)
        pixels = turn(photo.pixels, turned)
        face = found.take(np.array([require_main_face(pixels, found)]))
        if is_tilted(face)[0]:
            require_whole(pixels, face)
            pixels, face = level(pixels, face, self.detector.detect)
        fit = require_fit(pixels, face)
        covering = find_covering(pixels, face)
        quality = float(fit.score[0]) * (1.0 if covering is None else COVERED_QUALITY)
        return RegistrationViews(face, quality, self.embed_views(pixels, face), turned, covering)


@contextmanager
def _timed(timings: dict[str, float], step: str) -> Iterator[None]:
    started = perf_counter()
    yield
    timings[step] = round((perf_counter() - started) * 1000, 1)
