"""Scores that mean the same for every face and every student.

Some faces resemble everybody, others nobody: one bar on the cosine is too low for the first and too high for the
second. Where a pack knows how photos of one person differ, the score is the logarithm of how much likelier two
embeddings are if one person made both than if two people did (the two-covariance model of PLDA: Prince and Elder, ICCV
2007; Brümmer and de Villiers, Odyssey 2010). Where it knows only how people differ, a cosine about the population's
mean is divided by how far the cosines of either side with people in general scatter, after the symmetric score
normalisation of speaker verification (Kenny, Odyssey 2010). Both need a few matrices and nobody's face as a cohort.

A pack may have several embedding networks. Each scores on its own, and the weighted sum of their scores counts.
"""

from dataclasses import dataclass, replace

import numpy as np

from muster.recognition.calibration import Calibration
from muster.recognition.gallery import FloatArray, Gallery
from muster.recognition.thresholds import IMPOSTOR_TAIL, Tail

_HALF_WAY = 0.5
"""How much of the scatter is divided out: 0 leaves the centred cosine, 1 gives every face the same scatter.

With 300 registered DIR at FPIR 0.1 % is 0.650 with 0, 0.702 with 0.5 and 0.680 with 1, at 30 students DIR at
1 % is 0.902, 0.920 and 0.907: a very high cosine tells something whatever the scatter
(docs/method.md).
"""

_PHOTO_STRENGTH = 10
"""Faces that the population's mean counts for beside those of a photo, whose camera and light they share.

Faces of 20 pixels gain 6 to 7 points of marks, larger ones 0.2 to 0.8 (docs/method.md). A photo of one face
changes nothing: its face stays in the same direction from the mean.
"""

DEFAULT_CALIBRATION = Calibration()

_PRIOR_STRENGTH = 30
_PRIOR_SHARE = 0.5
"""The mean is taken as if half the population's mean had been seen on 30 people beside the gallery's students.

Statistics of grey pictures fit colour photos badly: centred on them, strangers in colour photos score 0.94 on average
instead of 0. With these two figures they score 0.11, grey ones -0.02 to 0.00 in galleries of 5 to 300, and DIR at
FPIR 1 % on the grey ones falls by at most 0.006 (docs/method.md).
"""


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """What tells one person from two; made by benchmarks/population_statistics.py.

    In the directions that make both covariances, of people and of the photos of one person, diagonal at once, the
    likelihood ratio of the two-covariance model is a product of the two faces less a cost of each.

    Attributes:
        directions: float32 (D, K), from a centred unit embedding to coordinates whose products add up.
        reliability: float32 (K,), 0 to 1: the share of a direction's variance that is between people.
        centre: the log-likelihood ratio of two different people on average, and
        deviation: its standard deviation, above 0.
    """

    directions: FloatArray
    reliability: FloatArray
    centre: float
    deviation: float

    def placed(self, centred: FloatArray) -> FloatArray:
        """Place centred embeddings, float32 (M, D), unit rows, as float32 (M, K + 2), for `Population.placed`."""
        coordinates = centred @ self.directions / np.float32(np.sqrt(self.deviation))
        cost = np.square(coordinates) @ self.reliability / 2 + self.centre / (2 * self.deviation)
        return np.column_stack([coordinates, -cost, np.ones_like(cost)]).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False, slots=True)
class NetworkPopulation:
    """What one network's embeddings, of length D, of people in general look like.

    Attributes:
        mean: float32 (D,), of unit embeddings.
        factor: float32 (D, R), R columns whose outer products add up to the covariance of centred unit embeddings.
        evidence: how photos of one person differ beside that; None where no one has several photos in the statistics.
        weight: with which the scores count in the sum over the networks, above 0.
    """

    mean: FloatArray
    factor: FloatArray
    evidence: Evidence | None = None
    weight: float = 1.0

    def moved(self, embeddings: FloatArray, strength: float, share: float) -> "NetworkPopulation":
        """Take the mean as if `share` of it had been seen on `strength` faces beside these, float32 (M, D)."""
        total = strength * share * self.mean + embeddings.sum(axis=0)
        return replace(self, mean=(total / (strength + len(embeddings))).astype(np.float32))

    def placed(self, embeddings: FloatArray) -> FloatArray:
        """Place embeddings, float32 (M, D), unit rows, for `Population.placed`."""
        centred = _unit(embeddings - self.mean)
        if self.evidence is not None:
            return self.evidence.placed(centred)
        scatter = np.linalg.norm(centred @ self.factor, axis=1, keepdims=True)
        # The root mean square of the scatter over people, tr(C^2)^(1/2), brings the scores to unit deviation.
        typical = np.linalg.norm(self.factor.T @ self.factor)
        divisor = np.sqrt(scatter**_HALF_WAY * typical ** (1 - _HALF_WAY))
        placed: FloatArray = (centred / divisor).astype(np.float32)
        return placed

    def turned(self, placed: FloatArray) -> FloatArray:
        """Make of placed rows what other placed rows can be multiplied with."""
        if self.evidence is None:
            return placed
        return np.column_stack([placed[:, :-2], placed[:, -1], placed[:, -2]])


