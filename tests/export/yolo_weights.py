"""Weights of ultralytics' face detectors as its own trainer would save them, made here in seconds.

They find no faces: their layers are set so that on a photo one cell in twenty answer with confidence and boxes of
many sizes, which is what comparing two readers needs.
"""

import io
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.nn.tasks import DetectionModel, PoseModel, yaml_model_load

CONFIDENT = 0.05
"""Share of the photos' cells that answer with a score above one half."""

_GAIN = 0.5
"""Of the batch norms: random layers at full strength multiply a rounding error a millionfold, trained ones do not."""

_SPREAD = 0.5
"""Deviation of a last layer's answers: boxes differ in size, and scores in more than their last digit."""


def made(architecture: str, photos: list[NDArray[np.uint8]]) -> DetectionModel:
    """Make a network, as `yolov8n` or `yolo11n-pose`, for one class, from fixed random numbers.

    Args:
        photos: uint8 (H, W, 3), to which its answers are set as the module says.
    """
    torch.manual_seed(7)
    settings = yaml_model_load(f"{architecture}.yaml") | {"nc": 1, "kpt_shape": [5, 3]}
    network = (PoseModel if architecture.endswith("pose") else DetectionModel)(settings, ch=3, nc=1, verbose=False)
    network.names = {0: "face"}
    pictures = torch.cat([_as_seen(photo, side) for photo in photos for side in (160, 640)])
    # Half precision is what is saved; its rounding comes first, so that the settings below hold of what is read back.
    network.half().float()
    _normalise(network, pictures)
    network.half().float()
    head: Any = network.model[-1]
    answers: dict[str, list[torch.Tensor]] = {"cv2": [], "cv3": [], "cv4": []}
    watches = [
        branch[-1].register_forward_hook(lambda _, __, output, name=name: answers[name].append(output))
        for name in answers
        for branch in getattr(head, name, [])
    ]
    with torch.inference_mode():
        network(pictures)
    for watch in watches:
        watch.remove()
    with torch.no_grad():
        for name, outputs in answers.items():
            for branch, output in zip(getattr(head, name, []), outputs, strict=True):
                _spread(branch[-1], output, CONFIDENT if name == "cv3" else None)
    return network.eval()


def _as_seen(photo: NDArray[np.uint8], side: int) -> torch.Tensor:
    """Return a photo as the network sees it when it has so many pixels; a small one is enlarged and thus smooth."""
    small = cv2.resize(photo, (side, side * 7 // 10), interpolation=cv2.INTER_AREA)
    picture = cv2.resize(small, (640, 448), interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 255)


def _normalise(network: torch.nn.Module, pictures: torch.Tensor) -> None:
    """Set the batch norms to the photos, without which random layers let nothing of them through."""
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    network.train()
    with torch.no_grad():
        for norm in norms:
            norm.momentum = 1.0
            norm.weight.fill_(_GAIN)
        network(pictures)
    network.eval()
    for norm in norms:
        norm.momentum = 0.03


def _spread(layer: torch.nn.Conv2d, output: torch.Tensor, confident: float | None) -> None:
    """Scale a last layer so that its answers spread, and shift them so that a share of them lies above zero."""
    assert layer.bias is not None
    own = output - layer.bias.view(1, -1, 1, 1)
    factor = _SPREAD / own.std()
    layer.weight *= factor
    layer.bias.zero_()
    if confident is not None:
        layer.bias.fill_(-float(np.quantile((own * factor).numpy(), 1 - confident)))


def published_form(network: DetectionModel) -> bytes:
    """Write a checkpoint as ultralytics does when training has ended: half precision, the network as a pickle."""
    file = io.BytesIO()
    arguments = {"task": "pose" if isinstance(network, PoseModel) else "detect", "imgsz": 640}
    torch.save({"model": network.half(), "ema": None, "train_args": arguments, "version": "8.4.190"}, file)
    network.float()
    return file.getvalue()
