"""Scores that mean the same for every face and every student.

Some faces resemble everybody, others nobody: one bar on the cosine is too low for the first and too high for the
second. Here a cosine is taken about the population's mean and divided by how far the cosines of either side with
people in general scatter: the symmetric score normalisation of speaker verification (Kenny, Odyssey 2010), with the
cohort's scatter worked out from the population's covariance, so that nobody's face is stored as a cohort.
"""

from dataclasses import dataclass

import numpy as np

from muster.recognition.gallery import FloatArray, Gallery


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """How M embeddings stand to people in general.

    Attributes:
        bias: float32 (M,), what the population's mean adds to the cosine of this embedding with any other.
        length: float32 (M,), distance from the population's mean.
        deviation: float32 (M,), standard deviation of the centred cosine with a random person.
    """

    bias: FloatArray
    length: FloatArray
    deviation: FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class Population:
    """What the embeddings of people in general look like; made by benchmarks/population_statistics.py.

    Attributes:
        mean: float32 (512,), of unit embeddings.
        factor: float32 (512, R), R columns whose outer products add up to the covariance of centred unit embeddings.
    """

    mean: FloatArray
    factor: FloatArray

    def standing(self, embeddings: FloatArray) -> Standing:
        """Place embeddings, float32 (M, 512), unit rows, among people in general."""
        centred = embeddings - self.mean
        length = np.linalg.norm(centred, axis=1)
        scatter = np.linalg.norm(centred @ self.factor, axis=1)
        bias = embeddings @ self.mean - np.float32(self.mean @ self.mean / 2)
        return Standing(bias, length, scatter / length)


@dataclass(frozen=True, eq=False, slots=True)
class PreparedGallery:
    """A gallery with what can be worked out once for all its searches.

    Attributes:
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
    return PreparedGallery(gallery, population, population.standing(gallery.embeddings))


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
    return Scores(similarity.T, normalised.T)


def _normalise(cosine: FloatArray, templates: Standing, rows: slice, probe: Standing) -> FloatArray:
    centred = cosine - templates.bias[rows, None] - probe.bias
    centred /= templates.length[rows, None] * probe.length
    centred *= 0.5 / templates.deviation[rows, None] + 0.5 / probe.deviation
    return centred
