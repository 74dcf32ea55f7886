"""The evaluation of real photos with the real model pack."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from muster.composition.training import population_of
from muster.composition.vision import open_models
from muster.domain.errors import DamagedImage, UnsupportedImage
from muster.domain.faces import Faces
from muster.evaluation.embed import Pictures, shrink
from muster.evaluation.report import render
from muster.evaluation.rounds import Recognition
from muster.evaluation.run import EvaluationSettings, evaluate
from muster.packs.load import ModelPack
from muster.recognition.policy import Policy
from muster.vision.pipeline import VisionPipeline


@pytest.fixture(scope="module")
def vision(pack: ModelPack) -> VisionPipeline:
    return replace(open_models(pack, 1), views=2)


@pytest.fixture
def settings(pack: ModelPack) -> EvaluationSettings:
    population = population_of(pack.statistics)
    return EvaluationSettings(Recognition(pack.id, population, Policy(), None))


def test_the_sample_photos_come_out_right(samples: Path, vision: VisionPipeline, settings: EvaluationSettings) -> None:
    said: list[float] = []
    report = evaluate(samples, settings, vision, lambda step, share: said.append(share))
    document = report.document()
    assert (document["people"], document["probes"], document["strangers"]) == (2, 3, 1)
    figures = document["stage1"]
    assert (figures["detection_recall"], figures["rank_1"], figures["dir_at_fpir_0_1"]) == (1.0, 1.0, 1.0)
    assert (figures["correct"], figures["wrong"], figures["missed"], figures["accepted_strangers"]) == (2, 0, 0, 0)
    (of_class,) = document["class_photos"]["classes"]
    assert (of_class["usual"]["marked"], of_class["usual"]["questions_per_photo"]) == (1.0, 0.0)
    assert of_class["wrong_class"]["strangers_marked_count"] == 0
    assert said == sorted(said)
    assert said[-1] == 1.0
    assert "data:image" not in render(report), "there is no mistake to show"


def test_a_shrunk_face_stays_the_same_person_and_gets_harder(samples: Path, vision: VisionPipeline) -> None:
    pictures = Pictures(vision)
    portrait = samples / "gallery" / "joe_biden.jpg"
    seen = pictures.faces(portrait)
    cosines = []
    for width in (10_000, 80, 40, 20):
        small = pictures.shrunk_faces(portrait, width)
        assert (small.boxes == seen.boxes).all()
        cosines.append(float(small.embeddings[0] @ seen.embeddings[0]))
    assert cosines[0] == pytest.approx(1.0, abs=1e-5), "a face that is no wider is left unchanged"
    assert cosines == sorted(cosines, reverse=True)
    assert cosines[-1] > 0.3


def test_a_shrunk_picture_keeps_its_faces_in_their_place() -> None:
    boxes, landmarks = np.array([[40.0, 20, 60, 80]], np.float32), np.full((1, 5, 2), 50.0, np.float32)
    small, faces = shrink(np.zeros((200, 101, 3), np.uint8), Faces(boxes, landmarks, np.ones(1, np.float32)), 0.5)
    assert small.shape == (100, 50, 3)
    assert faces.boxes[0] == pytest.approx([40 * 50 / 101, 10, 60 * 50 / 101, 40])
    assert faces.landmarks[0, 0] == pytest.approx([50 * 50 / 101, 25])


def test_a_picture_that_cannot_be_read_is_named(
    tmp_path: Path, vision: VisionPipeline, settings: EvaluationSettings, samples: Path
) -> None:
    portrait = (samples / "gallery" / "joe_biden.jpg").read_bytes()
    (tmp_path / "joe").mkdir()
    (tmp_path / "joe" / "1.jpg").write_bytes(portrait)
    (tmp_path / "joe" / "2.jpg").write_bytes(portrait[: len(portrait) // 2])
    with pytest.raises(DamagedImage, match=r"joe/2\.jpg"):
        evaluate(tmp_path, settings, vision, lambda step, share: None)
    (tmp_path / "joe" / "2.jpg").write_text("no picture")
    with pytest.raises(UnsupportedImage, match=r"joe/2\.jpg"):
        evaluate(tmp_path, settings, vision, lambda step, share: None)
