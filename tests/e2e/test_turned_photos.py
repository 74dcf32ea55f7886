"""Photos that lie on their side or upside down are read, stored and shown upright; covered faces are warned of."""

import json
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from muster.cli.app import app
from muster.composition.local import LocalBackend, LocalServices
from muster.domain.identifiers import StudentId
from muster.vision.decode import decode
from muster.vision.pipeline import VisionPipeline
from tests.contract.examples import enrol
from tests.e2e.pictures import encoded

GROUP = "7b"
# What has to be done to a picture to see it upright again: anticlockwise, as Pillow counts.
LYING = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


def lying(photo: Path, degrees: int) -> bytes:
    """Turn a photo so that turning it clockwise by so many degrees makes it upright, without saying so in EXIF."""
    return encoded(Image.open(photo).convert("RGB").transpose(LYING[degrees]), "PNG")


def register(client: httpx.Client, image: bytes, student_id: str = "barack_obama") -> dict[str, Any]:
    fields = {"student_id": student_id, "name": student_id, "group_id": GROUP, "consent": "true"}
    answer = client.post("/register/register-student", data=fields, files={"image": image})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def detect(client: httpx.Client, image: bytes, session: str) -> dict[str, Any]:
    form = {"group_id": GROUP, "session_id": session, "use_anyway": "true"}
    answer = client.post("/mark/detect", data=form, files={"images": image})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(content)).convert("RGB")).astype(int)


@pytest.mark.parametrize("degrees", sorted(LYING))
def test_a_lying_photo_of_a_group_marks_and_shows_what_the_upright_one_does(
    client: httpx.Client, samples: Path, degrees: int
) -> None:
    register(client, (samples / "gallery" / "barack_obama.jpg").read_bytes())
    upright = detect(client, lying(samples / "photos" / "group.jpg", 180), "upright")
    read = detect(client, lying(samples / "photos" / "group.jpg", degrees), "lying")
    assert [mark["status"] for mark in read["marks"]] == ["present"]
    photo, expected = read["photos"][0], upright["photos"][0]
    assert (photo["turned"], expected["turned"]) == (degrees, 180)
    assert (photo["width"], photo["height"]) == (expected["width"], expected["height"])
    assert [(face["box"], face["decision"]) for face in photo["faces"]] == [
        (face["box"], face["decision"]) for face in expected["faces"]
    ]

    # The stored photo, the annotated one and the faces cut out of it are shown upright.
    stored = client.get("/v1/sessions/lying/photos").json()[0]
    assert stored == photo
    shown = {}
    for session, document in (("lying", photo), ("upright", expected)):
        path = f"/v1/sessions/{session}/photos/{document['photo_id']}"
        face = f"/v1/sessions/{session}/faces/{document['faces'][0]['face_id']}/picture"
        shown[session] = [client.get(f"{path}/picture"), client.get(f"{path}/annotated"), client.get(face)]
    for seen, wanted in zip(shown["lying"], shown["upright"], strict=True):
        assert seen.status_code == 200, seen.text
        np.testing.assert_array_equal(pixels(seen.content), pixels(wanted.content))


def test_a_face_of_a_lying_photo_can_be_learned(client: httpx.Client, system: LocalServices, samples: Path) -> None:
    register(client, (samples / "gallery" / "barack_obama.jpg").read_bytes())
    read = detect(client, lying(samples / "photos" / "group.jpg", 90), "lying")
    face = next(face for face in read["photos"][0]["faces"] if face["decision"] == "present")
    answer = client.post(
        f"/v1/sessions/lying/faces/{face['face_id']}/student",
        json={"student_id": "barack_obama", "learn": True},
    )
    assert answer.status_code == 200, answer.text
    assert [str(face) for face in system.stores.students.template(StudentId("barack_obama")).learned_ids] == [
        face["face_id"]
    ]


def test_a_lying_registration_photo_is_turned_and_recognised_with_a_warning(
    client: httpx.Client, system: LocalServices, vision: VisionPipeline, samples: Path
) -> None:
    portrait = samples / "gallery" / "barack_obama.jpg"
    sent = lying(portrait, 270)
    answer = register(client, sent)
    assert [warning["code"] for warning in answer["warnings"]] == ["photo_turned"]
    student = StudentId("barack_obama")
    template = system.stores.students.template(student)
    upright = vision.registration_views(decode(portrait.read_bytes()))
    assert float(template.embeddings[0] @ upright.embeddings[0]) > 0.99
    assert system.stores.students.photo(student) == sent
    read = detect(client, (samples / "photos" / "group.jpg").read_bytes(), "monday")
    assert [mark["status"] for mark in read["marks"]] == ["present"]


