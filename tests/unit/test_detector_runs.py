"""The number of detector runs per photo, which decides the cost of the photo."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.packs.load import ModelPack
from muster.vision.align import StretchedBox
from muster.vision.decode import Photo, decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import Embedder, FaceNetwork, Finish
from muster.vision.face_limit import MAX_FACES
from muster.vision.levelling import MAX_LEVELLED
from muster.vision.pipeline import FaceDetector, VisionPipeline

Pixels = NDArray[np.uint8]
SIDE = 1000
UPRIGHT = np.array([[0.35, 0.4], [0.65, 0.4], [0.5, 0.58], [0.38, 0.73], [0.62, 0.73]], np.float32) - 0.5


class Counted:
    """Another detector, whose runs are counted by the longest side of the picture."""

    def __init__(self, detector: FaceDetector) -> None:
        self.sides: list[int] = []
        self._detector = detector

    def detect(self, pixels: Pixels) -> Faces:
        self.sides.append(max(pixels.shape[:2]))
        return self._detector.detect(pixels)


class Tilted:
    """Finds many faces in a whole photo and one in each part of it, all of them tilted by 45 degrees."""

    def __init__(self, count: int) -> None:
        self._count = count

    def detect(self, pixels: Pixels) -> Faces:
        side = pixels.shape[0]
        count = self._count if side == SIDE else 1
        landmarks = 30 * UPRIGHT @ (np.array([[1, 1], [-1, 1]], np.float32) / np.sqrt(2)).astype(np.float32) + side / 2
        box = np.array([[side / 2 - 15, side / 2 - 15, 30, 30]], np.float32)
        scores = np.linspace(1, 0.9, count).astype(np.float32)
        return Faces(np.repeat(box, count, 0), np.repeat(landmarks[None], count, 0).astype(np.float32), scores)


class Blank:
    """A network that computes nothing."""

    size = 8

    def start_faces(self, crops: NDArray[np.uint8]) -> Finish:
        return lambda: np.zeros((len(crops), self.size), np.float32)


def counting(detector: FaceDetector) -> tuple[VisionPipeline, Counted]:
    counted = Counted(detector)
    return VisionPipeline(
        counted, (Embedder(cast(FaceNetwork, Blank()), StretchedBox(), mirrored=False),), views=1
    ), counted


@pytest.mark.parametrize("name", ["group", "dim"])
def test_an_upright_photo_of_a_group_is_searched_for_faces_once(pack: ModelPack, samples: Path, name: str) -> None:
    vision, counted = counting(CenterFaceDetector(pack.detector, 1))
    probes = vision.probes(decode((samples / "photos" / f"{name}.jpg").read_bytes()))
    assert len(probes.faces) > 0
    assert len(counted.sides) == 1


def test_a_registration_photo_is_searched_once_in_full_and_small_in_every_turn(pack: ModelPack, samples: Path) -> None:
    vision, counted = counting(CenterFaceDetector(pack.detector, 1))
    photo = decode((samples / "gallery" / "barack_obama.jpg").read_bytes())
    assert vision.registration_views(photo).turned == 0
    assert counted.sides == [max(photo.pixels.shape[:2]), 1024, 1024, 1024, 1024]


@pytest.mark.parametrize("count", [1, 7, 2 * MAX_FACES])
def test_levelling_tilted_faces_is_bounded_however_many_there_are(count: int) -> None:
    vision, counted = counting(Tilted(count))
    probes = vision.probes(Photo(np.zeros((SIDE, SIDE, 3), np.uint8), "digest"))
    assert len(probes.faces) == min(count, MAX_FACES)
    whole = [side for side in counted.sides if side == SIDE]
    assert len(whole) == 4
    assert len(counted.sides) - len(whole) == 3 * min(count, MAX_LEVELLED)
