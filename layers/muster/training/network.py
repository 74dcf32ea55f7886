"""The head as a torch network."""

import numpy as np
import scipy.linalg
import torch
from torch import Tensor, nn

from muster.arrays import FloatArray
from muster.recognition.head import HEAD_SIZE, Head
from muster.training.variation import VariationModel

# Size of the constant coordinate relative to the usual size of the 63 others. With 0 the distance of a face from the
# average face is lost; towards infinity the cosine becomes a plain distance. Measured best of 0.3, 0.5, 0.7, 1, 2
# (docs/method.md).
_CONSTANT = 2.0


class HeadNetwork(nn.Module):
    """One linear layer, D numbers to 64-D, then unit length."""

    start: Tensor

    def __init__(self, weight: FloatArray, bias: FloatArray) -> None:
        """Start from given weights.

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
        """Continue from a trained head, with the drift penalty relative to the start of a full training.

        If it were relative to the head itself, a hundred updates could drift a hundred small steps
        (benchmarks/recognition/forgetting.py).
        """
        network = cls(head.weight, head.bias)
        network.start.copy_(cls.from_discriminant(variation).start)
        return network

    @classmethod
    def from_discriminant(cls, variation: VariationModel) -> "HeadNetwork":
        """Start from linear discriminant analysis.

        The first 63 coordinates are the directions in which people differ most relative to photos of one person. Each
        is weighted as in the two-covariance likelihood ratio: l / (2 l + 1) for a ratio l of the variances. The 64th is
        a constant.
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
        """Return the squared distance of the weights from the start of a full training, relative to its size."""
        return (self._flat() - self.start).square().sum() / self.start.square().sum()

    def parameters_as_arrays(self) -> tuple[FloatArray, FloatArray]:
        """Return weight, float32 (64, D), and bias, float32 (64,)."""
        return self.weight.detach().cpu().numpy().copy(), self.bias.detach().cpu().numpy().copy()

    def _flat(self) -> Tensor:
        return torch.cat([self.weight.flatten(), self.bias])
