"""Export of each part of a pack from published weights to ONNX, with the figures of the comparison."""

from typing import Literal

import cv2
import numpy as np

from muster.domain.errors import ExportDiffers
from muster.packs.export.facenet import MIN_COSINE, facenet, facenet_to_onnx, min_cosine
from muster.packs.export.head_segmentation import (
    MIN_IOU,
    head_segmentation,
    head_segmentation_to_onnx,
    min_overlap,
)
from muster.packs.export.weights import read_checkpoint
from muster.packs.export.yolo import largest_difference, yolo, yolo_to_onnx
from muster.packs.published import Comparison


def export(
    part: Literal["detector", "embedder", "segmenter"], content: bytes, name: str, pictures: Comparison
) -> tuple[bytes, dict[str, float]]:
    """Export one part and compare it with its original.

    Args:
        content: the weights file.
        name: of that file.

    Returns:
        The ONNX model and the figures of the comparison, by name.

    Raises:
        PackBuildFailed: the weights belong to another network, or the file contains more than weights.
        ExportDiffers: the export is too far from its original.
    """
    if part == "detector":
        return _detector(content, name, pictures)
    if part == "segmenter":
        return _segmenter(content, name, pictures)
    return _embedder(content, name, pictures)


def _detector(content: bytes, name: str, pictures: Comparison) -> tuple[bytes, dict[str, float]]:
    network = yolo(content, name)
    exported = yolo_to_onnx(network)
    difference = largest_difference(network, exported, list(pictures.photos))
    if not difference.passes:
        raise _differs(name, f"boxes differ by {difference.pixels:.2g} pixels, scores by {difference.score:.2g}")
    return exported, {"pixels": difference.pixels, "score": difference.score}


def _embedder(content: bytes, name: str, pictures: Comparison) -> tuple[bytes, dict[str, float]]:
    network = facenet(read_checkpoint(content, name).state)
    exported = facenet_to_onnx(network)
    cosine = min_cosine(network, exported, pictures.crops)
    if not cosine >= MIN_COSINE:
        raise _differs(name, f"embeddings have a cosine of {cosine:.6f} only")
    return exported, {"cosine": cosine}


def _segmenter(content: bytes, name: str, pictures: Comparison) -> tuple[bytes, dict[str, float]]:
    network = head_segmentation(read_checkpoint(content, name))
    exported = head_segmentation_to_onnx(network)
    sized = [cv2.resize(photo, (network.side, network.side)) for photo in pictures.photos]
    overlap = min_overlap(network, exported, np.stack(sized).astype(np.uint8))
    if not overlap >= MIN_IOU:
        raise _differs(name, f"masks overlap by {overlap:.4f} only")
    return exported, {"overlap": overlap}


def _differs(name: str, how: str) -> ExportDiffers:
    return ExportDiffers(
        f"The outputs of the network exported from {name} differ from its original ({how}): use the exporters' "
        "versions of requirements/export.txt."
    )
