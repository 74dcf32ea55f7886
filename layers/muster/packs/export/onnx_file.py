"""A torch network written as ONNX."""

import tempfile
import warnings
from pathlib import Path

import onnx
import torch

OPSET = 17
"""ONNX operator set written, the one of the embedded pack (see `muster.packs.frozen_graph`)."""


def to_onnx(network: torch.nn.Module, example: torch.Tensor, input_name: str, output_name: str) -> bytes:
    """Write a network with one input and one output, the batch size free and the other sizes as in the example.

    Args:
        network: in evaluation mode.
        example: float32 (N, C, H, W).

    Returns:
        A checked ONNX model, serialised.
    """
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "network.onnx"
        # The tracing exporter is deprecated, not gone; it writes one plain operator for each of these networks' layers.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (example,),
            written,
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes={input_name: {0: "N"}, output_name: {0: "N"}},
            opset_version=OPSET,
            dynamo=False,
        )
        content = written.read_bytes()
    onnx.checker.check_model(onnx.load_model_from_string(content))
    return content
