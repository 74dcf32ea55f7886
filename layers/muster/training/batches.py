"""Class-balanced batches of template views, pseudo-photos and background people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_metric_learning.samplers import MPerClassSampler
from pytorch_metric_learning.utils import common_functions
from torch import Tensor

from muster.arrays import FloatArray
from muster.domain.student import Template
from muster.training.settings import TrainingSettings
from muster.training.variation import VariationModel


@dataclass(frozen=True, eq=False, slots=True)
class TrainingRows:
    """Template rows of C students.

    Attributes:
        embeddings: float32 (T, D), unit rows.
        labels: intp (T,), 0 to C - 1, ascending.
    """

    embeddings: FloatArray
    labels: NDArray[np.intp]

    @classmethod
    def from_templates(cls, templates: Sequence[Template]) -> "TrainingRows":
        """Stack the templates of different students, in their order."""
        return cls(
            np.concatenate([template.embeddings for template in templates]),
            np.repeat(np.arange(len(templates)), [len(template.embeddings) for template in templates]),
        )

    @property
    def count(self) -> int:
        """The number of students, C."""
        return int(self.labels[-1]) + 1


def training_batches(
    students: TrainingRows, variation: VariationModel, settings: TrainingSettings, random: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw endless batches: embeddings float32 (B, D), unit rows, and labels int64 (B,).

    A student contributes `views` template rows, chosen at random, and a pseudo-photo of each. A background person
    contributes the same number of pseudo-photos and has a unique label.
    """
    classes = min(settings.classes, students.count)
    by_class = MPerClassSampler(students.labels, settings.views, classes * settings.views, classes * settings.views)
    common_functions.NUMPY_RANDOM = np.random.RandomState(int(random.integers(2**31)))
    photos = 2 * settings.views
    background = students.count + np.repeat(np.arange(settings.background), photos)
    sampler = variation.training_sampler()
    while True:
        rows = np.fromiter(by_class, np.intp)
        chosen, labels = students.embeddings[rows], students.labels[rows]
        pseudo = sampler.sample_photos(chosen, 1, random)[:, 0]
        people = sampler.sample_strangers(settings.background, photos, random)
        embeddings = np.concatenate([chosen, pseudo, people.reshape(len(background), chosen.shape[1])])
        yield torch.from_numpy(embeddings), torch.from_numpy(np.concatenate([labels, labels, background]))
