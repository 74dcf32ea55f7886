"""The labels of the samples are right by eye; here they are held to the pictures."""

import json
from pathlib import Path

import pytest
from PIL import Image


@pytest.mark.parametrize("name", [".", "class"])
def test_every_sample_photo_has_labels_inside_it(samples: Path, name: str) -> None:
    folder = samples / name
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    assert set(labels) == {path.name for path in (folder / "photos").iterdir()}
    registered = {path.stem for path in (folder / "gallery").iterdir()}
    for file, faces in labels.items():
        with Image.open(folder / "photos" / file) as photo:
            for face in faces:
                x, y, width, height = face["box"]
                assert x >= 0
                assert y >= 0
                assert x + width <= photo.width
                assert y + height <= photo.height
                assert face["student_id"] is None or face["student_id"] in registered


def test_every_picture_of_the_class_is_small_and_has_a_source(samples: Path) -> None:
    sources = (samples / "SOURCES.md").read_text(encoding="utf-8")
    pictures = [*(samples / "class").glob("*/*.jpg")]
    assert len(pictures) == 7
    for picture in pictures:
        assert picture.stat().st_size <= 200_000
        assert f"`{picture.relative_to(samples)}`" in sources
