"""`muster evaluate` at the terminal: what a teacher asks comes first, in words that need no explanation."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from muster.packs.load import ModelPack
from tests import processes

pytestmark = pytest.mark.processes


def evaluate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.run(["-m", "muster", "evaluate", *arguments], trains=True)


def test_an_evaluation_begins_with_class_photos_and_keeps_its_document(
    tmp_path: Path, samples: Path, pack: ModelPack
) -> None:
    folder = tmp_path / "report"
    told = evaluate(str(samples), "--json", "--report", str(folder))
    assert told.returncode == 0, told.stderr
    document = json.loads(told.stdout)
    assert document["pack"] == pack.id
    for method in ("stage1", "two_stage"):
        counts = {"correct", "wrong", "missed", "review", "accepted_strangers"}
        assert counts <= document[method].keys()
    assert document["facenet_alone"]["rank_1"] == 1.0
    (of_class,) = document["class_photos"]["classes"]
    assert (of_class["registered"], of_class["usual"]["marked"]) == (2, 1.0)
    assert of_class["usual"]["calibration"]["faces"] == 2

    page = (folder / "index.html").read_text(encoding="utf-8")
    words = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page)
    assert words.index("Class photos") < words.index("Face by face")
    assert not re.search(r"\b(head|heads|stage|two-stage)\b", words)


def test_an_evaluation_at_the_terminal_speaks_of_students_and_questions(samples: Path) -> None:
    shown = evaluate(str(samples))
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("Photos of a class of 2")
    assert "students to confirm" in shown.stdout
    assert not re.search(r"\b(head|heads|stage|two-stage)\b", shown.stdout)
    refused = evaluate(str(samples), "--class-size", "0")
    assert refused.returncode == 2
