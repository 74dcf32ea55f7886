"""A model of the variation of embeddings: one covariance between people, one between photos of one person.

One registration photo does not show how a person looks on another day. Photos of other people do: the difference of
two photos of one person has much the same covariance for everyone (the two-covariance model of PLDA: Prince and
Elder, ICCV 2007; Brümmer and de Villiers, Odyssey 2010). Drawing from it gives pseudo-photos of a student, and whole
background people, without storing anyone's face.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from muster.arrays import DoubleArray, FloatArray, unit_rows
from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.recognition.two_covariance import covariance, make_positive_definite, pool_scatter, shrink

# Share of the population covariance that the basis may leave out: FaceNet's 85 largest directions hold all but 2e-4,
# those of FaceNet and MobileFaceNet together need some 150 (benchmarks/recognition/within_class_statistics.py).
_LEFT_OUT = 2e-4
_MAX_DIRECTIONS = 160

# Shrinkage of the covariances towards a multiple of the identity. With only a few hundred people to learn from,
# the unshrunk within-person covariance costs accuracy; chosen on the development people (docs/method.md).
_WITHIN_SHRINKAGE = 0.7
_BETWEEN_SHRINKAGE = 0.3

# The judge's covariance is shrunk only as far as sampling needs: the judge must not share training's assumption.
_CHECK_SHRINKAGE = 0.1

# A few photos are much less like their person than most, so drawn photos follow a multivariate t distribution with this
# many degrees of freedom, and their spread is widened by this factor. Then drawn photos are as hard as real ones for
# stage 1: on development people rank-1 is 0.978 and 0.981 with them and 0.977 and 0.985 with real photos, where
# Gaussian ones give 0.998 and more (benchmarks/recognition/gate.py).
_FREEDOM = 4.0
_WIDENING = 1.15

# Without a shipped file, the assumed ratio of the spread within a person to the spread between people:
# the ratio of the two traces among the development people (benchmarks/recognition/within_class_statistics.py).
_WITHIN_SHARE = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class VariationModel:
    """A Gaussian model of unit embeddings: person about `mean`, photo about person.

    Attributes:
        mean: float32 (D,), of people in general.
        basis: float32 (D, K), orthonormal columns: the directions in which embeddings vary.
        between: float32 (K, K), covariance of people, in the basis.
        within: float32 (K, K), covariance of the photos of one person, for training.
        within_check: float32 (K, K), the same from other people, for judging the trained head.
    """

    mean: FloatArray
    basis: FloatArray
    between: FloatArray
    within: FloatArray
    within_check: FloatArray

    @classmethod
    def estimate(cls, embeddings: FloatArray, people: NDArray[np.intp], check: NDArray[np.bool_]) -> "VariationModel":
        """Estimate the model from photos of many people, some with several each.

        Args:
            embeddings: float32 (M, D), unit rows.
            people: intp (M,), 0 to P - 1, the person of each row.
            check: bool (P,), the people used for `within_check`; the others are used for `within`.
        """
        pooled = pool_scatter(embeddings.astype(np.float64), people)
        judging = check[pooled.people]
        return cls._in_basis(
            pooled.means.mean(axis=0),
            pooled.total,
            covariance(pooled.residuals[~judging]),
            covariance(pooled.residuals[judging]),
        )

    @classmethod
    def from_templates(cls, templates: Sequence[Template]) -> "VariationModel":
        """Estimate the model from the templates themselves, for a pack that ships no statistics.

        The shape of the variation within a person is then that of the augmented views, and its size a fixed share of
        the variation between people.
        """
        first = np.stack([template.embeddings[0] for template in templates]).astype(np.float64)
        mean = first.mean(axis=0)
        total = covariance(first - mean)
        total += np.trace(total) / len(total) * 0.1 * np.eye(len(total))
        residuals = np.concatenate([t.embeddings - t.embeddings.mean(axis=0) for t in templates])
        within = covariance(residuals.astype(np.float64)) + 1e-3 * total
        within *= _WITHIN_SHARE * np.trace(total) / np.trace(within)
        return cls._in_basis(mean, total, within, within)

    @classmethod
    def _in_basis(
        cls,
        mean: DoubleArray,
        total: DoubleArray,
        within: DoubleArray,
        within_check: DoubleArray,
    ) -> "VariationModel":
        values, vectors = np.linalg.eigh(total)
        held = np.cumsum(np.maximum(values[::-1], 0))
        count = min(int(np.searchsorted(held, (1 - _LEFT_OUT) * held[-1])) + 1, _MAX_DIRECTIONS)
        basis = vectors[:, ::-1][:, :count]
        spread = np.diag(values[::-1][:count])
        within, within_check = basis.T @ within @ basis, basis.T @ within_check @ basis
        return cls(
            mean.astype(np.float32),
            basis.astype(np.float32),
            shrink(make_positive_definite(spread - (within + within_check) / 2), _BETWEEN_SHRINKAGE).astype(np.float32),
            shrink(within, _WITHIN_SHRINKAGE).astype(np.float32),
            shrink(within_check, _CHECK_SHRINKAGE).astype(np.float32),
        )

    @classmethod
    def load(cls, data: bytes) -> "VariationModel":
        """Read what `to_bytes` wrote."""
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            return cls(**{name: arrays[name].astype(np.float32) for name in cls.__slots__})

    def to_bytes(self) -> bytes:
        """Return the model as an .npz file."""
        buffer = BytesIO()
        np.savez_compressed(buffer, **{name: getattr(self, name) for name in self.__slots__})
        return buffer.getvalue()

    def training_sampler(self) -> "PseudoPhotoSampler":
        """Return the sampler of the faces for training."""
        return PseudoPhotoSampler.from_model(self, self.within)

    def judging_sampler(self) -> "PseudoPhotoSampler":
        """Return the sampler of the faces that a head is judged by."""
        return PseudoPhotoSampler.from_model(self, self.within_check)


@dataclass(frozen=True, eq=False, slots=True)
class PseudoPhotoSampler:
    """Draws faces that are as hard to recognise as real ones; computes the matrices that every draw needs once.

    Attributes:
        mean: float32 (D,).
        basis: float32 (D, K).
        person, photo: float32 (K, K), roots of the covariances of people and of the photos of one person.
        known: float32 (D, K), maps a centred embedding to the expected person.
        other: float32 (K, K), root of the covariance of another photo about that expectation.
    """

    mean: FloatArray
    basis: FloatArray
    person: FloatArray
    photo: FloatArray
    known: FloatArray
    other: FloatArray

    @classmethod
    def from_model(cls, variation: VariationModel, within: FloatArray) -> "PseudoPhotoSampler":
        """Prepare to draw photos with the covariance `within`, float32 (K, K), about a person."""
        gain = np.linalg.solve(variation.between + within, variation.between)
        other = variation.between - variation.between @ gain + within
        return cls(
            variation.mean,
            variation.basis,
            _root(variation.between),
            _root(within),
            np.asarray(variation.basis @ gain, np.float32),
            _root(other),
        )

    def sample_strangers(self, count: int, photos: int, random: np.random.Generator) -> FloatArray:
        """Draw people who do not exist.

        Returns:
            float32 (count, photos, D), unit rows.
        """
        size = self.basis.shape[1]
        person = random.standard_normal((count, 1, size), np.float32) @ self.person
        photo = _heavy_tailed((count, photos, size), random) @ self.photo
        return self._embedding(person + photo)

    def sample_photos(self, embeddings: FloatArray, photos: int, random: np.random.Generator) -> FloatArray:
        """Draw other photos of people, given one embedding each, float32 (N, D), unit rows.

        For each photo, the person is drawn given the known embedding, then the photo given the person.

        Returns:
            float32 (N, photos, D), unit rows.
        """
        known = (embeddings - self.mean) @ self.known
        drawn = _heavy_tailed((len(embeddings), photos, self.basis.shape[1]), random) @ self.other
        return self._embedding(known[:, None] + drawn)

    def _embedding(self, coordinates: FloatArray) -> FloatArray:
        rows = coordinates @ self.basis.T + self.mean
        return unit_rows(rows.astype(np.float32, copy=False))


def _heavy_tailed(shape: tuple[int, int, int], random: np.random.Generator) -> FloatArray:
    """Draw rows of a multivariate t distribution whose covariance is the identity, widened."""
    lengths = np.sqrt((_FREEDOM - 2) / random.chisquare(_FREEDOM, (*shape[:2], 1)))
    rows: FloatArray = random.standard_normal(shape, np.float32) * (_WIDENING * lengths).astype(np.float32)
    return rows


def load_variation_model(pack: PackId) -> VariationModel | None:
    """Return the variation model that ships with a pack, or None if none does.

    The file is in `muster/packs/data`, under the pack's name, which is the id up to its last hyphen.
    """
    shipped = files("muster.packs") / "data" / f"{pack.rpartition('-')[0]}_within.npz"
    return VariationModel.load(shipped.read_bytes()) if shipped.is_file() else None


def _root(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T, np.float32)
