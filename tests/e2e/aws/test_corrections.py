"""Pictures, corrections and learning in the cloud: each by the function that can, and may, do it."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.photos import detect, register

pytestmark = pytest.mark.timeout(900)


def size_of(content: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(content)).size


def test_a_teacher_looks_corrects_and_teaches(deployed: Deployed, samples: Path) -> None:
    client = deployed.client
    for student in ("barack_obama", "joe_biden"):
        assert register(deployed, samples, student).status_code == 201
    found = detect(deployed, (samples / "photos" / "group.jpg").read_bytes()).json()
    session, photo = f"/v1/sessions/{found['session_id']}", found["photos"][0]
    face = next(face for face in photo["faces"] if face["student_id"] == "barack_obama")

    annotated = client.get(f"{session}/photos/{photo['photo_id']}/annotated")
    assert annotated.headers["content-type"] == "image/jpeg"
    assert size_of(annotated.content) == (photo["width"], photo["height"])
    assert size_of(client.get(f"{session}/faces/{face['face_id']}/picture").content) != (0, 0)
    assert max(size_of(client.get("/v1/students/joe_biden/picture").content)) <= 400

    named = client.post(
        f"{session}/faces/{face['face_id']}/student", json={"student_id": "barack_obama", "learn": True}
    )
    assert named.status_code == 200, named.text
    assert client.get("/v1/students/barack_obama/data").json()["learned_faces"][0]["face_id"] == face["face_id"]
    marks = client.patch(
        f"{session}/marks",
        json={"marks": [{"student_id": "barack_obama", "status": "absent"}]},
        headers={"If-Match": "*"},
    )
    assert marks.status_code == 200, marks.text
    assert client.get("/v1/students/barack_obama/data").json()["learned_faces"] == []
    assert client.get("/v1/reports/attendance", params={"group_id": "7b"}).status_code == 200
    assert client.delete(session).status_code == 204
    assert client.get(session).json()["code"] == "session_not_found"
    assert client.post("/v1/students/joe_biden/consent/withdrawal").json()["state"] == "withdrawn"


def test_a_roster_is_registered_from_an_archive(deployed: Deployed, samples: Path) -> None:
    roster = b"id,name,group\nbarack_obama,Barack Obama,7b\njoe_biden,Joe Biden,7b\n"
    imported = deployed.client.post("/v1/students/import", files={"file": ("roster.csv", roster)})
    assert imported.json()["applied"], imported.text
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for photo in (samples / "gallery").glob("*.jpg"):
            archive.write(photo, photo.name)
    reports = deployed.client.post(
        "/register/register-students",
        data={"group_id": "7b", "consent": "true"},
        files={"archive": ("class.zip", stream.getvalue())},
    )
    assert {row["student_id"]: row["result"] for row in reports.json()} == {
        "barack_obama": "registered",
        "joe_biden": "registered",
    }
