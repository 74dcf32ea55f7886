"""Export of torch networks to ONNX."""

import tempfile
import warnings
from pathlib import Path

import onnx
import torch

OPSET = 17
"""ONNX operator set of the export, the same as in the embedded pack (see `muster.packs.frozen_graph`)."""


def to_onnx(
    network: torch.nn.Module,
    example: torch.Tensor,
    input_name: str,
    output_name: str,
    free: tuple[dict[int, str], dict[int, str]] = ({0: "N"}, {0: "N"}),
) -> bytes:
    """Write a network with one input and one output.

    Args:
        network: in evaluation mode.
        example: float32 (N, C, H, W).
        free: names of the axes of the input and of the output that are free; other sizes are fixed to the example's.

    Returns:
        A checked ONNX model, serialised.
    """
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "network.onnx"
        # The tracing exporter is deprecated, but writes one plain operator per layer of these networks.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (example,),
            written,
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes={input_name: free[0], output_name: free[1]},
            opset_version=OPSET,
            dynamo=False,
        )
        content = written.read_bytes()
    onnx.checker.check_model(onnx.load_model_from_string(content))
    return content
