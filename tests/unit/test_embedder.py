from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from muster.domain.faces import Faces
from muster.packs.load import ModelPack
from muster.vision.align import StretchedBox, crop_faces
from muster.vision.embedder import Embedder, FaceNetwork, join_embeddings


@pytest.fixture(scope="module")
def embedder(pack: ModelPack) -> FaceNetwork:
    return FaceNetwork(pack.embedders[0], threads=1)


@pytest.fixture(scope="module")
def portraits(samples: Path) -> NDArray[np.uint8]:
    boxes = {"barack_obama": (371, 88, 245, 330), "joe_biden": (416, 157, 307, 428)}
    crops = []
    for name, box in boxes.items():
        picture = cv2.imread(str(samples / "gallery" / f"{name}.jpg"))
        assert picture is not None
        pixels = np.asarray(picture[:, :, ::-1], np.uint8)
        face = Faces(np.array([box], np.float32), np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32))
        crops.append(crop_faces(pixels, face, StretchedBox())[0])
    return np.array(crops)


def test_no_crop_gives_no_embedding(embedder: FaceNetwork) -> None:
    assert embedder.embed(np.empty((0, 160, 160, 3), np.uint8)).shape == (0, 512)
    assert embedder.embed_faces(np.empty((0, 1, 160, 160, 3), np.uint8)).shape == (0, 512)


def test_rows_are_of_unit_length(embedder: FaceNetwork, portraits: NDArray[np.uint8]) -> None:
    embeddings = embedder.embed(portraits)
    assert embeddings.dtype == np.float32
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


def test_a_mirror_image_is_the_same_person_and_two_men_are_not(
    embedder: FaceNetwork, portraits: NDArray[np.uint8]
) -> None:
    embeddings = embedder.embed(np.concatenate([portraits, portraits[:, :, ::-1]]))
    similarity = embeddings @ embeddings.T
    assert similarity[0, 2] > 0.85
    assert similarity[1, 3] > 0.85
    assert similarity[0, 1] < 0.4


def test_a_crop_means_the_same_in_any_batch(embedder: FaceNetwork, portraits: NDArray[np.uint8]) -> None:
    many = np.concatenate([portraits] * 10)
    assert np.allclose(embedder.embed(many)[-2:], embedder.embed(portraits), atol=1e-5)


def test_a_face_of_several_crops_is_their_mean_direction(embedder: FaceNetwork, portraits: NDArray[np.uint8]) -> None:
    crops = np.stack([portraits, portraits[:, :, ::-1]], axis=1)
    separate = embedder.embed(crops.reshape(-1, 160, 160, 3)).reshape(2, 2, 512).mean(axis=1)
    expected = separate / np.linalg.norm(separate, axis=1, keepdims=True)
    assert np.allclose(embedder.embed_faces(crops), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        pytest.param(0, {40: [6, 6, 7, 7, 7, 7], 13: [4, 4, 5], 3: [1, 1, 1], 1: [1]}, id="large weights"),
        pytest.param(1, {12: [2] * 6, 13: [1] * 5 + [2] * 4, 3: [1, 1, 1], 1: [1]}, id="small weights"),
    ],
)
def test_crops_are_split_evenly_into_as_many_runs_for_each_thread(
    pack: ModelPack, monkeypatch: pytest.MonkeyPatch, network: int, expected: dict[int, list[int]]
) -> None:
    embedder = FaceNetwork(pack.embedders[network], threads=3)
    sizes: list[int] = []

    class Counting:
        def run(self, outputs: list[str], inputs: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            sizes.append(len(inputs["face"]))
            return [np.ones((len(inputs["face"]), embedder.size), np.float32)]

    monkeypatch.setattr(embedder, "_session", Counting())
    for crops, runs in expected.items():
        sizes.clear()
        assert embedder.embed(np.zeros((crops, 8, 8, 3), np.uint8)).shape[0] == crops
        assert sorted(sizes) == runs


def test_a_network_is_fed_what_it_was_trained_with(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = FaceNetwork(pack.embedders[1], threads=1)
    seen: list[NDArray[np.float32]] = []

    class Recording:
        def run(self, outputs: list[str], inputs: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            seen.append(inputs["face"])
            return [np.ones((1, 192), np.float32)]

    monkeypatch.setattr(embedder, "_session", Recording())
    crop = np.arange(256 * 3).astype(np.uint8).reshape(1, 16, 16, 3)
    embedder.embed(crop[:, :, ::-1])
    expected = (crop[:, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128
    np.testing.assert_array_equal(seen[0], expected)
    assert seen[0].flags.c_contiguous


def test_embeddings_keep_the_order_of_their_crops(
    pack: ModelPack, embedder: FaceNetwork, portraits: NDArray[np.uint8]
) -> None:
    """Runs of several threads may end in any order."""
    shared = FaceNetwork(pack.embedders[0], threads=4)
    many = np.concatenate([portraits] * 9)
    assert np.allclose(shared.embed(many), np.concatenate([embedder.embed(portraits)] * 9), atol=1e-5)


def test_joined_rows_have_unit_length_and_their_product_is_the_mean_of_the_cosines() -> None:
    random = np.random.default_rng(0)
    blocks = []
    for size in (512, 192):
        rows = random.standard_normal((4, size)).astype(np.float32)
        blocks.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    rows = join_embeddings(blocks)
    assert rows.shape == (4, 704)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(rows @ rows.T, sum(block @ block.T for block in blocks) / 2, atol=1e-5)
    assert np.array_equal(join_embeddings(blocks[:1]), blocks[0])


def test_a_face_and_its_mirror_image_have_one_embedding_where_both_are_read(
    embedder: FaceNetwork, portraits: NDArray[np.uint8]
) -> None:
    both, one = (Embedder(embedder, StretchedBox(), mirrored=mirrored) for mirrored in (True, False))
    mirrored = np.ascontiguousarray(portraits[:, :, ::-1])
    assert np.allclose(both.embed(portraits), both.embed(mirrored), atol=1e-5)
    assert not np.allclose(one.embed(portraits), one.embed(mirrored), atol=1e-2)