@dataclass(frozen=True, eq=False, slots=True)
class Population:
    """What a pack's embeddings of people in general look like; made by benchmarks/population_statistics.py.

    Attributes:
        networks: one for each of the pack's embedders, whose blocks make up an embedding of D numbers.
        calibration: makes a log-likelihood ratio in nats of a normalised score.
        tail: how often the normalised score of a stranger against one student exceeds a value, as (chance, value)
            pairs, by falling chance.
    """

    networks: tuple[NetworkPopulation, ...]
    calibration: Calibration = DEFAULT_CALIBRATION
    tail: Tail = IMPOSTOR_TAIL

    @classmethod
    def of_one(cls, mean: FloatArray, factor: FloatArray, evidence: Evidence | None = None) -> "Population":
        """Return the population of a pack with one network that nobody calibrated."""
        return cls((NetworkPopulation(mean, factor, evidence),))

    @property
    def size(self) -> int:
        """Length of an embedding, D."""
        return sum(len(network.mean) for network in self.networks)

    def adapted_to(self, students: FloatArray) -> "Population":
        """Move the mean towards that of a gallery's students, whose camera and light the probes are likely to share.

        Args:
            students: float32 (S, D), unit rows, one per student.
        """
        return self._moved(students, _PRIOR_STRENGTH, _PRIOR_SHARE)

    def adapted_to_photo(self, faces: FloatArray) -> "Population":
        """Move the mean towards that of the faces of one photo, float32 (N, D), unit rows."""
        return self._moved(faces, _PHOTO_STRENGTH, 1.0)

    def placed(self, embeddings: FloatArray) -> FloatArray:
        """Place embeddings among people in general.

        Args:
            embeddings: float32 (M, D), unit rows.

        Returns:
            float32 (M, E); the product of a row with another that was `turned` is the normalised score of the two
            faces, which over pairs of different people has mean 0 and deviation 1.
        """
        return self._joined([network.placed(block) for network, block in self._blocks(embeddings)])

    def turned(self, placed: FloatArray) -> FloatArray:
        """Make of placed rows, float32 (M, E), what other placed rows can be multiplied with."""
        turned, first = [], 0
        for network in self.networks:
            last = first + (len(network.mean) if network.evidence is None else len(network.evidence.reliability) + 2)
            turned.append(network.turned(placed[:, first:last]))
            first = last
        return np.concatenate(turned, axis=1)

    def _moved(self, embeddings: FloatArray, strength: float, share: float) -> "Population":
        moved = [network.moved(block, strength, share) for network, block in self._blocks(embeddings)]
        return replace(self, networks=tuple(moved))

    def _blocks(self, embeddings: FloatArray) -> list[tuple[NetworkPopulation, FloatArray]]:
        """Cut embeddings, float32 (M, D), into each network's, unit rows."""
        ends = np.cumsum([len(network.mean) for network in self.networks])[:-1]
        blocks = np.split(embeddings, ends, axis=1)
        # A mean of several rows has blocks of unequal length, and each network counts by its weight alone.
        return [(network, _unit(block)) for network, block in zip(self.networks, blocks, strict=True)]

    def _joined(self, placed: list[FloatArray]) -> FloatArray:
        weighted = [
            rows * np.float32(np.sqrt(network.weight)) for network, rows in zip(self.networks, placed, strict=True)
        ]
        return np.concatenate(weighted, axis=1)


@dataclass(frozen=True, eq=False, slots=True)
class PreparedGallery:
    """A gallery with what can be worked out once for all its searches.

    Attributes:
        population: adapted to the gallery.
        students: float32 (S, E), the mean view of each student, placed in that population and turned. A degraded probe
            comes near to one degraded view of anybody, not to their mean: with eight views DIR of such probes at
            FPIR 0.1 % is 0.45 by the best view and 0.58 by the mean.
    """

    gallery: Gallery
    population: Population
    students: FloatArray

    @property
    def size(self) -> int:
        """The number of students, S."""
        return self.gallery.size


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """N probes against S students.

    Attributes:
        similarity: float32 (N, S), cosine with the best view, for people to read: the mean over the networks.
        normalised: float32 (N, S), in standard deviations of a random person's score.
        ratios: float32 (N, S), calibrated log-likelihood ratios in nats, for decisions.
        scale: nats per unit of the normalised score.
    """

    similarity: FloatArray
    normalised: FloatArray
    ratios: FloatArray
    scale: float


def prepare(gallery: Gallery, population: Population) -> PreparedGallery:
    """Place a gallery's students in the population of the same pack."""
    students = _unit(gallery.mean_views()) if gallery.size else np.empty((0, population.size), np.float32)
    adapted = population.adapted_to(students)
    return PreparedGallery(gallery, adapted, adapted.turned(adapted.placed(students)))


def score(probes: FloatArray, prepared: PreparedGallery, *, same_photo: bool = True) -> Scores:
    """Compare faces, float32 (N, D), unit rows, with every student of a gallery.

    Args:
        same_photo: whether these are all faces of one photo, which share its camera and light; false for faces of
            unrelated photos.
    """
    population = prepared.population
    centred = population.adapted_to_photo(probes) if same_photo else population
    normalised = centred.placed(probes) @ prepared.students.T
    calibration = population.calibration
    return Scores(prepared.gallery.similarity(probes), normalised, calibration.ratios(normalised), calibration.scale)


def _unit(rows: FloatArray) -> FloatArray:
    unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
