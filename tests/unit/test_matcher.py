"""Who is named, who is asked about, who is unknown."""

import subprocess
import sys
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.domain.errors import PackMismatch
from muster.domain.faces import Decision
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import EMBEDDING_SIZE
from muster.recognition.gallery import FloatArray, Gallery
from muster.recognition.head import HEAD_SIZE, Head
from muster.recognition.matcher import Match, _shared_out, identify
from muster.recognition.scoring import Population, PreparedGallery, prepare
from muster.recognition.thresholds import Thresholds

PACK = PackId("embedded")
# Orthogonal students in a population without a direction of its own: a score is the cosine times this.
UNITS = 10.0


def axis(*weights: float) -> FloatArray:
    """A probe with these cosines to the students 0, 1, 2...; what is left points to nobody."""
    row = np.zeros(EMBEDDING_SIZE, np.float32)
    row[: len(weights)] = weights
    row[-1] = np.sqrt(1 - np.sum(np.square(weights)))
    return row


def school(students: int) -> PreparedGallery:
    gallery = Gallery(
        tuple(StudentId(f"s{index}") for index in range(students)),
        PACK,
        np.eye(students, EMBEDDING_SIZE, dtype=np.float32),
        np.arange(students),
    )
    # For a covariance f^2 I the scatter is f and its root mean square f^2 sqrt(512).
    even = np.cbrt(1 / (UNITS**2 * np.sqrt(EMBEDDING_SIZE)))
    flat = Population(np.zeros(EMBEDDING_SIZE, np.float32), even * np.eye(EMBEDDING_SIZE, dtype=np.float32))
    # Without the adaptation of the mean, so that the scores of a test can be read off its cosines.
    return PreparedGallery(gallery, flat, flat.placed(gallery.embeddings))


class Bars(Thresholds):
    """Bars at round scores, whatever the gallery."""

    def present(self, size: int) -> float:
        return 5.0

    def review(self, size: int) -> float:
        return 3.0


def decided(matches: list[Match]) -> list[tuple[str, str | None]]:
    return [(match.decision.value, match.student_id) for match in matches]


def named(
    *probes: np.ndarray, students: int = 3, quality: list[float] | None = None, bars: Thresholds | None = None
) -> list[tuple[str, str | None]]:
    goodness = None if quality is None else np.array(quality, np.float32)
    return decided(identify(np.stack(probes), school(students), bars or Bars(), None, goodness))


def test_a_clear_face_is_present_a_fair_one_is_asked_about_and_a_poor_one_is_unknown() -> None:
    assert named(axis(0.6), axis(0, 0.4), axis(0, 0, 0.2)) == [("present", "s0"), ("review", "s1"), ("unknown", None)]


def test_a_face_between_two_students_is_asked_about() -> None:
    assert named(axis(0.66, 0.60)) == [("review", "s0")]
    assert named(axis(0.66, 0.50)) == [("present", "s0")]


def test_the_weaker_of_two_faces_of_one_student_is_not_marked_as_the_next() -> None:
    assert named(axis(0.8), axis(0.7)) == [("present", "s0"), ("unknown", None)]
    assert named(axis(0.8), axis(0.7, 0.4)) == [("present", "s0"), ("review", "s1")]


def test_a_face_that_loses_its_student_is_asked_about_however_well_it_fits_the_next() -> None:
    assert named(axis(0.8), axis(0.7, 0.6)) == [("present", "s0"), ("review", "s1")]


def test_a_certain_face_keeps_its_student_whatever_that_costs_the_others() -> None:
    assert named(axis(0.70, 0.45), axis(0.69)) == [("present", "s0"), ("unknown", None)]


def test_siblings_are_asked_about_as_the_pair_that_fits_best() -> None:
    assert named(axis(0.60, 0.58), axis(0.59, 0.51)) == [("review", "s1"), ("review", "s0")]


def test_a_poor_face_needs_a_higher_score_to_be_marked() -> None:
    strict = Bars(quality_penalty=2.0)
    assert named(axis(0.6), quality=[1.0], bars=strict) == [("present", "s0")]
    assert named(axis(0.6), quality=[0.2], bars=strict) == [("review", "s0")]


def test_one_registered_student_is_enough() -> None:
    assert named(axis(0.7), axis(0.1), students=1) == [("present", "s0"), ("unknown", None)]


