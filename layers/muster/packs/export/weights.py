"""Published weights read without running anything that they carry."""

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
    """What a weights file holds.

    Attributes:
        state: the tensors by name.
        settings: how the network was built, by name; empty if the file does not say.
    """

    state: State
    settings: dict[str, Any]


def read_checkpoint(content: bytes, name: str) -> Checkpoint:
    """Read a `.safetensors` file, a state dict of torch, or a Lightning checkpoint with its hyper-parameters.

    torch reads with `weights_only`: a pickle that would build or call anything but tensors and plain values is refused.

    Args:
        content: the file.
        name: of the file; its ending says which of the forms it has.

    Raises:
        PackBuildFailed: the file is cut short, has another form, or holds more than weights.
    """
    if name.endswith(".safetensors"):
        return _read_safetensors(content, name)
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise PackBuildFailed(
            f"{name} is damaged or holds more than weights and was not read: take the published file, or its "
            "`.safetensors` form."
        ) from error
    settings = loaded.get("hyper_parameters", {}) if isinstance(loaded, dict) else {}
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise PackBuildFailed(f"{name} holds no state dict: take the published file.")
    return Checkpoint(dict(state), dict(settings))


def _read_safetensors(content: bytes, name: str) -> Checkpoint:
    import tempfile
    from pathlib import Path

    try:
        state = load(content)
        # Only the reader of files gives the header's metadata.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.safetensors"
            path.write_bytes(content)
            with safe_open(path, "pt") as file:
                settings = file.metadata() or {}
    except SafetensorError as error:
        raise PackBuildFailed(f"{name} is damaged: take the published file.") from error
    return Checkpoint(state, settings)
