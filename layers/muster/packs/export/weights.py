"""Reading of published weights without executing code in them."""

import io
import pickle
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load

from muster.domain.errors import PackBuildFailed

State = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False, slots=True)
class Checkpoint:
    """Content of a weights file.

    Attributes:
        state: the tensors by name.
        settings: hyper-parameters of the network, by name; empty if the file has none.
    """

    state: State
    settings: dict[str, Any]


def read_checkpoint(content: bytes, name: str) -> Checkpoint:
    """Read a `.safetensors` file, a state dict of torch, or a Lightning checkpoint with its hyper-parameters.

    torch reads with `weights_only`, which rejects a pickle with anything but tensors and plain values.

    Args:
        content: the file.
        name: of the file; its extension determines the format.

    Raises:
        PackBuildFailed: the file is truncated, has another format, or contains more than weights.
    """
    if name.endswith(".safetensors"):
        return _read_safetensors(content, name)
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise PackBuildFailed(
            f"{name} is damaged, or contains more than weights, and was not read: use the published file, or its "
            "`.safetensors` form."
        ) from error
    settings = loaded.get("hyper_parameters", {}) if isinstance(loaded, dict) else {}
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise PackBuildFailed(f"{name} contains no state dict: use the published file.")
    return Checkpoint(dict(state), dict(settings))


def _read_safetensors(content: bytes, name: str) -> Checkpoint:
    import tempfile
    from pathlib import Path

    try:
        state = load(content)
        # Only `safe_open`, which needs a file, returns the header's metadata.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.safetensors"
            path.write_bytes(content)
            with safe_open(path, "pt") as file:
                settings = file.metadata() or {}
    except SafetensorError as error:
        raise PackBuildFailed(f"{name} is damaged: use the published file.") from error
    return Checkpoint(state, settings)