def masked(portrait: Path, vision: VisionPipeline) -> bytes:
    """Paint a surgical mask over nose and mouth."""
    photo = decode(portrait.read_bytes())
    right, left, _, right_mouth, left_mouth = vision.detector.detect(photo.pixels).landmarks[0]
    eyes, mouth = (right + left) / 2, (right_mouth + left_mouth) / 2
    down = mouth - eyes
    across = np.array([down[1], -down[0]])
    half = np.array([[0, 0.45], [0.35, 0.5], [0.9, 0.5], [0.8, 1.1], [0.4, 1.6], [0, 1.7]])
    outline = np.concatenate([half, half[::-1] * (-1, 1)])
    picture = Image.fromarray(photo.pixels)
    corners = [tuple(eyes + x * across + y * down) for x, y in outline]
    ImageDraw.Draw(picture).polygon(corners, fill=(205, 222, 232))
    return encoded(picture, quality=95)


def test_a_masked_registration_photo_is_taken_with_a_warning_and_half_its_quality(
    client: httpx.Client, vision: VisionPipeline, samples: Path
) -> None:
    portrait = samples / "gallery" / "barack_obama.jpg"
    bare = register(client, portrait.read_bytes(), "bare")
    assert bare["warnings"] == []
    answer = client.delete("/v1/students/bare")
    assert answer.status_code < 300, answer.text
    covered = register(client, masked(portrait, vision), "masked")
    assert [warning["code"] for warning in covered["warnings"]] == ["mouth_covered"]
    assert covered["quality"] <= 0.5 < bare["quality"]


def test_the_command_line_says_what_was_turned(
    tmp_path: Path, samples: Path, vision: VisionPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muster.cli.recognition.LocalBackend", partial(LocalBackend, vision=vision))
    portrait, group = tmp_path / "ada.png", tmp_path / "group.png"
    portrait.write_bytes(lying(samples / "gallery" / "barack_obama.jpg", 90))
    group.write_bytes(lying(samples / "photos" / "group.jpg", 180))
    store = ["--data", str(tmp_path / "store")]
    runner = CliRunner(env={"COLUMNS": "200"})
    registered = runner.invoke(
        app, ["register", str(portrait), "--id", "s1", "--name", "Ada", "--group", GROUP, "--consent", *store]
    )
    assert registered.exit_code == 0, registered.output
    assert "photo_turned: The photo was not upright" in registered.output
    read = runner.invoke(app, ["detect", str(group), "--group", GROUP, *store])
    assert read.exit_code == 0, read.output
    assert "group.png: The photo was not upright. It was turned by 180 degrees clockwise." in read.output


def test_registering_a_folder_says_in_the_row_of_each_photo_what_was_noticed(
    tmp_path: Path, samples: Path, vision: VisionPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muster.cli.backend.LocalBackend", partial(LocalBackend, vision=vision))
    folder, gallery = tmp_path / "portraits", samples / "gallery"
    folder.mkdir()
    upright = tmp_path / "masked.jpg"
    upright.write_bytes(masked(gallery / "barack_obama.jpg", vision))
    (folder / "covered.png").write_bytes(lying(upright, 90))
    (folder / "bare.jpg").write_bytes((gallery / "joe_biden.jpg").read_bytes())
    enrol(LocalBackend(tmp_path / "store").stores, "bare", "covered")
    command = ["students", "register", str(folder), "--consent", "--data", str(tmp_path / "store")]
    runner = CliRunner(env={"COLUMNS": "400"})
    shown = runner.invoke(app, command)
    assert shown.exit_code == 0, shown.output
    (row,) = (line for line in shown.output.splitlines() if "covered.png" in line)
    assert "photo_turned" in row
    assert "The photo was not upright" in row
    assert "Mouth or nose seem to be covered" in row
    assert "bare.jpg" not in shown.output
    assert "2 registered, 0 registered before, 0 refused." in shown.output

    read = runner.invoke(app, [*command, "--json"])
    assert read.exit_code == 0, read.output
    assert [(row["photo"], row["result"]) for row in json.loads(read.stdout)] == [
        ("bare.jpg", "repeated"),
        ("covered.png", "repeated"),
    ]
