"""Covered faces are distinguished from bare ones; ordinary glasses and headscarves do not count as covers."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.vision.covered_parts.covers import COVERS, HARMLESS
from muster.packs.load import ModelPack
from muster.vision.covering import Covering, find_covering, load_classifiers
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector


@pytest.fixture(scope="module")
def detector(pack: ModelPack) -> CenterFaceDetector:
    return CenterFaceDetector(pack.detector, threads=1, sides=(512,))


def portrait(samples: Path, name: str) -> np.ndarray:
    return decode((samples / "gallery" / f"{name}.jpg").read_bytes()).pixels


@pytest.mark.parametrize("name", ["barack_obama", "joe_biden"])
@pytest.mark.parametrize(
    ("cover", "expected"),
    [
        (None, None),
        *((cover, None) for cover in HARMLESS.values()),
        (COVERS["mask, light"], Covering.MOUTH),
        (COVERS["mask, dark"], Covering.MOUTH),
        (COVERS["bar"], Covering.EYES),
    ],
    ids=["bare", *HARMLESS, "light mask", "dark mask", "bar over the eyes"],
)
def test_a_cover_is_named_and_a_bare_face_is_not(
    detector: CenterFaceDetector, samples: Path, name: str, cover: object, expected: Covering | None
) -> None:
    pixels = portrait(samples, name)
    face = detector.detect(pixels).take(np.array([0]))
    if callable(cover):
        pixels = cover(pixels, face, np.random.default_rng(4))
        face = detector.detect(pixels).take(np.array([0]))
    assert find_covering(pixels, face) is expected


def test_the_shipped_classifiers_have_one_row_for_each_covering() -> None:
    mean, weights, thresholds = load_classifiers()
    assert weights.shape == (len(Covering), len(mean))
    assert thresholds.shape == (len(Covering),)
