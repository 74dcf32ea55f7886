"""The main job through the real entry points: real weights, real photos, real HTTP, real processes."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests import processes
from tests.e2e.answers import decided

GROUP = "7b"


def register(client: httpx.Client, samples: Path, student_id: str) -> httpx.Response:
    image = (samples / "gallery" / f"{student_id}.jpg").read_bytes()
    fields = {"student_id": student_id, "name": student_id.title(), "group_id": GROUP, "consent": "true"}
    return client.post("/register/register-student", data=fields, files={"image": image})


def detect(client: httpx.Client, *photos: Path, **fields: Any) -> httpx.Response:
    files = [("images", (photo.name, photo.read_bytes())) for photo in photos]
    return client.post("/mark/detect", data={"group_id": GROUP, **fields}, files=files)


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {mark["student_id"]: mark["status"] for mark in document["marks"]}


@pytest.fixture
def registered(client: httpx.Client, samples: Path) -> httpx.Client:
    for student_id in ("barack_obama", "joe_biden"):
        assert register(client, samples, student_id).status_code == 201
    return client


def test_a_group_photo_marks_who_is_there_and_names_no_stranger(registered: httpx.Client, samples: Path) -> None:
    response = detect(registered, samples / "photos" / "group.jpg")
    assert response.status_code == 200, response.text
    document = response.json()
    assert statuses(document) == {"barack_obama": "present", "joe_biden": "absent"}
    faces = document["photos"][0]["faces"]
    labels = json.loads((samples / "labels.json").read_text())["group.jpg"]
    assert len(faces) == len(labels)
    for label in labels:
        face = max(faces, key=lambda face: overlap(face["box"], label["box"]))
        assert overlap(face["box"], label["box"]) > 0.5
        assert face["student_id"] == label["student_id"]
        assert face["decision"] == ("unknown" if label["student_id"] is None else "present")
    assert document["model"]["pack"].startswith("embedded")
    assert set(document["timings_ms"]) == {"decode", "detect", "segment", "embed", "match"}


def overlap(one: list[int], other: list[int]) -> float:
    """Intersection over union of two boxes x, y, width, height."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def test_photos_of_one_session_add_up(registered: httpx.Client, samples: Path) -> None:
    empty = BytesIO()
    Image.fromarray(np.full((480, 640, 3), 120, np.uint8)).save(empty, "JPEG")
    first = registered.post(
        "/mark/detect", data={"group_id": GROUP, "session_id": "monday"}, files={"images": empty.getvalue()}
    )
    assert (first.json()["taken"], first.json()["marks"]) == (False, [])
    assert (
        statuses(detect(registered, samples / "photos" / "dim.jpg", session_id="monday").json())["barack_obama"]
        == "present"
    )
    last = registered.post(
        "/mark/detect", data={"group_id": GROUP, "session_id": "monday"}, files={"images": empty.getvalue()}
    )
    assert statuses(last.json()) == {"barack_obama": "present", "joe_biden": "absent"}


def test_the_same_request_twice_is_one_registration_and_one_session(registered: httpx.Client, samples: Path) -> None:
    again = register(registered, samples, "barack_obama")
    assert (again.status_code, again.json()["repeated"]) == (201, True)
    assert len(registered.get("/v1/students").json()["items"]) == 2
    photo = samples / "photos" / "group.jpg"
    first, second = detect(registered, photo).json(), detect(registered, photo).json()
    assert decided(first) == decided(second)


def test_registrations_and_a_detection_at_once_lose_nothing(client: httpx.Client, samples: Path) -> None:
    assert register(client, samples, "joe_biden").status_code == 201
    with ThreadPoolExecutor(6) as pool:
        same = [pool.submit(register, client, samples, "barack_obama") for _ in range(3)]
        reads = [pool.submit(detect, client, samples / "photos" / "group.jpg", session_id="m") for _ in range(3)]
        assert [call.result().status_code for call in same] == [201] * 3
        assert sum(not call.result().json()["repeated"] for call in same) == 1
        assert [call.result().status_code for call in reads] == [200] * 3
    assert [student["student_id"] for student in client.get("/v1/students").json()["items"]] == [
        "barack_obama",
        "joe_biden",
    ]
    # A session keeps the roster it was opened with, so a later one is asked who is present now.
    assert statuses(detect(client, samples / "photos" / "group.jpg", session_id="n", use_anyway="true").json()) == {
        "barack_obama": "present",
        "joe_biden": "absent",
    }


def test_an_erased_student_is_found_no_more(registered: httpx.Client, samples: Path) -> None:
    assert registered.delete("/v1/students/barack_obama").status_code == 204
    assert registered.get("/v1/students/barack_obama").status_code == 404
    faces = detect(registered, samples / "photos" / "group.jpg").json()["photos"][0]["faces"]
    assert {face["decision"] for face in faces} == {"unknown"}


def test_health_names_the_model_and_docs_are_served(client: httpx.Client) -> None:
    health = client.get("/health").json()
    assert health["status"] == "ok"
    assert health["model"] == {"pack": "embedded-2", "head": None}
    assert client.get("/docs").status_code == 200


def muster(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return processes.run(["-m", "muster", *map(str, arguments)], **options)


@pytest.mark.processes
def test_the_command_line_registers_and_detects(pack: object, samples: Path, tmp_path: Path) -> None:
    store = ("--data", tmp_path / "store", "--json")
    portrait = samples / "gallery" / "barack_obama.jpg"
    done = muster("register", portrait, "--id", "007", "--name", "Барак", "--group", GROUP, "--consent", *store)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["student_id"] == "007"
    done = muster("detect", samples / "photos" / "group.jpg", "--group", GROUP, "--annotate", tmp_path / "out", *store)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert statuses(document) == {"007": "present"}
    with Image.open(document["annotated"][0]) as picture:
        assert picture.size == (1366, 768)
    listed = muster("students", "list", *store)
    assert [student["name"] for student in json.loads(listed.stdout)] == ["Барак"]
    assert muster("students", "erase", "007", "--yes", *store).returncode == 0
    assert json.loads(muster("students", "list", *store).stdout) == []


@pytest.mark.processes
def test_a_failed_command_exits_1_with_its_code_and_wrong_usage_exits_2(
    pack: object, samples: Path, tmp_path: Path
) -> None:
    group = samples / "photos" / "group.jpg"
    store = ("--data", tmp_path / "store", "--json")
    failed = muster("register", group, "--id", "a", "--name", "A", "--group", GROUP, "--consent", *store)
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["code"] == "several_faces"
    assert "several_faces" in failed.stderr
    assert muster("register", group).returncode == 2
    assert muster("detect", tmp_path / "missing.jpg", "--group", GROUP).returncode == 2


@pytest.mark.processes
def test_the_demo_registers_a_class_and_ends_with_a_picture(pack: object, tmp_path: Path) -> None:
    done = muster("demo", "--output", tmp_path / "out", "--json", cwd=tmp_path, trains=True)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    present = ("daniel_barry", "james_voss", "patrick_forrester", "scott_horowitz", "susan_helms")
    assert statuses(document) == {"eileen_collins": "absent"} | dict.fromkeys(present, "present")
    (faces,) = [photo["faces"] for photo in document["photos"]]
    assert sum(face["decision"] == "unknown" for face in faces) == 5
    (annotated,) = document["annotated"]
    assert Path(annotated).stat().st_size > 10_000
    assert "6 students registered" in done.stderr
