"""The head as a torch network."""

import numpy as np
import scipy.linalg
import torch
from torch import Tensor, nn

from muster.arrays import FloatArray
from muster.recognition.head import HEAD_SIZE, Head
from muster.training.variation import VariationModel

# Size of the constant coordinate beside the usual size of the 63 others. At 0 a face's distance from the average face
# is forgotten, at infinity the cosine becomes a plain distance; measured best of 0.3, 0.5, 0.7, 1, 2
# (docs/method.md).
_CONSTANT = 2.0


class HeadNetwork(nn.Module):
    """One linear layer, D numbers to 64-D, then unit length."""

    start: Tensor

    def __init__(self, weight: FloatArray, bias: FloatArray) -> None:
        """Take the weights to start from.

        Args:
            weight: float32 (64, D).
            bias: float32 (64,).
        """
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(weight.copy()))
        self.bias = nn.Parameter(torch.from_numpy(bias.copy()))
        self.register_buffer("start", self._flat().detach().clone())

    @classmethod
    def from_head(cls, head: Head, variation: VariationModel) -> "HeadNetwork":
        """Continue from a trained head, held to where a full training would have started.

        Held to the head itself instead, a hundred updates in a row could wander a hundred small steps away
        (benchmarks/recognition/forgetting.py).
        """
        network = cls(head.weight, head.bias)
        network.start.copy_(cls.from_discriminant(variation).start)
        return network

    @classmethod
    def from_discriminant(cls, variation: VariationModel) -> "HeadNetwork":
        """Start from linear discriminant analysis.

        The 63 directions in which people differ most beside photos of one person, each weighted as in the likelihood
        ratio of the two-covariance model (l / (2 l + 1) for a ratio l of the variances), and a constant as the 64th.
        """
        ratios, vectors = scipy.linalg.eigh(variation.between, variation.within)
        best = slice(None, -HEAD_SIZE, -1)
        ratios, vectors = ratios[best], vectors[:, best]
        directions = variation.basis @ (vectors * np.sqrt(ratios / (2 * ratios + 1)))
        spread = variation.basis.T @ directions
        usual = np.sqrt(np.trace(spread.T @ (variation.between + variation.within) @ spread))
        weight = np.concatenate([directions.T, np.zeros((1, len(directions)))]) / usual
        bias = -weight @ variation.mean
        bias[-1] = _CONSTANT
        return cls(weight.astype(np.float32), bias.astype(np.float32))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Map embeddings (N, D) to (N, 64), unit rows."""
        return nn.functional.normalize(nn.functional.linear(embeddings, self.weight, self.bias), dim=1)

    def drift(self) -> Tensor:
        """Return how far the weights lie from a full training's start, squared and relative to its size."""
        return (self._flat() - self.start).square().sum() / self.start.square().sum()

    def parameters_as_arrays(self) -> tuple[FloatArray, FloatArray]:
        """Return weight, float32 (64, D), and bias, float32 (64,)."""
        return self.weight.detach().cpu().numpy().copy(), self.bias.detach().cpu().numpy().copy()

    def _flat(self) -> Tensor:
        return torch.cat([self.weight.flatten(), self.bias])
