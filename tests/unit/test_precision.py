"""The embedded pack's variants: smaller or faster, and still the same faces."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from muster.packs.build import build_embedded
from muster.packs.load import ModelPack, verify_pack
from muster.packs.precision import shipped_ranges, with_int8
from muster.vision.align import crop_faces
from muster.vision.decode import decode
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetEmbedder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crops(pack: ModelPack, samples: Path) -> NDArray[np.uint8]:
    """Faces of the sample photos: three people."""
    detector = CenterFaceDetector(pack.detector, 2)
    photos = [decode(path.read_bytes()).pixels for path in sorted(samples.glob("*/*.jpg"))]
    return np.concatenate([crop_faces(photo, detector.detect(photo))[:, 0] for photo in photos])


@pytest.mark.parametrize(("precision", "share", "least"), [("float16", 0.51, 0.99999), ("int8", 0.27, 0.99)])
def test_a_variant_is_a_pack_of_its_own_that_embeds_nearly_as_the_pack_does(
    precision: str, share: float, least: float, pack: ModelPack, pack_home: Path, crops: NDArray[np.uint8]
) -> None:
    variant = build_embedded(pack_home, name=f"embedded-{precision}")
    verify_pack(variant)
    assert variant.id == f"{pack.id}.{precision}"
    assert variant.embedder.stat().st_size < share * pack.embedder.stat().st_size
    assert variant.detector.read_bytes() == pack.detector.read_bytes()
    exact, found = (FaceNetEmbedder(one.embedder, 2).embed(crops) for one in (pack, variant))
    cosine = (exact * found).sum(axis=1)
    assert least < cosine.min()
    assert not np.array_equal(exact, found)
    # What the faces have to say of each other stays what it was.
    assert np.abs(exact @ exact.T - found @ found.T).max() < 2 * np.sqrt(2 * (1 - least))


def test_a_network_made_int8_twice_is_the_same_byte_for_byte(pack: ModelPack) -> None:
    model = onnx.load(pack.embedder)
    first, second = (with_int8(model, shipped_ranges("embedded")).SerializeToString(deterministic=True) for _ in "12")
    assert first == second
