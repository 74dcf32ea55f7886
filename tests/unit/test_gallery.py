"""The gallery finds the best view of each student, whatever the templates look like."""

import numpy as np
import pytest

from muster.arrays import FloatArray
from muster.domain.errors import PackMismatch
from muster.domain.identifiers import FaceId, PackId, StudentId
from muster.domain.student import LearnedFace, Template
from muster.recognition.gallery import Gallery

EMBEDDING_SIZE = 512
PACK = PackId("embedded")


def unit_rows(random: np.random.Generator, count: int) -> FloatArray:
    rows = random.standard_normal((count, EMBEDDING_SIZE), dtype=np.float32)
    unit: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def template(name: str, embeddings: FloatArray, pack: PackId = PACK) -> Template:
    return Template(StudentId(name), pack, embeddings, "0" * 64)


def test_similarity_is_the_cosine_with_the_best_view() -> None:
    random = np.random.default_rng(0)
    views = {"c": unit_rows(random, 3), "a": unit_rows(random, 1), "b": unit_rows(random, 7)}
    probes = unit_rows(random, 5)
    gallery = Gallery.from_templates([template(name, rows) for name, rows in views.items()], PACK)
    expected = np.stack([(probes @ views[name].T).max(axis=1) for name in "abc"], axis=1)
    assert gallery.student_ids == ("a", "b", "c")
    np.testing.assert_allclose(gallery.similarity(probes), expected, atol=1e-6)


def test_a_gallery_larger_than_one_tile_gives_the_same_similarity() -> None:
    random = np.random.default_rng(1)
    counts = random.integers(1, 40, 700)
    templates = [template(f"s{index:04}", unit_rows(random, count)) for index, count in enumerate(counts)]
    templates.append(template("t", unit_rows(random, 5000)))
    probes = unit_rows(random, 3)
    gallery = Gallery.from_templates(templates, PACK)
    assert len(list(gallery.blocks())) > 2
    expected = np.stack([(probes @ template.embeddings.T).max(axis=1) for template in templates], axis=1)
    np.testing.assert_allclose(gallery.similarity(probes), expected, atol=1e-6)
    few = np.array([[700, 0], [3, 699], [8, 8]])
    chosen = np.take_along_axis(expected, few, axis=1)
    np.testing.assert_allclose(gallery.best_view_cosines(probes, few), chosen, atol=1e-6)


def test_several_templates_of_one_student_are_one_student() -> None:
    random = np.random.default_rng(2)
    first, second, other = unit_rows(random, 2), unit_rows(random, 3), unit_rows(random, 1)
    gallery = Gallery.from_templates([template("a", first), template("b", other), template("a", second)], PACK)
    assert gallery.size == 2
    assert gallery.owners.tolist() == [0, 0, 0, 0, 0, 1]
    assert gallery.similarity(second[:1])[0, 0] == pytest.approx(1, abs=1e-5)


def test_an_empty_gallery_compares_with_nobody() -> None:
    gallery = Gallery.from_templates([], PACK)
    assert gallery.size == 0
    assert gallery.similarity(unit_rows(np.random.default_rng(3), 4)).shape == (4, 0)


def test_a_photo_without_faces_gives_no_rows() -> None:
    gallery = Gallery.from_templates([template("a", unit_rows(np.random.default_rng(4), 2))], PACK)
    assert gallery.similarity(np.empty((0, EMBEDDING_SIZE), np.float32)).shape == (0, 1)


def test_templates_of_another_pack_are_refused_by_name() -> None:
    random = np.random.default_rng(5)
    mixed = [template("a", unit_rows(random, 1)), template("b", unit_rows(random, 1), PackId("cloud"))]
    with pytest.raises(PackMismatch, match=r"Student b .*'cloud'"):
        Gallery.from_templates(mixed, PACK)


def test_a_face_learned_from_counts_as_much_as_the_registration_photo_with_all_its_views() -> None:
    random = np.random.default_rng(6)
    views, faces, other = unit_rows(random, 4), unit_rows(random, 2), unit_rows(random, 3)
    provenance = tuple(LearnedFace(FaceId(face)) for face in ("photo-1:0", "photo-2:3"))
    learned = Template(StudentId("a"), PACK, np.concatenate([views, faces]), "0" * 64, provenance)
    gallery = Gallery.from_templates([learned, template("b", other)], PACK)
    photos = [views.mean(axis=0), faces[0], faces[1]]
    np.testing.assert_allclose(gallery.mean_views()[0], np.mean(photos, axis=0), atol=1e-6)
    np.testing.assert_allclose(gallery.mean_views()[1], other.mean(axis=0), atol=1e-6)
