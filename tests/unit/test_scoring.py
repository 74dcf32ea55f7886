"""Normalised scores mean the same for every face."""

import numpy as np
import pytest
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.identifiers import PackId, StudentId
from muster.recognition.gallery import Gallery
from muster.recognition.scoring import Population, prepare, score

EMBEDDING_SIZE = 512


def unit(rows: NDArray[np.floating]) -> FloatArray:
    scaled: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def gallery_of(rows: FloatArray, views: int = 1) -> Gallery:
    students = len(rows) // views
    ids = tuple(StudentId(f"{index:04}") for index in range(students))
    return Gallery(ids, PackId("embedded"), rows, np.repeat(np.arange(students), views))


@pytest.fixture(scope="module")
def directions() -> FloatArray:
    """Deviations of the people's 512 coordinates: a few directions hold most of the variance, as in faces."""
    return (1 / np.sqrt(1 + np.arange(EMBEDDING_SIZE) / 8)).astype(np.float32)


def people(random: np.random.Generator, count: int, directions: FloatArray) -> FloatArray:
    # The mean of real embeddings has length 0.28; 1.7 among coordinates of length 5.8 gives the same.
    rows = random.standard_normal((count, EMBEDDING_SIZE)) * directions
    rows[:, 0] += 1.7
    return unit(rows)


def population_of(rows: FloatArray) -> Population:
    mean = rows.mean(axis=0)
    centred = unit(rows - mean)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    return Population.from_network(mean, (vectors * np.sqrt(np.maximum(values, 0))).astype(np.float32))


@pytest.mark.parametrize("students", [5, 30, 200, 2000])
def test_strangers_score_nought_with_deviation_one_in_galleries_of_any_size(
    directions: FloatArray, students: int
) -> None:

    random = np.random.default_rng(0)
    population = population_of(people(random, 4000, directions))
    prepared = prepare(gallery_of(people(random, students, directions)), population)
    normalised = score(people(random, 400, directions), prepared).normalised
    assert abs(normalised.mean()) < 0.4
    assert 0.85 < normalised.std() < 1.15


def test_a_gallery_of_one_student_is_searched(directions: FloatArray) -> None:
    random = np.random.default_rng(1)
    population = population_of(people(random, 1000, directions))
    templates = people(random, 1, directions)
    scores = score(
        np.concatenate([templates, people(random, 50, directions)]), prepare(gallery_of(templates), population)
    )
    assert scores.normalised[0, 0] > 2 * scores.normalised[1:, 0].max()


def test_a_student_of_several_views_is_scored_by_their_mean(directions: FloatArray) -> None:
    random = np.random.default_rng(2)
    population = population_of(people(random, 500, directions))
    templates, probes = people(random, 6, directions), people(random, 4, directions)
    means = unit(templates.reshape(3, 2, -1).mean(axis=1))
    several, single = prepare(gallery_of(templates, views=2), population), prepare(gallery_of(means), population)
    np.testing.assert_allclose(score(probes, several).normalised, score(probes, single).normalised, atol=1e-4)


def test_a_face_that_resembles_everybody_scores_lower_than_its_cosine_says(directions: FloatArray) -> None:
    random = np.random.default_rng(3)
    population = population_of(people(random, 2000, directions))
    common, rare = np.zeros((2, 1, EMBEDDING_SIZE))
    common[0, 1], rare[0, 400] = 1, 1
    projected = population.project(unit(np.concatenate([common, rare]) + population.networks[0].mean))
    assert np.linalg.norm(projected[0]) < np.linalg.norm(projected[1])


def test_students_with_many_views_do_not_pull_the_mean_more_than_others(directions: FloatArray) -> None:
    random = np.random.default_rng(4)
    population = population_of(people(random, 500, directions))
    rows = people(random, 3, directions)
    once = gallery_of(rows)
    owners = np.array([0, 0, 0, 0, 1, 2])
    repeated = Gallery(once.student_ids, once.pack, rows[owners], owners)
    np.testing.assert_allclose(
        prepare(once, population).population.networks[0].mean,
        prepare(repeated, population).population.networks[0].mean,
        atol=1e-6,
    )


def test_an_empty_gallery_and_a_photo_without_faces_are_no_special_case(directions: FloatArray) -> None:
    random = np.random.default_rng(5)
    rows = people(random, 10, directions)
    population = population_of(rows)
    assert score(rows, prepare(gallery_of(rows[:0]), population)).normalised.shape == (10, 0)
    assert score(rows[:0], prepare(gallery_of(rows), population)).normalised.shape == (0, 10)
