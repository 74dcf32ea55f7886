"""Export of FaceNet from `facenet-pytorch`'s weights to ONNX, and comparison of the embeddings."""

import numpy as np
import onnxruntime
import torch
from facenet_pytorch import InceptionResnetV1
from numpy.typing import NDArray

from muster.domain.errors import PackBuildFailed
from muster.packs.export.onnx_file import to_onnx
from muster.packs.export.weights import State

SIDE = 160
"""Side of the crops in pixels (model card of 20180402-114759)."""

MIN_COSINE = 0.9999
"""Minimum cosine between the embeddings of torch and of the export for the export to pass."""

_CLASSIFIER = "logits."


def facenet(state: State) -> InceptionResnetV1:
    """Build the network with published weights, without the classifier that they were trained with.

    Args:
        state: of `facenet_pytorch.InceptionResnetV1`.

    Raises:
        PackBuildFailed: a weight is missing, has another shape or does not belong to this network.
    """
    network = InceptionResnetV1(pretrained=None, classify=False).eval()
    try:
        network.load_state_dict({name: value for name, value in state.items() if not name.startswith(_CLASSIFIER)})
    except RuntimeError as error:
        raise PackBuildFailed("The weights are not those of InceptionResnetV1: take the published file.") from error
    return network


def facenet_to_onnx(network: InceptionResnetV1) -> bytes:
    """Write FaceNet as ONNX: `face` float32 (N, 3, 160, 160), (x - 127.5) / 128, to `embedding` (N, 512), unit rows."""
    return to_onnx(network, torch.zeros(2, 3, SIDE, SIDE), "face", "embedding")


def min_cosine(network: InceptionResnetV1, exported: bytes, crops: NDArray[np.uint8]) -> float:
    """Compare the embeddings of torch and of the export.

    Args:
        exported: result of `facenet_to_onnx`.
        crops: uint8 (N, 160, 160, 3), RGB.

    Returns:
        The minimum cosine over the crops.
    """
    faces = (crops.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128
    with torch.inference_mode():
        expected = network(torch.from_numpy(faces)).numpy()
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(["embedding"], {"face": faces})[0]
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    return float(((expected * found).sum(axis=1) / lengths).min())
