from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.packs.load import ModelPack
from muster.vision import augment
from muster.vision.align import StretchedBox, crop_faces
from muster.vision.augment import VIEWS, blur, downsampling, exposure, jpeg_compression, occlusion
from muster.vision.embedder import Embedder, FaceNetwork


@pytest.fixture(scope="module")
def portrait(samples: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(samples / "gallery" / "barack_obama.jpg"))
    assert picture is not None
    return np.asarray(picture[:, :, ::-1], np.uint8)


@pytest.fixture(scope="module")
def face() -> Faces:
    box = np.array([[371, 88, 245, 330]], np.float32)
    return Faces(box, np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32))


def augmented_crops(pixels: NDArray[np.uint8], face: Faces, views: int, seed: int) -> NDArray[np.uint8]:
    return augment.augmented_crops(pixels, face, StretchedBox(), views, seed)


def test_the_first_view_is_the_unchanged_crop(portrait: NDArray[np.uint8], face: Faces) -> None:
    assert np.array_equal(augmented_crops(portrait, face, 1, 0), crop_faces(portrait, face, StretchedBox()))


def test_the_same_seed_gives_the_same_views(portrait: NDArray[np.uint8], face: Faces) -> None:
    assert np.array_equal(augmented_crops(portrait, face, 14, 5), augmented_crops(portrait, face, 14, 5))


def test_another_seed_gives_other_random_views(portrait: NDArray[np.uint8], face: Faces) -> None:
    one, other = augmented_crops(portrait, face, 14, 5), augmented_crops(portrait, face, 14, 6)
    assert np.array_equal(one[: len(VIEWS)], other[: len(VIEWS)])
    assert not np.array_equal(one[len(VIEWS) :], other[len(VIEWS) :])


def test_fewer_views_are_the_beginning_of_more(portrait: NDArray[np.uint8], face: Faces) -> None:
    assert np.array_equal(augmented_crops(portrait, face, 12, 0)[:9], augmented_crops(portrait, face, 9, 0))


def test_no_two_views_are_alike(portrait: NDArray[np.uint8], face: Faces) -> None:
    views = augmented_crops(portrait, face, 20, 0)
    assert len({view.tobytes() for view in views}) == 20


def test_the_photo_is_left_as_it_was(portrait: NDArray[np.uint8], face: Faces) -> None:
    before = portrait.copy()
    augmented_crops(portrait, face, 12, 0)
    assert np.array_equal(portrait, before)


def test_a_low_resolution_view_has_lost_its_detail() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    assert downsampling(26)(crop).std() < crop.std() / 3
    assert blur(2.0)(crop).std() < crop.std() / 3
    assert np.array_equal(downsampling(40)(np.full_like(crop, 90)), np.full_like(crop, 90))


def test_a_dark_view_is_darker_and_keeps_black_and_white() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 160).astype(np.uint8)[None, :, None], (160, 160, 3)).copy()
    dark, bright = exposure(1.9)(ramp), exposure(0.6)(ramp)
    assert dark.mean() < ramp.mean() < bright.mean()
    assert (dark[0, 0, 0], dark[0, -1, 0]) == (0, 255)


def test_a_cover_hides_the_rows_below_and_nothing_else() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    hidden = occlusion(100)(crop)
    assert np.array_equal(hidden[:100], crop[:100])
    assert hidden[100:].std() == 0


def test_compression_keeps_the_picture_and_loses_some_of_it(portrait: NDArray[np.uint8], face: Faces) -> None:
    crop = crop_faces(portrait, face, StretchedBox())[0]
    difference = np.abs(jpeg_compression(30)(crop).astype(int) - crop)
    assert 0.5 < difference.mean() < 10


def test_every_view_is_still_the_same_person(portrait: NDArray[np.uint8], face: Faces, pack: ModelPack) -> None:
    embedder = Embedder(FaceNetwork(pack.embedders[0], threads=1), StretchedBox(), mirrored=True)
    views = embedder.embed(embedder.views(portrait, face, 12, 0))
    # No two people of the sample photos reach 0.5; a view that did not would pull the template away from its owner.
    assert (views @ views[0]).min() > 0.5
