"""Normalised scores, which mean the same for every face and every student.

Some faces resemble everybody, others nobody, so one threshold on the cosine is too low for the former and too high for
the latter. If a pack's statistics hold several photos per person, the score is a log-likelihood ratio: one person
versus two people (the two-covariance model of PLDA: Prince and Elder, ICCV 2007; Brümmer and de Villiers, Odyssey
2010). If they hold one photo per person, the cosine about the population's mean is divided by the scatter of both
sides' cosines to people in general, after the symmetric score normalisation of speaker verification (Kenny, Odyssey
2010). Both need a few matrices, but no cohort of faces.

A pack may have several embedding networks. Each one scores separately, and the score is their weighted sum.
"""

from dataclasses import dataclass, replace

import numpy as np

from muster.arrays import FloatArray, unit_rows
from muster.recognition.calibration import Calibration
from muster.recognition.gallery import Gallery
from muster.recognition.thresholds import IMPOSTOR_TAIL, Tail
from muster.recognition.two_covariance import TwoCovarianceModel

_NORMALISATION_STRENGTH = 0.5
"""Share of the scatter that is divided out: 0 leaves the centred cosine, 1 gives every face the same scatter.

With 300 registered, DIR at FPIR 0.1 % is 0.650 with 0, 0.702 with 0.5 and 0.680 with 1; with 30 registered, DIR at
1 % is 0.902, 0.920 and 0.907. A very high cosine is informative whatever the scatter
(docs/method.md).
"""

_PHOTO_STRENGTH = 10
"""Weight, in faces, of the population's mean relative to the faces of a photo, which share camera and light.

Marks of faces of 20 pixels rise by 6 to 7 points, those of larger ones by 0.2 to 0.8 (docs/method.md). A photo of one
face changes nothing: its face stays in the same direction from the mean.
"""

DEFAULT_CALIBRATION = Calibration()

_PRIOR_STRENGTH = 30
_PRIOR_SHARE = 0.5
"""Weight, in people, and share of the population's mean when it is averaged with the gallery's students.

Statistics of grey pictures fit colour photos badly: centred on them, strangers in colour photos score 0.94 on average
instead of 0. With these values they score 0.11, grey ones -0.02 to 0.00 in galleries of 5 to 300, and DIR at
FPIR 1 % on the grey ones falls by at most 0.006 (docs/method.md).
"""


@dataclass(frozen=True, eq=False, slots=True)
class NetworkPopulation:
    """The statistics of one network's embeddings, of length D, over people in general.

    Attributes:
        mean: float32 (D,), of unit embeddings.
        factor: float32 (D, R), R columns whose outer products add up to the covariance of centred unit embeddings.
        two_covariance: how photos of one person differ; None if the statistics hold one photo per person.
        weight: of the scores in the sum over the networks, above 0.
    """

    mean: FloatArray
    factor: FloatArray
    two_covariance: TwoCovarianceModel | None = None
    weight: float = 1.0

    def move_mean(self, embeddings: FloatArray, strength: float, share: float) -> "NetworkPopulation":
        """Average `share` of the mean, with the weight of `strength` faces, with the faces, float32 (M, D)."""
        total = strength * share * self.mean + embeddings.sum(axis=0)
        return replace(self, mean=(total / (strength + len(embeddings))).astype(np.float32))

    def project(self, embeddings: FloatArray) -> FloatArray:
        """Project embeddings, float32 (M, D), unit rows; see `Population.project`."""
        centred = unit_rows(embeddings - self.mean)
        if self.two_covariance is not None:
            return self.two_covariance.project(centred)
        scatter = np.linalg.norm(centred @ self.factor, axis=1, keepdims=True)
        # The root mean square of the scatter over people, tr(C^2)^(1/2), gives the scores unit deviation.
        typical = np.linalg.norm(self.factor.T @ self.factor)
        divisor = np.sqrt(scatter**_NORMALISATION_STRENGTH * typical ** (1 - _NORMALISATION_STRENGTH))
        projected: FloatArray = (centred / divisor).astype(np.float32)
        return projected

    def as_gallery_rows(self, projected: FloatArray) -> FloatArray:
        """Swap the last two columns, so that a dot product with projected rows yields the score."""
        if self.two_covariance is None:
            return projected
        return np.column_stack([projected[:, :-2], projected[:, -1], projected[:, -2]])


