import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segmentation_models_pytorch
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from muster.domain.errors import PackBuildFailed
from muster.domain.faces import Faces
from muster.packs.export.head_segmentation import (
    MIN_IOU,
    HeadProbability,
    head_segmentation,
    head_segmentation_to_onnx,
    min_overlap,
)
from muster.packs.export.weights import read_checkpoint
from muster.vision.unet_segmenter import UnetSegmenter

# The two published models: encoder, and side of the input in pixels (head-segmentation's list of best models).
PUBLISHED = [("mobilenet_v2", 256), ("resnet34", 512)]


def frames(photos: list[NDArray[np.uint8]], side: int) -> NDArray[np.uint8]:
    return np.stack([np.asarray(cv2.resize(photo, (side, side)), np.uint8) for photo in photos])


def published_form(encoder: str, side: int, photo: NDArray[np.uint8]) -> dict[str, Any]:
    """Make a checkpoint as head-segmentation publishes them, with weights that call about half of a photo head."""
    torch.manual_seed(0)
    unet = segmentation_models_pytorch.Unet(
        encoder_name=encoder,
        encoder_depth=5,
        encoder_weights=None,
        decoder_channels=[side // 2**level for level in range(5)],
        classes=2,
    ).eval()
    with torch.no_grad():
        picture = torch.from_numpy(photo.transpose(2, 0, 1)[None].astype(np.float32))
        logits = unet((picture - HeadProbability(unet, side).mean) / HeadProbability(unet, side).deviation)
        bias = unet.segmentation_head[0].bias
        bias[1] += (logits[:, 0] - logits[:, 1]).median()
    settings = {"encoder_name": encoder, "encoder_depth": 5, "nn_image_input_resolution": side}
    state = {f"neural_net.{name}": value for name, value in unet.state_dict().items()}
    return {"hyper_parameters": settings, "state_dict": state}


def file_of(content: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize(("encoder", "side"), PUBLISHED)
def test_the_exported_unet_outlines_what_torch_outlines(
    encoder: str, side: int, photos: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    pictures = frames(photos, side)
    checkpoint = read_checkpoint(file_of(published_form(encoder, side, pictures[0])), "best.ckpt")
    network = head_segmentation(checkpoint)
    exported = head_segmentation_to_onnx(network)
    assert min_overlap(network, exported, pictures) >= MIN_IOU
    (tmp_path / "head.onnx").write_bytes(exported)
    probability = UnetSegmenter(tmp_path / "head.onnx", threads=2).probability(pictures[:1])[0]
    assert 0.2 < (probability > 0.5).mean() < 0.8


def test_another_network_does_not_pass_for_the_same(photos: list[NDArray[np.uint8]]) -> None:
    pictures = frames(photos[:1], 256)
    network = head_segmentation(read_checkpoint(file_of(published_form("mobilenet_v2", 256, pictures[0])), "best.ckpt"))
    exported = head_segmentation_to_onnx(network)
    with torch.no_grad():
        for name, weights in network.unet.named_parameters():
            if name.startswith("segmentation_head"):
                weights.neg_()
    assert min_overlap(network, exported, pictures) < MIN_IOU


def test_the_mask_lies_where_the_head_is_in_the_crop(tmp_path: Path) -> None:
    class Bright(torch.nn.Module):
        def forward(self, crops: torch.Tensor) -> torch.Tensor:
            return torch.cat([crops[:, :1] * 0, crops[:, :1] * 20], dim=1)

    (tmp_path / "head.onnx").write_bytes(head_segmentation_to_onnx(HeadProbability(Bright(), 256).eval()))
    photo = np.zeros((300, 300, 3), np.uint8)
    photo[120:180, 90:150] = 255
    faces = Faces(np.array([[60, 90, 120, 120]], np.float32), np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32))
    mask = UnetSegmenter(tmp_path / "head.onnx", threads=2).head_masks(photo, faces, margin=0.0)[0]
    expected = np.zeros((160, 160), bool)
    expected[40:120, 40:120] = True
    shared = (expected & (mask > 0.5)).sum() / (expected | (mask > 0.5)).sum()
    assert shared > 0.95


def test_weights_are_read_from_safetensors_with_their_settings(photos: list[NDArray[np.uint8]]) -> None:
    made = published_form("mobilenet_v2", 256, frames(photos[:1], 256)[0])
    settings = {name: str(value) for name, value in made["hyper_parameters"].items()}
    network = head_segmentation(read_checkpoint(save(made["state_dict"], settings), "model.safetensors"))
    assert network.side == 256


@pytest.mark.parametrize(("encoder", "side"), PUBLISHED)
def test_weights_without_settings_show_what_network_they_are_of(
    encoder: str, side: int, photos: list[NDArray[np.uint8]]
) -> None:
    state = published_form(encoder, side, frames(photos[:1], side)[0])["state_dict"]
    network = head_segmentation(read_checkpoint(save(state), "model.safetensors"))
    assert network.side == side
    for name, value in network.unet.state_dict().items():
        assert torch.equal(value, state[f"neural_net.{name}"])


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this must not run",))


def test_a_checkpoint_that_would_run_code_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    content = file_of({"hyper_parameters": {}, "state_dict": {}, "callbacks": Malicious()})
    with pytest.raises(PackBuildFailed, match="contains more than weights"):
        read_checkpoint(content, "best.ckpt")
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["best.ckpt", "model.safetensors"])
def test_a_file_cut_short_is_refused(name: str, photos: list[NDArray[np.uint8]]) -> None:
    made = published_form("mobilenet_v2", 256, frames(photos[:1], 256)[0])
    content = save(made["state_dict"]) if name.endswith("safetensors") else file_of(made)
    with pytest.raises(PackBuildFailed, match="damaged"):
        read_checkpoint(content[: len(content) // 2], name)


def test_a_checkpoint_without_its_settings_is_refused() -> None:
    with pytest.raises(PackBuildFailed, match="hyper-parameters"):
        head_segmentation(read_checkpoint(file_of({"weight": torch.zeros(1)}), "best.ckpt"))
