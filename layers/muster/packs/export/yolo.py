"""Export of a YOLO face detector from `ultralytics` weights to ONNX, and comparison of the detections."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from ultralytics.nn.modules.head import Detect, Pose
from ultralytics.nn.tasks import DetectionModel, torch_safe_load

from muster.domain.errors import PackBuildFailed
from muster.packs.export.onnx_file import to_onnx

SIDE = 640
"""Side in pixels of the training pictures of the published weights."""

MULTIPLE = 32
"""Sides of the input are multiples of the deepest layer's stride (YOLOv8 and YOLO11)."""

MAX_PIXELS = 0.5
MAX_SCORE = 0.01
"""Maximum differences between the detections of torch and of the export for the export to pass."""

_GREY = 114
_LANDMARKS = (5, 3)
_SCORE = 4


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an export is from its original.

    Attributes:
        pixels: largest difference of a box's centre, width or height, or of a landmark.
        score: largest difference of a score, 0 to 1.
    """

    pixels: float
    score: float

    @property
    def passes(self) -> bool:
        """Whether the differences are small enough."""
        return self.pixels <= MAX_PIXELS and self.score <= MAX_SCORE


def yolo(content: bytes, name: str) -> DetectionModel:
    """Read a checkpoint of ultralytics: YOLOv8 or YOLO11, one class, with five landmarks or none.

    Such a file is a pickle of the network. It is read with ultralytics' restricted loader: torch's `weights_only` and a
    list of allowed layers, none of which evaluates text of the file. A file with anything else is rejected without
    running its code.

    Args:
        content: the file.
        name: of the file, for error messages.

    Raises:
        PackBuildFailed: the file is damaged, contains more than a network, or is not such a face detector.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        path.write_bytes(content)
        try:
            loaded, _ = torch_safe_load(path, safe_only=True)
        # The type of the error depends on where the loader fails.
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ImportError, RuntimeError) as error:
            raise PackBuildFailed(
                f"{name} is damaged, or contains more than a network of ultralytics, and was not read: use the "
                "published `.pt` file."
            ) from error
    network = loaded.get("ema") or loaded.get("model")
    if not isinstance(network, DetectionModel) or not _finds_faces(network):
        raise PackBuildFailed(
            f"{name} is not a supported face detector: use YOLOv8 or YOLO11 weights with one class, and with five "
            "landmarks or none."
        )
    return _ready(network)


def _finds_faces(network: DetectionModel) -> bool:
    head = network.model[-1]
    # Exactly these types: heads with built-in suppression, or with masks, have other output layouts.
    plain = type(head) in (Detect, Pose) and not head.end2end
    return plain and head.nc == 1 and (type(head) is Detect or tuple(head.kpt_shape) == _LANDMARKS)


def _ready(network: DetectionModel) -> DetectionModel:
    network = network.float().eval().requires_grad_(requires_grad=False)
    network.fuse(verbose=False)
    head: Any = network.model[-1]
    head.export, head.format = True, "onnx"
    # The grid of cells is computed again for each picture's size.
    head.dynamic = True
    return network


def yolo_to_onnx(network: DetectionModel, side: int | None = None) -> bytes:
    """Write the detector as ONNX: `images` float32 (N, 3, H, W), RGB 0 to 1, to `output0` (N, 5 or 20, cells).

    A column of the output is a box's centre, width and height in pixels, its score, and five times x, y and
    visibility where there are landmarks: the layout and the names of ultralytics' own export.

    Args:
        side: of square pictures, in pixels, a multiple of 32. None leaves height and width free, so photos need no
            border to make them square, which saves a quarter of the work for a photo of 4 : 3.
    """
    free = ({0: "N"}, {0: "N"}) if side else ({0: "N", 2: "H", 3: "W"}, {0: "N", 2: "cells"})
    return to_onnx(network, torch.zeros(1, 3, side or SIDE, side or SIDE), "images", "output0", free)


def largest_difference(network: DetectionModel, exported: bytes, photos: list[NDArray[np.uint8]]) -> Difference:
    """Compare the outputs of torch and of the export for every cell of some photos.

    Args:
        exported: result of `yolo_to_onnx` with free sides.
        photos: uint8 (H, W, 3), RGB, of any size; a border is added up to the next multiples of 32.
    """
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    apart = []
    for photo in photos:
        height, width = photo.shape[:2]
        border = ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0))
        picture = np.pad(photo, border, constant_values=_GREY).transpose(2, 0, 1)[None].astype(np.float32) / 255
        with torch.inference_mode():
            expected = network(torch.from_numpy(picture)).numpy()[0]
        apart.append(np.abs(expected - session.run(["output0"], {"images": picture})[0][0]).max(axis=1))
    # NaN in one of them makes the difference NaN, which does not pass.
    worst = np.max(apart, axis=0)
    landmarks = worst[_SCORE + 1 :].reshape(-1, 3)[:, :2]
    return Difference(float(np.max([*worst[:_SCORE], *landmarks.ravel()])), float(worst[_SCORE]))
