from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.vision.segmenter import BACKGROUND_GREY, grey_out_background, head_masks

MARGIN = 0.8

# Faces as the detector finds them, and the heads (ears and hair, no neck) outlined by hand in 480ths of their crop.
BOXES = {"barack_obama": (370.7, 88.1, 244.8, 330.4), "joe_biden": (416.3, 157.0, 307.2, 428.5)}
LANDMARKS = {
    "barack_obama": [(431.8, 218.7), (559.5, 209.3), (499.8, 273.5), (443.0, 329.2), (554.3, 320.9)],
    "joe_biden": [(532.5, 314.6), (674.2, 348.1), (601.1, 411.4), (502.8, 459.5), (624.2, 486.6)],
}
OUTLINES = {
    "barack_obama": [
        *[(100, 150), (130, 105), (190, 70), (240, 60), (300, 70), (350, 105), (385, 165), (405, 205), (380, 272)],
        *[(365, 290), (320, 340), (245, 390), (185, 375), (140, 320), (125, 285), (105, 275), (70, 210), (95, 190)],
    ],
    "joe_biden": [
        *[(80, 190), (85, 150), (110, 110), (170, 75), (240, 70), (310, 85), (360, 110), (390, 150), (395, 200)],
        *[(365, 270), (330, 330), (260, 370), (190, 355), (140, 310), (115, 270), (85, 265)],
    ],
}


def portrait(samples: Path, name: str) -> tuple[NDArray[np.uint8], Faces]:
    picture = cv2.imread(str(samples / "gallery" / f"{name}.jpg"))
    assert picture is not None
    face = Faces(np.array([BOXES[name]], np.float32), np.array([LANDMARKS[name]], np.float32), np.ones(1, np.float32))
    return np.asarray(picture[:, :, ::-1], np.uint8), face


def overlap(mask: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    found = mask > 0.5
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize("name", list(OUTLINES))
def test_the_mask_covers_a_head_outlined_by_hand(samples: Path, name: str) -> None:
    truth = np.zeros((160, 160), np.uint8)
    cv2.fillPoly(truth, [np.array(OUTLINES[name], np.int32) // 3], 1)
    mask = head_masks(*portrait(samples, name), MARGIN)[0]
    assert overlap(mask, truth > 0) > 0.8


def test_a_drawn_head_is_told_from_its_background() -> None:
    random = np.random.default_rng(0)
    truth = np.zeros((300, 300), np.uint8)
    cv2.ellipse(truth, (150, 150), (62, 88), 0, 0, 360, 1, thickness=-1)
    skin, wall = np.array([205, 160, 130]), np.array([60, 90, 140])
    pixels = np.where(truth[..., None] > 0, skin, wall) + random.normal(0, 8, (300, 300, 3))
    landmarks = np.array([[(126, 135), (174, 135), (150, 160), (132, 185), (168, 185)]], np.float32)
    face = Faces(np.array([[95, 80, 110, 150]], np.float32), landmarks, np.ones(1, np.float32))
    mask = head_masks(np.clip(pixels, 0, 255).astype(np.uint8), face, 1.0)[0]
    # The crop of margin 1 is the box, 110 x 150, doubled about (150, 155).
    cut = cv2.resize(truth[5:300, 40:260], (160, round(160 * 295 / 300)), interpolation=cv2.INTER_NEAREST) > 0
    assert overlap(mask[: len(cut)], cut) > 0.85


def test_a_mask_is_soft_and_repeatable(samples: Path) -> None:
    pixels, face = portrait(samples, "barack_obama")
    mask = head_masks(pixels, face, 0.2)
    assert mask.shape == (1, 160, 160)
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    assert mask.max() <= 1
    assert ((mask > 0.1) & (mask < 0.9)).any()
    assert np.array_equal(mask, head_masks(pixels, face, 0.2))


def test_the_face_itself_is_always_kept() -> None:
    # Noise has no outline to find: the landmarks alone must keep what lies between them.
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    landmarks = np.array([[(126, 135), (174, 135), (150, 160), (132, 185), (168, 185)]], np.float32)
    face = Faces(np.array([[95, 80, 110, 150]], np.float32), landmarks, np.ones(1, np.float32))
    assert head_masks(pixels, face, 0.2)[0, 70:110, 65:95].min() > 0.95


def test_a_face_half_out_of_the_photo_gets_a_mask() -> None:
    pixels = np.full((120, 120, 3), 90, np.uint8)
    landmarks = np.array([[(-20, 30), (10, 30), (-5, 50), (-18, 70), (8, 70)]], np.float32)
    face = Faces(np.array([[-50, -10, 80, 110]], np.float32), landmarks, np.ones(1, np.float32))
    mask = head_masks(pixels, face, 0.2)
    assert np.isfinite(mask).all()
    assert mask.max() > 0.9


def test_no_face_gives_no_mask() -> None:
    nobody = Faces(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.float32))
    assert head_masks(np.zeros((50, 50, 3), np.uint8), nobody, 0.2).shape == (0, 160, 160)


def test_the_background_turns_grey_and_the_head_stays() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3), dtype=np.uint8)
    masks = np.zeros((2, 160, 160), np.float32)
    masks[:, 40:120, 40:120] = 1
    shown = grey_out_background(crops, masks)
    assert np.array_equal(shown[:, 40:120, 40:120], crops[:, 40:120, 40:120])
    assert np.all(shown[:, :40] == BACKGROUND_GREY)
    assert np.array_equal(grey_out_background(crops, masks, strength=0.0), crops)
