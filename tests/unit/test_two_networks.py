"""Scores of a pack with several networks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from muster.arrays import FloatArray
from muster.composition.training import population_of
from muster.domain.identifiers import PackId, StudentId
from muster.packs.load import load_statistics
from muster.packs.manifest import shipped_spec
from muster.packs.statistics import neutral_statistics, read_statistics, statistics_bytes
from muster.recognition.calibration import Calibration
from muster.recognition.gallery import Gallery
from muster.recognition.scoring import Population, prepare, score
from muster.recognition.thresholds import Thresholds
from muster.vision.embedder import join_embeddings

SIZES = (512, 192)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Population:
    """The statistics of the default pack."""
    return population_of(load_statistics(shipped_spec("embedded"), tmp_path_factory.mktemp("home")))


def blocks(count: int, seed: int) -> list[FloatArray]:
    """Draw unit rows for each network, float32 (count, size)."""
    random = np.random.default_rng(seed)
    drawn = [random.standard_normal((count, size)).astype(np.float32) for size in SIZES]
    return [np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32) for rows in drawn]


def gallery_of(rows: FloatArray) -> Gallery:
    ids = tuple(StudentId(f"{index:04}") for index in range(len(rows)))
    return Gallery(ids, PackId("embedded-2"), rows, np.arange(len(rows)))


def test_the_score_is_the_weighted_sum_of_the_networks_scores(shipped: Population) -> None:
    faces, students = blocks(5, 1), blocks(7, 2)
    found = score(join_embeddings(faces), prepare(gallery_of(join_embeddings(students)), shipped), same_photo=False)
    alone = [
        score(seen, prepare(gallery_of(known), Population((replace(network, weight=1.0),))), same_photo=False)
        for seen, known, network in zip(faces, students, shipped.networks, strict=True)
    ]
    weights = [network.weight for network in shipped.networks]
    expected = sum(weight * scores.normalised for weight, scores in zip(weights, alone, strict=True))
    np.testing.assert_allclose(found.normalised, expected, atol=1e-3)
    cosine = gallery_of(join_embeddings(students)).similarity(join_embeddings(faces))
    mean = sum(gallery_of(known).similarity(seen) for seen, known in zip(faces, students, strict=True)) / 2
    np.testing.assert_allclose(cosine, mean, atol=1e-5)
    calibration = shipped.calibration
    np.testing.assert_allclose(found.ratios, calibration.scale * found.normalised + calibration.offset, atol=1e-3)


def test_a_template_of_several_views_counts_each_network_by_its_weight_alone(shipped: Population) -> None:
    """The views of one network may differ more than those of the other, and their mean is then shorter."""
    first, second = blocks(2, 3)
    same = np.repeat(second[:1], 2, axis=0)
    views = join_embeddings([first, same])
    several = Gallery((StudentId("s"),), PackId("embedded-2"), views, np.zeros(2, np.intp))
    mean = first.mean(axis=0, keepdims=True)
    single = gallery_of(join_embeddings([mean / np.linalg.norm(mean), second[:1]]))
    probes = join_embeddings(blocks(4, 4))
    one, other = (score(probes, prepare(gallery, shipped)).normalised for gallery in (several, single))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_a_photo_of_one_face_is_scored_as_if_nothing_was_known_of_the_photo(shipped: Population) -> None:
    prepared = prepare(gallery_of(join_embeddings(blocks(20, 5))), shipped)
    face = join_embeddings(blocks(1, 6))
    together, alone = score(face, prepared), score(face, prepared, same_photo=False)
    np.testing.assert_allclose(together.normalised, alone.normalised, atol=1e-3)


def test_what_all_faces_of_a_photo_have_in_common_counts_for_less(shipped: Population) -> None:
    """Light that makes every face of the photo resemble one student a little."""
    students = blocks(10, 7)
    lit = [rows + 0.5 * known[:1] for rows, known in zip(blocks(30, 8), students, strict=True)]
    faces = join_embeddings(
        [np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32) for rows in lit]
    )
    prepared = prepare(gallery_of(join_embeddings(students)), shipped)
    together, apart = score(faces, prepared), score(faces, prepared, same_photo=False)
    assert together.normalised[:, 0].mean() < apart.normalised[:, 0].mean() - 0.3


def test_the_bar_of_the_duplicate_search_is_the_packs_own(shipped: Population) -> None:
    alone = population_of(load_statistics(shipped_spec("embedded-facenet"), Path("none")))
    assert shipped.tail != alone.tail
    chance, value = shipped.tail[3]
    assert Thresholds(present_fpir=chance).present(1, shipped.tail) == pytest.approx(value, abs=1e-3)


def test_statistics_are_read_as_they_were_written() -> None:
    shipped = load_statistics(shipped_spec("embedded"), Path("none"))
    content = statistics_bytes(shipped)
    again = read_statistics(content, SIZES)
    assert statistics_bytes(again) == content
    np.testing.assert_array_equal(again.networks[1].mean, shipped.networks[1].mean)
    for other in ((192, 512), (512,), (512, 192, 64)):
        with pytest.raises(ValueError, match="were expected"):
            read_statistics(content, other)


def test_a_pack_without_calibration_gets_the_default() -> None:
    population = population_of(neutral_statistics(0.18, SIZES))
    assert population.calibration == Calibration()
    rows = join_embeddings(blocks(6, 9))
    projected = population.project(rows)
    found = (projected @ population.as_gallery_rows(projected).T)[np.triu_indices(6, 1)]
    # The sum of two independent scores over the root of 2, each the cosine in deviations.
    cosines = (rows @ rows.T)[np.triu_indices(6, 1)] * 2
    np.testing.assert_allclose(found, cosines / 0.18 / np.sqrt(2), rtol=1e-3, atol=1e-3)
