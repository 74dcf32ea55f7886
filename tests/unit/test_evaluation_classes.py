"""Class photos: how they are drawn, and how their answers are counted."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.domain.errors import InvalidRequest
from muster.domain.faces import Decision
from muster.domain.identifiers import StudentId
from muster.evaluation.calibration import Statements, reliability
from muster.evaluation.class_draws import (
    NOT_REGISTERED,
    ClassPhoto,
    ClassPhotoSettings,
    Crowd,
    PhotoKind,
    class_sizes,
    draw_class_photo,
    real_class_photo,
)
from muster.evaluation.class_figures import UNNAMED, PhotoDecisions, count_photo, decisions_of, figures, rates, total
from muster.evaluation.class_report import class_photo_section, class_summary
from muster.evaluation.datasets import read_dataset
from muster.evaluation.metrics import STRANGER
from muster.evaluation.rounds import Recognition
from muster.evaluation.run import EvaluationSettings, evaluate_dataset
from muster.recognition.matcher import Match
from tests.unit.test_evaluation_rounds import MadeUpPictures, how, person, picture

__all__ = ["how"]

SETTINGS = ClassPhotoSettings()


def crowd(students: int, others: int) -> Crowd:
    """Students with three faces, of which the first registers them; other people with one face each."""
    faces = [(number, 3 * number + image) for number in range(students) for image in (1, 2)]
    faces += [(students + number, 3 * students + number) for number in range(others)]
    registering = np.full(students + others, NOT_REGISTERED)
    registering[:students] = 3 * np.arange(students)
    return Crowd(np.array([face for _, face in faces]), np.array([owner for owner, _ in faces]), registering)


@given(st.integers(0, 10_000), st.sampled_from([30, 100]))
def test_a_usual_photo_shows_most_of_the_class_and_few_strangers(seed: int, size: int) -> None:
    photo = draw_class_photo(crowd(120, 40), PhotoKind.USUAL, size, SETTINGS, np.random.default_rng(seed))
    assert photo is not None
    present = int((photo.mates != STRANGER).sum())
    assert len(photo.students) == size
    assert round(0.85 * size) <= present <= round(0.95 * size)
    assert 0 <= len(photo.faces) - present <= 3
    assert len(set(photo.mates[photo.mates != STRANGER])) == present, "each student has one face"
    assert not set(photo.faces) & set(photo.registering), "nobody is found by the picture that registered them"


@given(st.integers(0, 10_000))
def test_half_empty_and_wrong_class_photos_show_as_many_strangers_as_they_should(seed: int) -> None:
    random = np.random.default_rng(seed)
    half = draw_class_photo(crowd(120, 40), PhotoKind.HALF_EMPTY, 30, SETTINGS, random)
    wrong = draw_class_photo(crowd(120, 40), PhotoKind.WRONG_CLASS, 30, SETTINGS, random)
    assert half is not None
    assert wrong is not None
    assert ((half.mates != STRANGER).sum(), (half.mates == STRANGER).sum()) == (15, 10)
    assert (wrong.mates == STRANGER).all()
    assert len(wrong.mates) == 30


def test_a_face_in_a_photo_belongs_to_the_student_of_its_column() -> None:
    everyone = crowd(40, 5)
    photo = draw_class_photo(everyone, PhotoKind.USUAL, 30, SETTINGS, np.random.default_rng(1))
    assert photo is not None
    owner = dict(zip(everyone.faces.tolist(), everyone.people.tolist(), strict=True))
    for face, mate in zip(photo.faces.tolist(), photo.mates.tolist(), strict=True):
        assert (owner[face] == photo.students[mate]) if mate != STRANGER else (owner[face] not in photo.students)


def test_a_small_dataset_gives_a_smaller_class_once() -> None:
    assert class_sizes(crowd(12, 3), (30, 100)) == [12]
    assert class_sizes(crowd(50, 3), (30, 100)) == [30, 50]
    assert class_sizes(crowd(0, 3), (30, 100)) == []
    nobody_else = draw_class_photo(crowd(12, 0), PhotoKind.WRONG_CLASS, 12, SETTINGS, np.random.default_rng(0))
    assert nobody_else is None, "there is nobody outside the class"


def test_a_class_without_students_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="at least 1 student"):
        ClassPhotoSettings(sizes=(0,))


def test_a_real_photo_becomes_half_empty_and_then_of_the_wrong_class() -> None:
    faces, people = np.array([10, 11, 12]), np.array([0, 2, -1])
    registering = np.array([0, 1, 2, NOT_REGISTERED])
    random = np.random.default_rng(0)
    usual = real_class_photo(faces, people, registering, PhotoKind.USUAL, random)
    half = real_class_photo(faces, people, registering, PhotoKind.HALF_EMPTY, random)
    wrong = real_class_photo(faces, people, registering, PhotoKind.WRONG_CLASS, random)
    assert usual is not None
    assert half is not None
    assert wrong is not None
    assert usual.students.tolist() == [0, 1, 2]
    assert usual.mates.tolist() == [0, 2, STRANGER]
    assert len(half.students) == 2
    assert (half.mates != STRANGER).sum() == 1
    assert wrong.students.tolist() == [1]
    assert (wrong.mates == STRANGER).all()
    strangers = real_class_photo(faces[2:], people[2:], registering, PhotoKind.USUAL, random)
    assert strangers is None, "a photo of strangers is not a usual one"


def class_photo(mates: list[int]) -> ClassPhoto:
    return ClassPhoto(PhotoKind.USUAL, np.arange(6), np.arange(6), np.arange(len(mates)), np.array(mates))


def test_every_outcome_of_a_face_is_counted_once() -> None:
    mates = [0, 1, 2, 3, 4, STRANGER, STRANGER, STRANGER]
    # Marked, asked, marked as another, asked about as another, unnamed; a stranger marked, asked about, unnamed.
    answer = PhotoDecisions(
        named=np.array([0, 1, 5, 5, UNNAMED, 5, 4, UNNAMED]),
        present=np.array([True, False, True, False, False, True, False, False]),
        log_odds=np.array([9.0, 1.0, 5.0, -1.0, np.nan, 6.0, -2.0, np.nan]),
        questions=2,
    )
    result = count_photo(class_photo(mates), answer)
    tally = result.tally
    assert (tally.faces, tally.students, tally.strangers) == (8, 5, 3)
    assert (tally.marked, tally.asked, tally.wrong, tally.missed) == (1, 1, 1, 2)
    assert (tally.strangers_marked, tally.strangers_asked, tally.questions) == (1, 1, 2)
    assert result.statements.true.tolist() == [True, True, False, False, False, False]
    found = rates(total([tally, tally]))
    assert (found["marked"], found["questions_per_photo"], found["strangers_marked_per_photo"]) == (0.2, 2.0, 1.0)
    assert found["strangers_marked_per_10000_faces"] == 1250
    assert found["wrong_marks_per_10000_faces"] == 2500
    small = count_photo(class_photo(mates), answer, np.arange(8) < 2).tally
    assert (small.faces, small.marked, small.asked, small.missed, small.strangers) == (2, 1, 1, 0, 0)


def match(decision: Decision, student: str | None) -> Match:
    return Match(decision, None if student is None else StudentId(student), 0.5, None, ())


def test_a_question_counts_once_for_each_student_who_is_not_marked() -> None:
    columns = {StudentId("a"): 0, StudentId("b"): 1, StudentId("c"): 2}
    matches = [
        match(Decision.PRESENT, "a"),
        match(Decision.REVIEW, "a"),
        match(Decision.REVIEW, "b"),
        match(Decision.REVIEW, "b"),
        match(Decision.UNKNOWN, None),
    ]
    answer = decisions_of(matches, [0, 1, -1, 2, 3], columns, 5)
    assert answer.questions == 1
    assert answer.named.tolist() == [0, 0, 1, UNNAMED, UNNAMED]
    assert answer.present.tolist() == [True, False, False, False, False]
    assert np.isnan(answer.log_odds).all()


def test_figures_are_means_over_rounds_and_counts_are_sums() -> None:
    def photo(right: int) -> PhotoDecisions:
        named = np.where(np.arange(4) < right, np.arange(4), UNNAMED)
        return PhotoDecisions(named, np.ones(4, dtype=np.bool_), np.full(4, np.nan), 0)

    rounds = [[count_photo(class_photo([0, 1, 2, 3]), photo(right))] for right in (2, 4)]
    found = figures(rounds)
    assert (found["photos"], found["faces"], found["marked"], found["missed"]) == (2, 8, 0.75, 0.25)
    low, high = found["intervals_95"]["marked"]
    assert low < 0.75 < high
    assert found["calibration"] is None


def test_stated_probabilities_are_compared_with_what_came_true() -> None:
    sure, even = math.log(0.95 / 0.05), 0.0
    statements = Statements(
        np.array([sure] * 10 + [even] * 10), np.array([True] * 9 + [False] + [True] * 5 + [False] * 5)
    )
    found = reliability(statements)
    assert found is not None
    assert [(row["from"], row["faces"]) for row in found["table"]] == [(0.5, 10), (0.9, 10)]
    assert [row["observed"] for row in found["table"]] == [0.5, 0.9]
    assert found["expected_error"] == pytest.approx(0.025)
    assert reliability(Statements(np.empty(0), np.empty(0, dtype=np.bool_))) is None


def test_identity_folders_give_class_photos_and_small_faces(tmp_path: Path, how: Recognition) -> None:
    faces = {}
    for number in range(9):
        for image in range(3 if number < 6 else 1):
            picture(tmp_path / f"p{number}" / f"{image}.jpg")
            faces[f"p{number}/{image}.jpg"] = [([70.0, 20, 60, 60], person(number, image + 1))]
    settings = EvaluationSettings(how, class_photos=ClassPhotoSettings(photos=4, small_photos=2, face_widths=(20,)))
    report = evaluate_dataset(
        tmp_path, read_dataset(tmp_path), settings, MadeUpPictures(faces), lambda step, share: None
    )
    found = report.document()["class_photos"]
    (of_class,) = found["classes"]
    assert of_class["registered"] == 6
    assert of_class["usual"]["photos"] == 12
    assert of_class["usual"]["marked"] == 1.0
    assert of_class["usual"]["missed"] == of_class["usual"]["wrong"] == 0.0
    assert of_class["half_empty"]["students_present"] == 36
    assert of_class["wrong_class"]["strangers"] == 36
    assert of_class["wrong_class"]["marked"] is None
    assert of_class["wrong_class"]["strangers_marked_per_photo"] == 0.0
    assert [row["face_width"] for row in found["by_face_width"]] == ["20", "unchanged"]
    assert found["by_face_width"][0]["marked"] == 1.0
    page = class_photo_section(report.document())
    assert "In a class of 6, 100% of the students" in class_summary(of_class)
    assert page.count("<svg") == 2


def test_no_class_photo_is_drawn_where_none_is_asked_for(tmp_path: Path, how: Recognition) -> None:
    faces = {}
    for name in "ab":
        for image in range(2):
            picture(tmp_path / name / f"{image}.jpg")
            faces[f"{name}/{image}.jpg"] = [([70.0, 20, 60, 60], person(ord(name), image + 1))]
    settings = EvaluationSettings(how, class_photos=ClassPhotoSettings(photos=0))
    report = evaluate_dataset(
        tmp_path, read_dataset(tmp_path), settings, MadeUpPictures(faces), lambda step, share: None
    )
    document = report.document()
    assert document["class_photos"] == {"classes": [], "by_face_width": []}
    assert class_photo_section(document) == ""
