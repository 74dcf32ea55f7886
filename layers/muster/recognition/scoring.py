"""Scores that mean the same for every face and every student.

Some faces resemble everybody, others nobody: one bar on the cosine is too low for the first and too high for the
second. Here a cosine is taken about the population's mean and divided by how far the cosines of either side with
people in general scatter, after the symmetric score normalisation of speaker verification (Kenny, Odyssey 2010).
The scatter follows from the population's covariance, so that nobody's face is stored as a cohort.
"""

from dataclasses import dataclass

import numpy as np

from muster.recognition.gallery import FloatArray, Gallery

_HALF_WAY = 0.5
"""How much of the scatter is divided out: 0 leaves the centred cosine, 1 gives every face the same scatter.

With 300 registered DIR at FPIR 0.1 % is 0.650 with 0, 0.702 with 0.5 and 0.680 with 1, at 30 students DIR at
1 % is 0.902, 0.920 and 0.907: a very high cosine tells something whatever the scatter
(benchmarks/population_statistics.py).
"""

_PRIOR_STRENGTH = 30
_PRIOR_SHARE = 0.5
"""The mean is taken as if half the population's mean had been seen on 30 people beside the gallery's students.

Statistics of grey pictures fit colour photos badly: centred on them, strangers in colour photos score 0.94 on average
instead of 0. With these two figures they score 0.11, grey ones -0.02 to 0.00 in galleries of 5 to 300, and DIR at
FPIR 1 % on the grey ones falls by at most 0.006 (benchmarks/population_statistics.py).
"""


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """How M embeddings stand to people in general.

    Attributes:
        bias: float32 (M,), what the population's mean adds to the cosine of this embedding with any other.
        scale: float32 (M,), what one unit of what is left counts: the two sides' scales are multiplied.
    """

    bias: FloatArray
    scale: FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class Population:
    """What the embeddings of people in general look like; made by benchmarks/population_statistics.py.

    Attributes:
        mean: float32 (512,), of unit embeddings.
        factor: float32 (512, R), R columns whose outer products add up to the covariance of centred unit embeddings.
    """

    mean: FloatArray
    factor: FloatArray

    def adapted_to(self, gallery: Gallery) -> "Population":
        """Move the mean towards that of a gallery's students, whose camera and light the probes are likely to share."""
        views = np.bincount(gallery.owners, minlength=gallery.size)
        weights = (1 / views[gallery.owners]).astype(np.float32)
        students = weights @ gallery.embeddings
        mean = (_PRIOR_STRENGTH * _PRIOR_SHARE * self.mean + students) / (_PRIOR_STRENGTH + gallery.size)
        return Population(mean.astype(np.float32), self.factor)

    def standing(self, embeddings: FloatArray) -> Standing:
        """Place embeddings, float32 (M, 512), unit rows, among people in general."""
        centred = embeddings - self.mean
        length = np.linalg.norm(centred, axis=1)
        scatter = np.linalg.norm(centred @ self.factor, axis=1) / length
        # The root mean square of the scatter over people, tr(C^2)^(1/2), brings the scores to unit deviation.
        typical = np.linalg.norm(self.factor.T @ self.factor)
        divisor = np.sqrt(scatter**_HALF_WAY * typical ** (1 - _HALF_WAY))
        bias = embeddings @ self.mean - np.float32(self.mean @ self.mean / 2)
        return Standing(bias, (1 / (length * divisor)).astype(np.float32))


@dataclass(frozen=True, eq=False, slots=True)
class PreparedGallery:
    """A gallery with what can be worked out once for all its searches.

    Attributes:
        population: adapted to the gallery.
        standing: of the gallery's T rows.
    """

    gallery: Gallery
    population: Population
    standing: Standing

    @property
    def size(self) -> int:
        """The number of students, S."""
        return self.gallery.size


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """N probes against S students.

    Attributes:
        similarity: float32 (N, S), cosine with the best view, for people to read.
        normalised: float32 (N, S), the best view's score in standard deviations of a random person's, for decisions.
    """

    similarity: FloatArray
    normalised: FloatArray


def prepare(gallery: Gallery, population: Population) -> PreparedGallery:
    """Work out how a gallery's templates stand to the population of the same pack."""
    adapted = population.adapted_to(gallery)
    return PreparedGallery(gallery, adapted, adapted.standing(gallery.embeddings))


def score(probes: FloatArray, prepared: PreparedGallery) -> Scores:
    """Compare probes, float32 (N, 512), unit rows, with every student of a gallery."""
    gallery, templates = prepared.gallery, prepared.standing
    probe = prepared.population.standing(probes)
    similarity = np.empty((gallery.size, len(probes)), np.float32)
    normalised = np.empty_like(similarity)
    for tile in gallery.tiles():
        cosine = gallery.embeddings[tile.rows] @ probes.T
        np.maximum.reduceat(cosine, tile.starts, axis=0, out=similarity[tile.students])
        scaled = _normalise(cosine, templates, tile.rows, probe)
        np.maximum.reduceat(scaled, tile.starts, axis=0, out=normalised[tile.students])
    return Scores(np.ascontiguousarray(similarity.T), np.ascontiguousarray(normalised.T))


def _normalise(cosine: FloatArray, templates: Standing, rows: slice, probe: Standing) -> FloatArray:
    score = cosine - templates.bias[rows, None]
    score -= probe.bias
    score *= templates.scale[rows, None]
    score *= probe.scale
    return score
