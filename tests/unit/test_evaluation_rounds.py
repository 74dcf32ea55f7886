"""Whole evaluations on made-up embeddings, whose answers are known before they are computed."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.evaluation import rounds
from muster.evaluation.datasets import Dataset, read_dataset
from muster.evaluation.embed import PictureFaces, Pictures, RegistrationTemplate
from muster.evaluation.mistakes import MistakeKind, worst_mistakes
from muster.evaluation.report import render, write_html
from muster.evaluation.rounds import Recognition, TrainedHead
from muster.evaluation.run import EvaluationReport, EvaluationSettings, evaluate_dataset
from muster.recognition.gallery import Gallery
from muster.recognition.head import HEAD_SIZE, Head
from muster.recognition.policy import Policy
from muster.recognition.scoring import Population, prepare, score

EMBEDDING_SIZE = 512
PACK = PackId("made-up-1")
BOX = [10.0, 10.0, 40.0, 40.0]


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    unit_rows: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return unit_rows


def person(number: int, noise: int = 0) -> NDArray[np.float32]:
    """A direction of its own for each person; another `noise` is another photo, at a cosine of about 0.9."""
    own = unit(np.random.default_rng(number).normal(size=EMBEDDING_SIZE))
    return unit(own + 0.5 * unit(np.random.default_rng([number, noise]).normal(size=EMBEDDING_SIZE))) if noise else own


class MadeUpPictures(Pictures):
    """Pictures whose faces are given: file name to a list of (box, embedding)."""

    def __init__(self, faces: dict[str, list[tuple[list[float], NDArray[np.float32]]]]) -> None:
        self._known = faces

    def faces(self, path: Path) -> PictureFaces:
        found = self._known[self._key(path)]
        return PictureFaces(
            200,
            100,
            np.array([box for box, _ in found], dtype=np.float32).reshape(-1, 4),
            np.array([embedding for _, embedding in found], dtype=np.float32).reshape(-1, EMBEDDING_SIZE),
            np.ones(len(found), dtype=np.float32),
        )

    def shrunk_faces(self, path: Path, width: int) -> PictureFaces:
        return self.faces(path)

    def template(self, path: Path) -> RegistrationTemplate:
        return RegistrationTemplate(
            self.faces(path).embeddings[:1], "0" * 64, "too_blurred" if "b/" in str(path) else None
        )

    def read(self, searched: object, registering: object, progress: object) -> None:
        """Everything is known already."""

    @staticmethod
    def _key(path: Path) -> str:
        return f"{path.parent.name}/{path.name}"


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (200, 100), "teal").save(path)


@pytest.fixture
def how() -> Recognition:
    isotropic = np.eye(EMBEDDING_SIZE, dtype=np.float32) / np.float32(np.sqrt(EMBEDDING_SIZE))
    return Recognition(PACK, Population.from_network(np.zeros(EMBEDDING_SIZE, np.float32), isotropic), Policy(), None)


@pytest.fixture
def classroom(tmp_path: Path) -> tuple[Dataset, MadeUpPictures]:
    """Students a, b, c (people 0, 1, 2) and strangers.

    x.jpg shows a, b and a stranger who is none of them, and an unlabelled face of a stranger. y.jpg shows a face that
    is labelled b but looks like a (a wrong name), and a face of c that is not found. z.jpg shows a stranger
    who looks like c.
    """
    labels = {
        "x.jpg": [
            {"box": BOX, "student_id": "a"},
            {"box": [60, 10, 40, 40], "student_id": "b"},
            {"box": [110, 10, 40, 40], "student_id": None},
        ],
        "y.jpg": [{"box": BOX, "student_id": "b"}, {"box": [110, 10, 40, 40], "student_id": "c"}],
        "z.jpg": [{"box": BOX, "student_id": None}],
    }
    for name in ("gallery/a.jpg", "gallery/b.jpg", "gallery/c.jpg", "photos/x.jpg", "photos/y.jpg", "photos/z.jpg"):
        picture(tmp_path / name)
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    faces = {
        "gallery/a.jpg": [(BOX, person(0))],
        "gallery/b.jpg": [(BOX, person(1))],
        "gallery/c.jpg": [(BOX, person(2))],
        "photos/x.jpg": [
            ([62.0, 11, 40, 40], person(1, 1)),
            (BOX, person(0, 1)),
            ([111.0, 12, 40, 40], person(7)),
            ([10.0, 60, 30, 30], person(8)),
        ],
        "photos/y.jpg": [(BOX, person(0, 2))],
        "photos/z.jpg": [(BOX, person(2, 3))],
    }
    return read_dataset(tmp_path), MadeUpPictures(faces)


def evaluated(classroom: tuple[Dataset, MadeUpPictures], settings: EvaluationSettings) -> EvaluationReport:
    dataset, pictures = classroom
    return evaluate_dataset(dataset.pictures[0].parents[1], dataset, settings, pictures, lambda step, share: None)


def test_every_figure_of_a_known_classroom_is_as_worked_by_hand(
    classroom: tuple[Dataset, MadeUpPictures], how: Recognition
) -> None:
    document = evaluated(classroom, EvaluationSettings(how)).document()
    assert (document["people"], document["registered"], document["probes"], document["strangers"]) == (3, 3, 6, 2)
    assert (document["pack"], document["seeds"], document["form"]) == (PACK, 1, "photos")
    figures = document["stage1"]
    assert figures["detection_recall"] == pytest.approx(5 / 6, abs=1e-4)
    # Of four faces of registered people two are right first; one looks like another, one was not found.
    assert figures["rank_1"] == 0.5
    # The stranger who looks like c scores as high as a student, so no bar below that keeps everyone out.
    assert (figures["correct"], figures["wrong"], figures["missed"]) == (2, 1, 1)
    assert (figures["accepted_strangers"], figures["rejected_strangers"], figures["review"]) == (1, 1, 0)
    assert figures["present_without_label"] == 0
    assert figures["intervals_95"] == {}
    assert document["two_stage"] == figures
    assert document["heads"] == {"promoted": 0, "refused": 1, "reasons": ["nothing was trained"]}


def test_a_student_left_out_must_come_out_unknown(classroom: tuple[Dataset, MadeUpPictures], how: Recognition) -> None:
    report = evaluated(classroom, EvaluationSettings(how, unregistered=0.3, seeds=6))
    document = report.document()
    assert (document["seeds"], document["registered"]) == (6, 2)
    for result in report.rounds:
        counts = result.stage1.counts
        assert (
            sum((counts.correct, counts.wrong, counts.missed, counts.review))
            + counts.accepted_strangers
            + (counts.rejected_strangers)
            == 6
        )
        assert result.strangers == {"a": 3, "b": 4, "c": 3}[({"a", "b", "c"} - set(result.registered)).pop()]
    low, high = document["stage1"]["intervals_95"]["rank_1"]
    assert low <= document["stage1"]["rank_1"] <= high


def test_a_student_whose_registration_photo_shows_no_face_is_missed_everywhere(
    classroom: tuple[Dataset, MadeUpPictures], how: Recognition
) -> None:
    dataset, pictures = classroom
    pictures._known["gallery/a.jpg"] = []
    document = evaluated((dataset, pictures), EvaluationSettings(how)).document()
    assert document["not_registered"] == ["a"]
    assert document["registered"] == 2
    # One face of a and one of c are missed; b in y.jpg looks like a, who is not there to be confused with.
    assert document["stage1"]["correct"] == 1
    assert document["stage1"]["missed"] == 3
    assert document["stage1"]["wrong"] == 0


def test_a_promoted_head_decides_in_the_second_stage(
    classroom: tuple[Dataset, MadeUpPictures], how: Recognition
) -> None:
    seen: list[list[StudentId]] = []

    def train(templates: object) -> TrainedHead:
        assert isinstance(templates, list)
        seen.append([template.student_id for template in templates if isinstance(template, Template)])
        weight = np.random.default_rng(0).normal(size=(HEAD_SIZE, EMBEDDING_SIZE)).astype(np.float32)
        bias = np.zeros(HEAD_SIZE, np.float32)
        return TrainedHead(Head(PACK, weight, bias, centre=0.0, deviation=0.125, fusion=0.4), "better")

    report = evaluated(classroom, EvaluationSettings(Recognition(PACK, how.population, how.policy, train)))
    document = report.document()
    assert seen == [["a", "b", "c"]]
    assert document["heads"] == {"promoted": 1, "refused": 0, "reasons": []}
    result = report.rounds[0]
    assert result.two_stage is not result.stage1
    assert document["two_stage"]["rank_1"] == 0.5


def test_the_head_names_and_stage_1_rejects(how: Recognition) -> None:
    random = np.random.default_rng(3)
    faces = random.normal(size=(60, EMBEDDING_SIZE)).astype(np.float32)
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    students = [Template(StudentId(f"s{number:02}"), PACK, faces[[number]], "0" * 64) for number in range(20)]
    prepared = prepare(Gallery.from_templates(students, PACK), how.population)
    weight = random.normal(size=(HEAD_SIZE, EMBEDDING_SIZE)).astype(np.float32)
    head = Head(PACK, weight, np.zeros(HEAD_SIZE, np.float32), centre=0.0, deviation=0.125, fusion=0.9)
    probes = faces[20:]
    alone = score(probes, prepared, same_photo=False).normalised
    named = head.fuse(alone, head.similarity(probes, prepared.gallery)).argmax(axis=1)
    assert (named != alone.argmax(axis=1)).any()
    ranking = rounds._ranking(probes, prepared, head)
    assert (ranking.argmax(axis=1) == named).all()
    rows = np.arange(len(probes))
    assert (ranking[rows, named] == alone[rows, named]).all()


def test_the_worst_mistakes_name_the_face_and_whom_it_was_taken_for(
    classroom: tuple[Dataset, MadeUpPictures], how: Recognition
) -> None:
    mistakes = worst_mistakes(evaluated(classroom, EvaluationSettings(how)), "stage1", 5)
    assert [(mistake.kind, mistake.person, mistake.named) for mistake in mistakes] == [
        (MistakeKind.WRONG, "b", "a"),
        (MistakeKind.ACCEPTED_STRANGER, None, "c"),
    ]
    assert mistakes[1].registered_by is not None
    assert mistakes[1].registered_by.name == "c.jpg"


def test_identity_folders_search_the_main_face_of_every_other_picture(tmp_path: Path, how: Recognition) -> None:
    faces = {}
    for number, name in enumerate("abc"):
        for image in range(3 if name != "c" else 1):
            picture(tmp_path / name / f"{image}.jpg")
            faces[f"{name}/{image}.jpg"] = [
                ([0.0, 0, 20, 20], person(9)),
                ([70.0, 20, 60, 60], person(number, image + 1)),
            ]
    for key, found in faces.items():
        faces[key] = found[::-1]
    dataset = read_dataset(tmp_path)
    report = evaluate_dataset(
        tmp_path, dataset, EvaluationSettings(how), MadeUpPictures(faces), lambda step, share: None
    )
    document = report.document()
    assert (document["seeds"], document["people"], document["registered"]) == (3, 3, 2)
    assert (document["probes"], document["strangers"]) == (5, 1)
    figures = document["stage1"]
    assert (figures["rank_1"], figures["dir_at_fpir_0_1"], figures["correct"], figures["wrong"]) == (1.0, 1.0, 4, 0)
    assert figures["intervals_95"]["rank_1"] == [1.0, 1.0]
    assert document["refused_registrations"] == {f"b/{image}.jpg": "too_blurred" for image in range(3)}


def test_the_page_needs_nothing_from_anywhere_and_shows_figures_charts_and_mistakes(
    classroom: tuple[Dataset, MadeUpPictures], how: Recognition, tmp_path: Path
) -> None:
    report = evaluated(classroom, EvaluationSettings(how, unregistered=0.3, seeds=3))
    page = write_html(report, tmp_path / "new" / "report").read_text(encoding="utf-8")
    assert {address.partition(":")[0] for address in re.findall(r'(?:src|href)="([^"]*)"', page)} == {"data"}
    assert not re.findall(r"""(?:src|href)=[^"]""", page)
    assert "http" not in page.replace("<!DOCTYPE html>", "")
    assert "@import" not in page
    assert "url(" not in page
    assert page.count("<svg") == 4, "two for class photos, one for the scores of both methods, one DET curve"
    assert page.index("Class photos") < page.index("Face by face"), "what a teacher asks comes first"
    assert "data:image/jpeg;base64," in page
    assert "prefers-color-scheme: dark" in page


def test_names_from_the_dataset_cannot_change_the_page(tmp_path: Path, how: Recognition) -> None:
    hostile = "<script>alert(1)<"
    for image in range(2):
        picture(tmp_path / hostile / f"{image}.jpg")
        picture(tmp_path / "b" / f"{image}.jpg")
    faces = {
        f"{hostile}/0.jpg": [(BOX, person(0))],
        f"{hostile}/1.jpg": [(BOX, person(1, 1))],
        "b/0.jpg": [(BOX, person(1))],
        "b/1.jpg": [(BOX, person(0, 1))],
    }
    report = evaluate_dataset(
        tmp_path, read_dataset(tmp_path), EvaluationSettings(how), MadeUpPictures(faces), lambda step, share: None
    )
    assert report.document()["stage1"]["wrong"] > 0
    page = render(report)
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert page.count("not measured: no strangers") == 9, "three rates of three methods"
