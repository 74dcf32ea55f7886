"""Faces and templates of the dataset's pictures, each computed once for all rounds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from muster.domain.errors import (
    FaceCutOff,
    FaceTooSmall,
    FaceTurned,
    MusterError,
    NoFace,
    SeveralFaces,
    TooBlurred,
    TooBright,
    TooDark,
)
from muster.domain.faces import Faces
from muster.evaluation.matching import NOT_FOUND, main_face
from muster.progress import OnProgress
from muster.vision.decode import Photo, decode
from muster.vision.face_limit import best_faces
from muster.vision.orientation import boxes_before_turn, find_faces, turn
from muster.vision.pipeline import VisionPipeline

_UNFIT = (NoFace, SeveralFaces, FaceTooSmall, TooBlurred, TooDark, TooBright, FaceTurned, FaceCutOff)

_Read = TypeVar("_Read")


@dataclass(frozen=True, eq=False, slots=True)
class PictureFaces:
    """The faces found in one picture.

    Attributes:
        width, height: pixels of the upright picture.
        boxes: float32 (N, 4), x, y, width, height in pixels.
        embeddings: float32 (N, D), unit rows.
        quality: float32 (N,), 0 to 1.
    """

    width: int
    height: int
    boxes: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    quality: NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class RegistrationTemplate:
    """A picture's template, as a registration photo gives it.

    Attributes:
        embeddings: float32 (V, D), unit rows; (0, D) if no face was found.
        photo_digest: SHA-256 of the file, lower-case hexadecimal.
        refused: the code of the error with which registration would reject the picture, or None.
    """

    embeddings: NDArray[np.float32]
    photo_digest: str
    refused: str | None


class Pictures:
    """The faces and templates of pictures, computed at the first call and cached by the file's digest.

    Args:
        vision: the pipeline of the pack in use.
    """

    def __init__(self, vision: VisionPipeline) -> None:
        self._vision = vision
        self._digests: dict[Path, str] = {}
        self._faces: dict[str, PictureFaces] = {}
        self._templates: dict[str, RegistrationTemplate] = {}
        self._shrunk: dict[int, dict[str, PictureFaces]] = {}

    def faces(self, path: Path) -> PictureFaces:
        """Find and embed every face of a picture.

        Raises:
            MusterError: the picture cannot be read; the message names it.
        """
        return self._once(self._faces, path, self._find)

    def shrunk_faces(self, path: Path, width: int) -> PictureFaces:
        """Shrink a picture until its main face has the given width, and embed its faces again.

        The faces are those detected at full size, so only recognition gets harder, not detection. A picture whose main
        face is not wider is left unchanged.

        Args:
            width: of the main face, in pixels.

        Returns:
            The faces in the order of `faces`, with their boxes in the original picture.

        Raises:
            MusterError: the picture cannot be read; the message names it.
        """
        return self._once(self._shrunk.setdefault(width, {}), path, lambda photo: self._shrink(photo, path, width))

    def template(self, path: Path) -> RegistrationTemplate:
        """Embed the augmented views of the picture's main face.

        A picture that registration would reject is used too, with its main face, so that every method is measured on
        the same people; `refused` then has the code of the error.

        Raises:
            MusterError: the picture cannot be read; the message names it.
        """
        return self._once(self._templates, path, self._register)

    def read(self, searched: Iterable[Path], registering: Iterable[Path], progress: OnProgress) -> None:
        """Read pictures ahead, reporting progress."""
        searched, registering = list(searched), list(registering)
        # A template costs as many embeddings as it has views.
        total = len(searched) + self._vision.views * len(registering)
        done = 0
        for path in searched:
            self.faces(path)
            done += 1
            progress("finding faces", done / total)
        for path in registering:
            self.template(path)
            done += self._vision.views
            progress("registering", done / total)

    def _once(self, kept: dict[str, _Read], path: Path, read: Callable[[Photo], _Read]) -> _Read:
        digest = self._digests.get(path)
        if digest is None or digest not in kept:
            photo = _decode(path)
            digest = self._digests[path] = photo.digest
            if digest not in kept:
                kept[digest] = read(photo)
        return kept[digest]

    def _find(self, photo: Photo) -> PictureFaces:
        probes = self._vision.probes(photo)
        boxes = boxes_before_turn(probes.faces.boxes, probes.turned, photo.width, photo.height)
        return PictureFaces(photo.width, photo.height, boxes, probes.embeddings, probes.quality.score)

    def _shrink(self, photo: Photo, path: Path, width: int) -> PictureFaces:
        found = self.faces(path)
        main = main_face(found.boxes, found.width, found.height)
        if main == NOT_FOUND or found.boxes[main, 2] <= width:
            return found
        turned, faces = find_faces(photo.pixels, self._vision.detector.detect)
        faces = best_faces(faces)
        pixels = turn(photo.pixels, turned)
        # A quarter turn swaps width and height, also those of the face.
        across = faces.boxes[main, 2 if turned % 180 == 0 else 3]
        small, faces = shrink(pixels, faces, width / float(across))
        probes = self._vision.embed_faces(replace(photo, pixels=small), faces)
        return replace(found, embeddings=probes.embeddings, quality=probes.quality.score)

    def _register(self, photo: Photo) -> RegistrationTemplate:
        try:
            views = self._vision.registration_views(photo)
        except _UNFIT as error:
            return RegistrationTemplate(self._main_face_views(photo), photo.digest, error.code)
        return RegistrationTemplate(views.embeddings, photo.digest, None)

    def _main_face_views(self, photo: Photo) -> NDArray[np.float32]:
        found = self._vision.detector.detect(photo.pixels)
        if not len(found):
            return np.empty((0, sum(self._vision.sizes)), dtype=np.float32)
        face = found.take(np.array([main_face(found.boxes, photo.width, photo.height)]))
        return self._vision.embed_views(photo.pixels, face)


def shrink(pixels: NDArray[np.uint8], faces: Faces, scale: float) -> tuple[NDArray[np.uint8], Faces]:
    """Shrink a picture, uint8 (H, W, 3), and its faces by a factor below 1, averaging pixels."""
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    # Sides are whole pixels, so the two scales differ slightly.
    scales = np.array([width / pixels.shape[1], height / pixels.shape[0]], dtype=np.float32)
    return small, Faces(faces.boxes * np.tile(scales, 2), faces.landmarks * scales, faces.scores)


def _decode(path: Path) -> Photo:
    try:
        return decode(path.read_bytes())
    except MusterError as error:
        raise type(error)(f"{path} cannot be evaluated. {error}") from error
