"""The device that torch computes on, chosen once by each entry point."""

import torch


def fastest_device() -> str:
    """Return `cuda` if this build of torch can use a GPU, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"