@dataclass(frozen=True, eq=False, slots=True)
class Population:
    """Statistics of a pack's embeddings over people in general (benchmarks/recognition/population_statistics.py).

    Attributes:
        networks: one per embedder of the pack; their blocks make up an embedding of D numbers.
        calibration: converts a normalised score to a log-likelihood ratio in nats.
        tail: how often the normalised score of a stranger against one student exceeds a value, as (chance, value)
            pairs, by descending chance.
    """

    networks: tuple[NetworkPopulation, ...]
    calibration: Calibration = DEFAULT_CALIBRATION
    tail: Tail = IMPOSTOR_TAIL

    @classmethod
    def from_network(
        cls, mean: FloatArray, factor: FloatArray, two_covariance: TwoCovarianceModel | None = None
    ) -> "Population":
        """Return the population of a pack with one network, without a calibration of its own."""
        return cls((NetworkPopulation(mean, factor, two_covariance),))

    @property
    def size(self) -> int:
        """Length of an embedding, D."""
        return sum(len(network.mean) for network in self.networks)

    def adapt_to_students(self, students: FloatArray) -> "Population":
        """Move the mean towards that of a gallery's students, because probes probably share their camera and light.

        Args:
            students: float32 (S, D), unit rows, one per student.
        """
        return self._move_means(students, _PRIOR_STRENGTH, _PRIOR_SHARE)

    def adapt_to_photo(self, faces: FloatArray) -> "Population":
        """Move the mean towards that of the faces of one photo, float32 (N, D), unit rows."""
        return self._move_means(faces, _PHOTO_STRENGTH, 1.0)

    def project(self, embeddings: FloatArray) -> FloatArray:
        """Project embeddings to rows whose products are scores.

        Args:
            embeddings: float32 (M, D), unit rows.

        Returns:
            float32 (M, E). The dot product of such a row with one of `as_gallery_rows` is the normalised score of the
            two faces. Over pairs of different people it has mean 0 and deviation 1.
        """
        return self._join([network.project(block) for network, block in self._blocks(embeddings)])

    def as_gallery_rows(self, projected: FloatArray) -> FloatArray:
        """Rearrange projected rows, float32 (M, E), so that a dot product with projected rows yields the score."""
        parts, first = [], 0
        for network in self.networks:
            model = network.two_covariance
            last = first + (len(network.mean) if model is None else len(model.reliability) + 2)
            parts.append(network.as_gallery_rows(projected[:, first:last]))
            first = last
        return np.concatenate(parts, axis=1)

    def _move_means(self, embeddings: FloatArray, strength: float, share: float) -> "Population":
        moved = [network.move_mean(block, strength, share) for network, block in self._blocks(embeddings)]
        return replace(self, networks=tuple(moved))

    def _blocks(self, embeddings: FloatArray) -> list[tuple[NetworkPopulation, FloatArray]]:
        """Split embeddings, float32 (M, D), by network, as unit rows."""
        ends = np.cumsum([len(network.mean) for network in self.networks])[:-1]
        blocks = np.split(embeddings, ends, axis=1)
        # A mean of several rows has blocks of unequal length, but each network must count by its weight alone.
        return [(network, unit_rows(block)) for network, block in zip(self.networks, blocks, strict=True)]

    def _join(self, projected: list[FloatArray]) -> FloatArray:
        weighted = [
            rows * np.float32(np.sqrt(network.weight)) for network, rows in zip(self.networks, projected, strict=True)
        ]
        return np.concatenate(weighted, axis=1)


@dataclass(frozen=True, eq=False, slots=True)
class PreparedGallery:
    """A gallery with the values that all its searches share.

    Attributes:
        population: adapted to the gallery.
        students: float32 (S, E), the mean view of each student, projected with that population, as gallery rows. A
            degraded probe comes near one degraded view of anybody, but not near their mean: with eight views DIR of
            such probes at FPIR 0.1 % is 0.45 by the best view and 0.58 by the mean.
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
        normalised: float32 (N, S), in standard deviations of a random person's score.
        ratios: float32 (N, S), calibrated log-likelihood ratios in nats, for decisions.
        scale: nats per unit of the normalised score.
    """

    normalised: FloatArray
    ratios: FloatArray
    scale: float


def prepare(gallery: Gallery, population: Population) -> PreparedGallery:
    """Project a gallery's students with the population of the same pack."""
    students = unit_rows(gallery.mean_views()) if gallery.size else np.empty((0, population.size), np.float32)
    adapted = population.adapt_to_students(students)
    return PreparedGallery(gallery, adapted, adapted.as_gallery_rows(adapted.project(students)))


def score(probes: FloatArray, prepared: PreparedGallery, *, same_photo: bool = True) -> Scores:
    """Compare faces, float32 (N, D), unit rows, with every student of a gallery.

    Args:
        same_photo: whether the faces come from one photo and so share camera and light.
    """
    population = prepared.population
    normalised = normalised_scores(probes, population, prepared.students, same_photo=same_photo)
    calibration = population.calibration
    return Scores(normalised, calibration.ratios(normalised), calibration.scale)


def normalised_scores(
    probes: FloatArray, population: Population, students: FloatArray, *, same_photo: bool = True
) -> FloatArray:
    """Return the normalised score of each face with each student, float32 (N, S).

    Args:
        probes: float32 (N, D), unit rows.
        population: adapted to the students.
        students: float32 (S, E), projected with that population, as gallery rows.
        same_photo: whether the faces come from one photo and so share camera and light.
    """
    centred = population.adapt_to_photo(probes) if same_photo else population
    scores: FloatArray = centred.project(probes) @ students.T
    return scores
