"""Faces are named, put to the teacher as a question, or unknown."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muster.arrays import FloatArray
from muster.domain.errors import PackMismatch
from muster.domain.faces import Decision
from muster.domain.identifiers import PackId, StudentId
from muster.recognition.gallery import Gallery
from muster.recognition.head import HEAD_SIZE, Head
from muster.recognition.matcher import Match, identify
from muster.recognition.policy import HeadUse, Policy
from muster.recognition.scoring import Population, PreparedGallery, prepare

EMBEDDING_SIZE = 512
PACK = PackId("embedded")
# Orthogonal students in a population without a direction of its own: a score is the cosine times this, and the
# log-likelihood ratio 5 times the score less 14.
UNITS = 10.0
BARS = Policy()


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
    flat = Population.from_network(
        np.zeros(EMBEDDING_SIZE, np.float32), even * np.eye(EMBEDDING_SIZE, dtype=np.float32)
    )
    # Without the adaptation of the mean, so that the scores of a test can be read off its cosines.
    return PreparedGallery(gallery, flat, flat.project(gallery.embeddings))


def decided(matches: list[Match]) -> list[tuple[str, str | None]]:
    return [(match.decision.value, match.student_id) for match in matches]


def in_one_photo(*probes: FloatArray) -> FloatArray:
    """Stack probes; what points to nobody points elsewhere in each, so that the photo has nothing in common."""
    rows = np.stack(probes)
    for number, row in enumerate(rows):
        row[[-1, -1 - number]] = row[[-1 - number, -1]]
    return rows


def named(*probes: np.ndarray, students: int = 3) -> list[tuple[str, str | None]]:
    return decided(identify(in_one_photo(*probes), school(students), BARS))


def test_a_clear_face_is_present_a_fair_one_is_asked_about_and_a_poor_one_is_unknown() -> None:
    assert named(axis(0.6), axis(0, 0.34), axis(0, 0, 0.2)) == [("present", "s0"), ("review", "s1"), ("unknown", None)]


def test_a_face_between_two_students_is_asked_about() -> None:
    assert named(axis(0.52, 0.50)) == [("review", "s0")]
    assert named(axis(0.60, 0.30)) == [("present", "s0")]


def test_a_face_between_two_students_is_the_one_whose_face_is_not_in_the_photo_already() -> None:
    assert named(axis(0.52, 0.50), axis(0.6)) == [("present", "s1"), ("present", "s0")]


def test_the_weaker_of_two_faces_of_one_student_is_unknown() -> None:
    assert named(axis(0.55), axis(0.45)) == [("present", "s0"), ("unknown", None)]


def test_one_registered_student_is_enough() -> None:
    assert named(axis(0.7), axis(0.1), students=1) == [("present", "s0"), ("unknown", None)]


def test_a_photo_of_strangers_needs_more_to_mark_one_of_them() -> None:
    usual = identify(in_one_photo(axis(0.38), axis(0, 0.6)), school(2), BARS)
    strangers = identify(in_one_photo(axis(0.38), *[axis(0.1, 0.1)] * 20), school(2), BARS)
    assert usual[0].decision is Decision.PRESENT
    assert strangers[0].decision is Decision.REVIEW


def test_two_photos_in_which_a_student_is_likely_mark_the_student() -> None:
    fair = axis(0.33)[None]
    alone = identify(fair, school(3), BARS)[0]
    ratios = np.full((1, 3), -5, np.float32)
    ratios[0, 0] = 4.0
    assert alone.decision is Decision.REVIEW
    assert identify(fair, school(3), BARS, earlier=[ratios])[0].decision is Decision.PRESENT


def test_a_face_that_is_hardly_the_student_of_another_photo_is_not_marked_by_that_photo() -> None:
    ratios = np.full((1, 3), -5, np.float32)
    ratios[0, 0] = 14.0
    assert identify(axis(0.2)[None], school(3), BARS, earlier=[ratios])[0].decision is not Decision.PRESENT


def test_candidates_are_the_three_likeliest_with_the_cosine_shown() -> None:
    match = identify(axis(0.2, 0.6, 0.3, 0.25)[None], school(4), BARS)[0]
    assert [candidate.student_id for candidate in match.candidates] == ["s1", "s2", "s3"]
    assert match.similarity == pytest.approx(0.6)
    assert [candidate.similarity for candidate in match.candidates] == pytest.approx([0.6, 0.3, 0.25])
    ratios = [candidate.log_likelihood_ratio for candidate in match.candidates]
    assert ratios == pytest.approx([13.87, 1.0, -1.48], abs=0.01)


def test_a_match_tells_the_odds_that_the_face_is_the_students() -> None:
    sure, fair, poor = identify(in_one_photo(axis(0.6), axis(0, 0.34), axis(0, 0, 0.2)), school(3), BARS)
    assert sure.log_odds is not None
    assert fair.log_odds is not None
    assert sure.log_odds > BARS.present > fair.log_odds > BARS.review
    assert poor.log_odds is None


def test_an_empty_gallery_knows_nobody() -> None:
    empty = Match(Decision.UNKNOWN, None, None, None, ())
    assert identify(in_one_photo(axis(0.6), axis(0.1)), school(0), BARS) == [empty, empty]


def test_a_photo_without_faces_has_no_matches() -> None:
    assert identify(np.empty((0, EMBEDDING_SIZE), np.float32), school(3), BARS) == []


def test_a_student_among_thousands_is_found() -> None:
    many = np.random.default_rng(0).standard_normal((1500, EMBEDDING_SIZE)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    gallery = Gallery(tuple(StudentId(f"s{i:04}") for i in range(1500)), PACK, many, np.arange(1500))
    even = np.cbrt(1 / (UNITS**2 * np.sqrt(EMBEDDING_SIZE)))
    flat = Population.from_network(
        np.zeros(EMBEDDING_SIZE, np.float32), even * np.eye(EMBEDDING_SIZE, dtype=np.float32)
    )
    matches = identify(many[[3, 1400]], PreparedGallery(gallery, flat, flat.project(many)), BARS)
    assert decided(matches) == [("present", "s0003"), ("present", "s1400")]


def head(pack: PackId, fusion: float) -> Head:
    projection = np.zeros((HEAD_SIZE, EMBEDDING_SIZE), np.float32)
    projection[1, 1] = projection[0, 0] = 1
    return Head(pack, projection, np.zeros(HEAD_SIZE, np.float32), centre=0.0, deviation=0.1, fusion=fusion)


def test_the_head_chooses_among_the_students_that_stage_one_let_through() -> None:
    probe = axis(0.40, 0.42, 0.45)[None]
    alone = identify(probe, school(3), BARS)[0]
    both = identify(probe, school(3), BARS, head(PACK, 0.5))[0]
    assert (alone.decision, alone.student_id, alone.head_similarity) == (Decision.REVIEW, "s2", None)
    assert both.student_id == "s1"
    assert both.head_similarity == pytest.approx(0.42 / np.hypot(0.40, 0.42), abs=1e-5)


def test_the_head_decides_alone_among_them_where_it_is_always_used() -> None:
    weight = np.zeros((HEAD_SIZE, EMBEDDING_SIZE), np.float32)
    weight[0, 0], weight[1, 1] = 1, 3
    biased = replace(head(PACK, 0.0), weight=weight)
    probe = axis(0.46, 0.42)[None]
    assert identify(probe, school(2), BARS, biased)[0].student_id == "s0"
    assert identify(probe, school(2), Policy(head=HeadUse.ALWAYS), biased)[0].student_id == "s1"


def test_the_head_lets_nobody_in_whom_stage_one_rejects() -> None:
    assert identify(axis(0.2)[None], school(2), BARS, head(PACK, 1.0))[0].decision is Decision.UNKNOWN


def test_a_head_of_another_pack_is_refused() -> None:
    with pytest.raises(PackMismatch):
        identify(axis(0.6)[None], school(2), BARS, head(PackId("cloud"), 0.5))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 8))
def test_the_order_of_the_faces_does_not_matter_and_nobody_is_named_twice(seed: int, faces: int, students: int) -> None:
    random = np.random.default_rng(seed)
    probes = random.standard_normal((faces, EMBEDDING_SIZE)).astype(np.float32) / 40
    # Faces crowd around few students, so that they compete.
    probes[np.arange(faces), random.integers(0, max(students // 2, 1), faces)] += random.uniform(0.2, 1, faces)
    probes = (probes / np.linalg.norm(probes, axis=1, keepdims=True)).astype(np.float32)
    order = random.permutation(faces)
    straight, shuffled = (identify(rows, school(students), BARS) for rows in (probes, probes[order]))
    assert decided(shuffled) == [decided(straight)[index] for index in order]
    ids = [match.student_id for match in straight if match.student_id is not None]
    assert len(ids) == len(set(ids))


def test_matching_is_imported_without_scipy() -> None:
    code = "import muster.recognition.matcher, sys; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_real_population_statistics_can_be_used_by_prepare() -> None:
    gallery = school(2).gallery
    prepared = prepare(
        gallery,
        Population.from_network(np.full(EMBEDDING_SIZE, 0.01, np.float32), np.eye(EMBEDDING_SIZE, dtype=np.float32)),
    )
    assert identify(gallery.embeddings, prepared, BARS)[0].candidates[0].student_id == "s0"
