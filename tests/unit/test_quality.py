"""A registration photo is accepted when it shows one usable face, and refused with the reason otherwise."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from muster.packs.load import ModelPack
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.quality import assess, require_fit, require_main_face

Pixels = NDArray[np.uint8]
FRONTAL = np.array([[35, 40], [65, 40], [50, 58], [38, 73], [62, 73]], np.float32) / [100, 100]


def main_face_if_fit(pixels: Pixels, faces: Faces) -> int:
    """Choose the main face as a registration does."""
    main = require_main_face(pixels, faces)
    require_fit(pixels, faces.take(np.array([main])))
    return main


@pytest.fixture(scope="session")
def detector(pack: ModelPack) -> CenterFaceDetector:
    return CenterFaceDetector(pack.detector, threads=1)


@pytest.fixture(scope="session", params=["barack_obama", "joe_biden"])
def portrait(request: pytest.FixtureRequest, samples: Path) -> Pixels:
    return decode((samples / "gallery" / f"{request.param}.jpg").read_bytes()).pixels


def faces_at(*boxes: tuple[float, float, float, float]) -> Faces:
    stacked = np.array(boxes, np.float32).reshape(-1, 4)
    landmarks = (stacked[:, None, :2] + FRONTAL * stacked[:, None, 2:]).astype(np.float32)
    return Faces(stacked, landmarks, np.full(len(boxes), 0.9, np.float32))


def texture(width: int = 400, height: int = 400) -> Pixels:
    """Sharp, well exposed, of middling contrast."""
    coarse = np.random.default_rng(0).integers(60, 200, (height // 4, width // 4, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def blurred(pixels: Pixels, height: float) -> Pixels:
    """Out of focus by a twenty-fifth of the face's height."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), height / 25), np.uint8)


def test_the_sample_portraits_are_fit_to_register(detector: CenterFaceDetector, portrait: Pixels) -> None:
    faces = detector.detect(portrait)
    assert main_face_if_fit(portrait, faces) == 0
    quality = assess(portrait, faces)
    assert quality.score[0] > 0.9
    assert quality.faults(0) == []


def test_quality_is_stacked_in_the_order_of_the_faces(detector: CenterFaceDetector, samples: Path) -> None:
    pixels = decode((samples / "photos" / "group.jpg").read_bytes()).pixels
    faces = detector.detect(pixels)
    quality = assess(pixels, faces)
    for name in quality.__slots__:
        values = getattr(quality, name)
        assert values.shape == (len(faces),)
        assert values.dtype == np.float32
    np.testing.assert_allclose(quality.size, faces.boxes[:, 3])
    assert ((quality.score >= 0) & (quality.score <= 1)).all()


def test_no_face_gives_empty_arrays() -> None:
    quality = assess(texture(), faces_at())
    assert quality.score.shape == quality.yaw.shape == quality.sharpness.shape == (0,)


def test_a_photo_without_a_face_is_refused() -> None:
    with pytest.raises(NoFace):
        main_face_if_fit(texture(), faces_at())


def test_two_people_side_by_side_are_refused() -> None:
    with pytest.raises(SeveralFaces):
        main_face_if_fit(texture(), faces_at((60, 140, 90, 120), (250, 140, 90, 120)))


def test_a_small_face_in_the_background_does_no_harm() -> None:
    assert main_face_if_fit(texture(), faces_at((20, 20, 40, 50), (140, 120, 120, 160))) == 1


def test_a_photo_too_dark_is_refused_with_what_to_do(detector: CenterFaceDetector, portrait: Pixels) -> None:
    dark = (portrait * 0.12).astype(np.uint8)
    with pytest.raises(TooDark, match="window"):
        main_face_if_fit(dark, detector.detect(dark))


def test_a_bleached_photo_is_refused(detector: CenterFaceDetector, portrait: Pixels) -> None:
    faces = detector.detect(portrait)
    bleached = np.clip(portrait.astype(np.float32) * 2 + 120, 0, 255).astype(np.uint8)
    with pytest.raises(TooBright):
        main_face_if_fit(bleached, faces)


@pytest.mark.parametrize("grain", [0, 6])
def test_a_blurred_photo_is_refused_even_if_it_is_grainy(
    detector: CenterFaceDetector, portrait: Pixels, grain: float
) -> None:
    faces = detector.detect(portrait)
    noise = np.random.default_rng(0).normal(0, grain, portrait.shape)
    soft = np.clip(blurred(portrait, faces.boxes[0, 3]) + noise, 0, 255).astype(np.uint8)
    with pytest.raises(TooBlurred):
        main_face_if_fit(soft, faces)


def test_a_tiny_face_is_refused(detector: CenterFaceDetector, portrait: Pixels) -> None:
    factor = 40 / detector.detect(portrait).boxes[0, 3]
    small = np.asarray(cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    with pytest.raises(FaceTooSmall):
        main_face_if_fit(small, detector.detect(small))


def test_a_face_over_the_edge_is_refused() -> None:
    with pytest.raises(FaceCutOff):
        main_face_if_fit(texture(), faces_at((-40, 120, 120, 160)))


def test_a_face_in_profile_is_refused() -> None:
    faces = faces_at((140, 120, 120, 160))
    faces.landmarks[0, :, 0] = [150, 172, 152, 156, 170]
    faces.landmarks[0, 2, 0] = 118
    with pytest.raises(FaceTurned):
        main_face_if_fit(texture(), faces)


def test_every_refusal_says_what_to_do() -> None:
    black = np.zeros((400, 400, 3), np.uint8)
    faults = assess(black, faces_at((-20, 0, 40, 45))).faults(0)
    assert {type(fault) for fault in faults} == {FaceCutOff, FaceTooSmall, TooDark, TooBlurred}
    assert all(isinstance(fault, MusterError) and "take the photo again" in str(fault) for fault in faults)


TURNS = st.one_of(st.just(0.0), st.floats(0.001, 0.15), st.floats(-0.15, -0.001))
"""How far the nose is from the middle, as a share of the box: none, or enough to be measured."""


@given(angle=st.floats(-170, 170), scale=st.floats(0.3, 5), turn=TURNS)
def test_pose_does_not_depend_on_the_size_or_tilt_of_the_face(angle: float, scale: float, turn: float) -> None:
    upright = faces_at((0, 0, 100, 100))
    upright.landmarks[0, 2, 0] += 100 * turn
    radians = np.radians(angle)
    rotation = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
    tilted = Faces(upright.boxes, (upright.landmarks @ rotation * scale + 500).astype(np.float32), upright.scores)
    before, after = assess(texture(), upright), assess(texture(), tilted)
    np.testing.assert_allclose(after.yaw, before.yaw, atol=0.5)
    np.testing.assert_allclose(after.pitch, before.pitch, atol=0.5)
    np.testing.assert_allclose(after.roll - before.roll, angle, atol=0.5)
    assert np.sign(round(float(before.yaw[0]), 2)) == np.sign(turn)


@given(left=st.floats(-90, 390), top=st.floats(-90, 390))
def test_cut_off_is_the_share_of_the_box_beyond_the_edge(left: float, top: float) -> None:
    across = (min(left + 100, 400) - max(left, 0)) / 100
    down = (min(top + 100, 400) - max(top, 0)) / 100
    found = assess(texture(), faces_at((left, top, 100, 100))).cut_off[0]
    assert found == pytest.approx(1 - across * down, abs=1e-4)
