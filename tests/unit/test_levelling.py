"""A tilted head is levelled before it is embedded, in registration photos and in photos of groups."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muster.composition.vision import open_models
from muster.domain.errors import FaceTurned
from muster.domain.faces import Faces
from muster.packs.load import ModelPack
from muster.vision.decode import Photo, decode
from muster.vision.pipeline import VisionPipeline
from muster.vision.quality import require_fit

MIN_COSINE = 0.94


@pytest.fixture(scope="module")
def vision(pack: ModelPack) -> VisionPipeline:
    return replace(open_models(pack, 1), views=1)


@pytest.fixture(scope="module")
def obama(samples: Path) -> Photo:
    return decode((samples / "gallery" / "barack_obama.jpg").read_bytes())


@pytest.fixture(scope="module")
def upright(vision: VisionPipeline, obama: Photo) -> NDArray[np.float32]:
    """The embedding of the portrait before it is tilted."""
    embedding: NDArray[np.float32] = vision.registration_views(obama).embeddings[0]
    return embedding


def tilted(pixels: NDArray[np.uint8], degrees: float) -> Photo:
    """Tilt a picture clockwise within a larger grey one."""
    height, width = pixels.shape[:2]
    side = int(np.hypot(height, width))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    cut = cv2.warpAffine(pixels, matrix, (side, side), borderValue=(127, 127, 127))
    return Photo(np.asarray(cut, np.uint8), f"{degrees}")


@pytest.mark.parametrize("degrees", [30, 60, 120, -50])
def test_a_tilted_portrait_gives_the_embedding_of_the_upright_one(
    vision: VisionPipeline, obama: Photo, upright: NDArray[np.float32], degrees: float
) -> None:
    lying = tilted(obama.pixels, degrees)
    assert float(upright @ vision.registration_views(lying).embeddings[0]) > MIN_COSINE
    probes = vision.probes(lying)
    assert float((probes.embeddings @ upright).max()) > MIN_COSINE


def test_a_face_that_stays_on_its_side_registers_nobody() -> None:
    coarse = np.random.default_rng(0).integers(60, 200, (100, 100, 3), np.uint8)
    pixels = np.asarray(cv2.resize(coarse, (400, 400), interpolation=cv2.INTER_CUBIC), np.uint8)
    lying = np.array([[40, 35], [40, 65], [58, 50], [73, 38], [73, 62]], np.float32) / 100
    face = Faces(
        np.array([[140, 120, 120, 160]], np.float32),
        (np.array([140, 120], np.float32) + lying * [120, 160])[None].astype(np.float32),
        np.array([0.9], np.float32),
    )
    with pytest.raises(FaceTurned, match="turn the photo upright"):
        require_fit(pixels, face)
