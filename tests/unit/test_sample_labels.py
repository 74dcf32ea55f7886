"""The labels of the samples are right by eye; here they are held to the pictures."""

import json
from pathlib import Path

from PIL import Image


def test_every_sample_photo_has_labels_inside_it(samples: Path) -> None:
    labels = json.loads((samples / "labels.json").read_text(encoding="utf-8"))
    assert set(labels) == {path.name for path in (samples / "photos").iterdir()}
    registered = {path.stem for path in (samples / "gallery").iterdir()}
    for name, faces in labels.items():
        with Image.open(samples / "photos" / name) as photo:
            for face in faces:
                x, y, width, height = face["box"]
                assert x >= 0
                assert y >= 0
                assert x + width <= photo.width
                assert y + height <= photo.height
                assert face["student_id"] is None or face["student_id"] in registered
