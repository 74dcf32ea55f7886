"""Where torch computes, chosen once by each entry point."""

import torch


def fastest_device() -> str:
    """Return `cuda` where there is a GPU that this build of torch can use, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"
