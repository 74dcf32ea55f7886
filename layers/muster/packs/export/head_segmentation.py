"""Export of the Unet of `head-segmentation` to ONNX, and comparison of the masks."""

import re
from typing import Any

import numpy as np
import onnxruntime
import segmentation_models_pytorch
import torch
from numpy.typing import NDArray

from muster.domain.errors import PackBuildFailed
from muster.packs.export.onnx_file import to_onnx
from muster.packs.export.weights import Checkpoint, State

MIN_IOU = 0.99
"""Minimum intersection over union of the masks of torch and of the export for the export to pass."""

# Channel means and deviations of ImageNet, which the encoder was trained with (head-segmentation's preprocessing).
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_HEAD = 1
_WIDTH = re.compile(r"decoder\.blocks\.\d+\.conv1\.0\.weight")


class HeadProbability(torch.nn.Module):
    """The published network with its normalisation and softmax, so that the runtime needs no settings.

    Args:
        unet: two classes, background and head.
        side: of the square input in pixels.
    """

    def __init__(self, unet: torch.nn.Module, side: int) -> None:
        super().__init__()
        self.unet = unet
        self.side = side
        self.mean: torch.Tensor
        self.deviation: torch.Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1) * 255)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1) * 255)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Take crops, float32 (N, 3, side, side), RGB 0 to 255, to the head's probability, (N, side, side)."""
        probabilities: torch.Tensor = self.unet((crops - self.mean) / self.deviation).softmax(dim=1)
        return probabilities[:, _HEAD]


def head_segmentation(checkpoint: Checkpoint) -> HeadProbability:
    """Build the network with published weights.

    Args:
        checkpoint: with the settings `encoder_name`, `encoder_depth` and `nn_image_input_resolution`. If it has none,
            like a safetensors file, they are derived from its weights.

    Raises:
        PackBuildFailed: the weights do not belong to such a network, or do not match the settings.
    """
    state = {name.removeprefix("neural_net."): value for name, value in checkpoint.state.items()}
    try:
        settings = _shown_by(state) | checkpoint.settings
        side = int(settings["nn_image_input_resolution"])
        unet = _unet(str(settings["encoder_name"]), int(settings["encoder_depth"]), side)
        unet.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise PackBuildFailed(
            "The weights are not a checkpoint of head-segmentation with its hyper-parameters: take the published file."
        ) from error
    return HeadProbability(unet, side).eval()


def _shown_by(state: State) -> dict[str, Any]:
    """Derive the settings from the weights; the published models have one of two encoders."""
    widths = [value.shape[0] for name, value in state.items() if _WIDTH.fullmatch(name)]
    if not widths:
        return {}
    return {
        "encoder_name": "mobilenet_v2" if "encoder.features.0.0.weight" in state else "resnet34",
        "encoder_depth": len(widths),
        "nn_image_input_resolution": max(widths),
    }


def _unet(encoder: str, depth: int, side: int) -> Any:
    # The library's own rule: as many decoder channels as pixels, halved at each level.
    return segmentation_models_pytorch.Unet(
        encoder_name=encoder,
        encoder_depth=depth,
        encoder_weights=None,
        decoder_channels=[side // 2**level for level in range(depth)],
        classes=2,
    )


def head_segmentation_to_onnx(network: HeadProbability) -> bytes:
    """Write the network as ONNX: `crop` float32 (N, 3, side, side), RGB 0 to 255, to `head` (N, side, side), 0 to 1."""
    return to_onnx(network, torch.zeros(1, 3, network.side, network.side), "crop", "head")


def min_overlap(network: HeadProbability, exported: bytes, crops: NDArray[np.uint8]) -> float:
    """Compare the masks of torch and of the export.

    Args:
        exported: result of `head_segmentation_to_onnx`.
        crops: uint8 (N, side, side, 3), RGB.

    Returns:
        The minimum intersection over union over the crops; two empty masks agree fully.
    """
    pictures = crops.transpose(0, 3, 1, 2).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pictures)).numpy() > 0.5
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    found: NDArray[np.bool_] = session.run(["head"], {"crop": pictures})[0] > 0.5
    shared = (expected & found).sum(axis=(1, 2))
    either = (expected | found).sum(axis=(1, 2))
    return float(np.where(either, shared / np.maximum(either, 1), 1).min())