def test_candidates_are_the_three_most_similar_with_the_cosine_shown() -> None:
    match = identify(axis(0.2, 0.6, 0.3, 0.25)[None], school(4), Bars())[0]
    assert [candidate.student_id for candidate in match.candidates] == ["s1", "s2", "s3"]
    assert match.similarity == pytest.approx(0.6)
    assert [candidate.similarity for candidate in match.candidates] == pytest.approx([0.6, 0.3, 0.25])


def test_an_empty_gallery_knows_nobody() -> None:
    empty = Match(Decision.UNKNOWN, None, None, None, ())
    assert identify(np.stack([axis(0.6), axis(0.1)]), school(0), Bars()) == [empty, empty]


def test_a_photo_without_faces_has_no_matches() -> None:
    assert identify(np.empty((0, EMBEDDING_SIZE), np.float32), school(3), Bars()) == []


def head(pack: PackId, fusion: float) -> Head:
    projection = np.zeros((HEAD_SIZE, EMBEDDING_SIZE), np.float32)
    projection[1, 1] = projection[0, 0] = 1
    return Head(pack, projection, np.zeros(HEAD_SIZE, np.float32), centre=0.0, deviation=0.1, fusion=fusion)


def test_the_head_chooses_among_the_students_that_stage_one_let_through() -> None:
    probe = axis(0.40, 0.42, 0.45)[None]
    alone = identify(probe, school(3), Bars())[0]
    both = identify(probe, school(2), Bars(), head(PACK, 0.5))[0]
    assert (alone.decision, alone.student_id, alone.head_similarity) == (Decision.REVIEW, "s2", None)
    assert both.student_id == "s1"
    assert both.head_similarity == pytest.approx(0.42 / np.hypot(0.40, 0.42), abs=1e-5)


def test_the_head_lets_nobody_in_whom_stage_one_rejects() -> None:
    assert identify(axis(0.2)[None], school(2), Bars(), head(PACK, 1.0))[0].decision is Decision.UNKNOWN


def test_a_head_of_another_pack_is_refused() -> None:
    with pytest.raises(PackMismatch):
        identify(axis(0.6)[None], school(2), Bars(), head(PackId("cloud"), 0.5))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 8))
def test_the_order_of_the_faces_does_not_matter_and_nobody_is_named_twice(seed: int, faces: int, students: int) -> None:
    random = np.random.default_rng(seed)
    probes = random.standard_normal((faces, EMBEDDING_SIZE)).astype(np.float32) / 40
    # Faces crowd around few students, so that they compete.
    probes[np.arange(faces), random.integers(0, max(students // 2, 1), faces)] += random.uniform(0.2, 1, faces)
    probes = (probes / np.linalg.norm(probes, axis=1, keepdims=True)).astype(np.float32)
    order = random.permutation(faces)
    straight, shuffled = (identify(rows, school(students), Bars()) for rows in (probes, probes[order]))
    assert decided(shuffled) == [decided(straight)[index] for index in order]
    ids = [match.student_id for match in straight if match.student_id is not None]
    assert len(ids) == len(set(ids))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(4, 5))
def test_what_is_left_is_shared_out_with_the_greatest_total(seed: int, faces: int, students: int) -> None:
    random = np.random.default_rng(seed)
    ranking = random.uniform(3, 6, (faces, students)).astype(np.float32)
    chosen = _shared_out(ranking, np.ones(ranking.shape, dtype=bool))
    totals = [sum(ranking[row, column] for row, column in enumerate(p)) for p in permutations(range(students), faces)]
    assert ranking[np.arange(faces), chosen].sum() == pytest.approx(max(totals), rel=1e-6)


def test_matching_is_imported_without_scipy() -> None:
    code = "import muster.recognition.matcher, sys; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_real_population_statistics_can_be_used_by_prepare() -> None:
    gallery = school(2).gallery
    prepared = prepare(
        gallery, Population(np.full(EMBEDDING_SIZE, 0.01, np.float32), np.eye(EMBEDDING_SIZE, dtype=np.float32))
    )
    assert identify(gallery.embeddings, prepared, Thresholds(0.3, 0.4, margin=0.0))[0].candidates[0].student_id == "s0"
