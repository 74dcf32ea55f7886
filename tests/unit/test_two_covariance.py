"""The likelihood ratio of one person against two, on people drawn from known covariances and with what ships."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.composition.training import population_of
from muster.domain.identifiers import PackId, StudentId
from muster.packs.load import load_statistics
from muster.packs.manifest import shipped_spec
from muster.packs.statistics import NetworkStatistics, PackStatistics
from muster.recognition.gallery import Gallery
from muster.recognition.scoring import Population, prepare, score
from muster.recognition.two_covariance import TwoCovarianceModel, estimate_two_covariance

EMBEDDING_SIZE = 512
SPREAD = np.where(np.arange(EMBEDDING_SIZE) < 60, 1 / np.sqrt(1 + np.arange(EMBEDDING_SIZE) / 8), 0)
# What changes from photo to photo lies in other directions than what tells people apart.
CHANGE = np.where(np.arange(EMBEDDING_SIZE) < 60, 0.7 * np.sqrt(np.arange(EMBEDDING_SIZE) / 60), 0)


def unit(rows: NDArray[np.floating]) -> FloatArray:
    scaled: FloatArray = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def photos(random: np.random.Generator, people: int, each: int) -> FloatArray:
    """Draw photos of people who do not exist, float32 (people, each, 512)."""
    person = random.standard_normal((people, 1, EMBEDDING_SIZE)) * SPREAD
    rows = person + random.standard_normal((people, each, EMBEDDING_SIZE)) * CHANGE
    rows[..., 0] += 1.0
    return unit(rows)


def population_of_drawn() -> Population:
    drawn = photos(np.random.default_rng(0), 1500, 3)
    mean = drawn[:, 0].mean(axis=0)
    centred = unit(drawn[:, 0] - mean)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    factor = (vectors * np.sqrt(np.maximum(values, 0))).astype(np.float32)
    rows = drawn.reshape(-1, EMBEDDING_SIZE)
    return Population.from_network(mean, factor, estimate_two_covariance(rows, np.repeat(np.arange(1500), 3), mean))


@pytest.fixture(scope="module")
def population() -> Population:
    return population_of_drawn()


def without_evidence(population: Population) -> Population:
    return replace(population, networks=tuple(replace(network, two_covariance=None) for network in population.networks))


def gallery_of(rows: FloatArray) -> Gallery:
    return Gallery(
        tuple(StudentId(f"{index:04}") for index in range(len(rows))), PackId("embedded"), rows, np.arange(len(rows))
    )


@pytest.mark.parametrize("students", [5, 30, 300])
def test_strangers_score_nought_with_deviation_one(population: Population, students: int) -> None:
    random = np.random.default_rng(1)
    prepared = prepare(gallery_of(photos(random, students, 1)[:, 0]), population)
    normalised = score(photos(random, 400, 1)[:, 0], prepared).normalised
    assert abs(normalised.mean()) < 0.4
    assert 0.8 < normalised.std() < 1.2


def test_a_score_is_the_log_likelihood_ratio_of_two_gaussians(population: Population) -> None:
    model = population.networks[0].two_covariance
    assert model is not None
    one, other = photos(np.random.default_rng(2), 2, 1)[:, 0]
    # Coordinates in which photos of one person have unit variance and people the variance `ratios`.
    ratios = model.reliability.astype(float) / (1 - model.reliability)
    scale = np.sqrt(ratios / (2 * ratios + 1))
    x, y = (unit(row - population.networks[0].mean) @ model.directions / scale for row in (one, other))

    def log_density(rows: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
        """Sum over the directions, each with its own 2 x 2 covariance, up to a constant."""
        weighed = np.einsum("ik,kij,jk->", rows, np.linalg.inv(covariance), rows)
        return float(-(weighed + np.log(np.linalg.det(covariance)).sum()) / 2)

    alone, shared = (ratios + 1)[:, None, None] * np.eye(2), ratios[:, None, None] * (np.ones((2, 2)) - np.eye(2))
    pair = np.stack([x, y]).astype(float)
    constant = np.log(np.linalg.det(alone + shared)).sum() / 2 - np.log(np.linalg.det(alone)).sum() / 2
    ratio = log_density(pair, alone + shared) - log_density(pair, alone) + constant
    projected = population.project(np.stack([one, other]))
    found = float((projected[:1] @ population.as_gallery_rows(projected)[1:].T)[0, 0])
    assert found == pytest.approx((ratio - model.centre) / model.deviation, abs=1e-3)


def test_it_does_not_matter_which_of_two_faces_is_the_student(population: Population) -> None:
    projected = population.project(photos(np.random.default_rng(3), 6, 1)[:, 0])
    scores = projected @ population.as_gallery_rows(projected).T
    np.testing.assert_allclose(scores, scores.T, atol=1e-4)


def test_knowing_how_photos_differ_names_more_faces_rightly(population: Population) -> None:
    drawn = photos(np.random.default_rng(4), 400, 2)

    def rank_1(known: Population) -> float:
        normalised = score(drawn[:, 1], prepare(gallery_of(drawn[:, 0]), known)).normalised
        return float((normalised.argmax(axis=1) == np.arange(len(drawn))).mean())

    assert rank_1(population) > rank_1(without_evidence(population)) + 0.02


def test_an_empty_gallery_and_a_photo_without_faces_are_no_special_case(population: Population) -> None:
    rows = photos(np.random.default_rng(5), 4, 1)[:, 0]
    assert score(rows, prepare(gallery_of(rows[:0]), population)).normalised.shape == (4, 0)
    assert score(rows[:0], prepare(gallery_of(rows), population)).normalised.shape == (0, 4)


def test_nothing_is_learnt_where_nobody_has_two_photos() -> None:
    rows = photos(np.random.default_rng(6), 20, 1)[:, 0]
    with pytest.raises(ValueError, match="nobody has two photos"):
        estimate_two_covariance(rows, np.arange(20), rows.mean(axis=0))


def test_a_pack_with_one_photo_a_person_does_without_evidence(tmp_path: Path) -> None:
    shipped = load_statistics(shipped_spec("embedded"), tmp_path).networks
    plain = PackStatistics(tuple(NetworkStatistics(network.mean, network.factor) for network in shipped))
    assert [network.two_covariance for network in population_of(plain).networks] == [None, None]


@pytest.mark.parametrize(("name", "sizes"), [("embedded", [512, 192]), ("embedded-facenet", [512])])
def test_the_shipped_evidence_is_complete(name: str, sizes: list[int], tmp_path: Path) -> None:
    networks = population_of(load_statistics(shipped_spec(name), tmp_path)).networks
    assert [len(network.mean) for network in networks] == sizes
    for network in networks:
        model = network.two_covariance
        assert isinstance(model, TwoCovarianceModel)
        assert model.directions.shape == (len(network.mean), len(model.reliability))
        assert ((model.reliability > 0) & (model.reliability < 1)).all()
        assert model.deviation > 0
        assert network.weight > 0
