"""Groups, rosters, consent and erasure over real HTTP, with real photos where a face is needed."""

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from muster.composition.local import LocalSystem
from muster.domain.identifiers import StudentId

ROSTER = "student_id,name,group\nbarack_obama,Barack Obama,7b\njoe_biden,Joe Biden,7b\n0042,Ада Ловлейс,7b;math\n"


def archive(samples: Path, **more: bytes) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for photo in sorted((samples / "gallery").glob("*.jpg")):
            made.write(photo, f"class/{photo.name}")
        for name, content in more.items():
            made.writestr(f"{name}.jpg", content)
    return stream.getvalue()


def flat() -> bytes:
    stream = BytesIO()
    Image.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


def import_roster(client: httpx.Client, text: str = ROSTER, **query: Any) -> httpx.Response:
    return client.post("/v1/students/import", params=query, files={"file": ("roster.csv", text.encode())})


@pytest.fixture
def roster(client: httpx.Client) -> httpx.Client:
    assert import_roster(client).json()["applied"]
    return client


def test_a_roster_is_imported_after_a_look(client: httpx.Client) -> None:
    looked = import_roster(client, dry_run=True).json()
    assert (looked["applied"], looked["counts"]["add"]) == (False, 3)
    assert client.get("/v1/students").json()["items"] == []
    assert import_roster(client).json()["applied"]
    page = client.get("/v1/students", params={"limit": 2}).json()
    assert [student["student_id"] for student in page["items"]] == ["0042", "barack_obama"]
    rest = client.get("/v1/students", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert ([student["student_id"] for student in rest["items"]], rest["next_cursor"]) == (["joe_biden"], None)
    assert {student["state"] for student in page["items"]} == {"enrolled"}
    groups = client.get("/v1/groups").json()["items"]
    assert [(group["group_id"], group["name"]) for group in groups] == [("7b", "7b"), ("math", "math")]


def test_a_bad_row_is_named_and_nothing_is_written(client: httpx.Client) -> None:
    report = import_roster(client, ROSTER + "0042,Someone,7b\n").json()
    assert [(one["row"], one["code"]) for one in report["findings"]] == [(5, "repeated_id")]
    assert report["applied"] is False
    assert client.get("/v1/students").json()["items"] == []


@pytest.mark.parametrize(("content", "status"), [(b"", 422), (b"\x89PNG\0", 415), (b"PK\x03\x04", 415)])
def test_what_is_no_roster_is_refused(client: httpx.Client, content: bytes, status: int) -> None:
    response = client.post("/v1/students/import", files={"file": ("roster.xlsx", content)})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


def test_a_lost_update_is_refused(roster: httpx.Client) -> None:
    tag = roster.get("/v1/students/0042").headers["etag"]
    assert roster.patch("/v1/students/0042", json={"name": "Ада"}).status_code == 428
    first = roster.patch("/v1/students/0042", json={"name": "Ада Кинг"}, headers={"If-Match": tag})
    assert (first.status_code, first.json()["name"]) == (200, "Ада Кинг")
    second = roster.patch("/v1/students/0042", json={"name": "lost"}, headers={"If-Match": tag})
    assert (second.status_code, second.json()["code"]) == (412, "version_conflict")
    assert roster.get("/v1/students/0042").json()["name"] == "Ада Кинг"
    moved = roster.patch("/v1/students/0042", json={"group_ids": ["8a"]}, headers={"If-Match": first.headers["etag"]})
    assert moved.json()["group_ids"] == ["8a"]
    assert [one["student_id"] for one in roster.get("/v1/groups/8a/students").json()["items"]] == ["0042"]


def test_groups_are_made_named_and_removed_when_empty(roster: httpx.Client) -> None:
    assert roster.post("/v1/groups", json={"group_id": "7b", "name": "again"}).json()["code"] == "group_exists"
    made = roster.post("/v1/groups", json={"group_id": "art", "name": "Art", "teachers": ["ada"]})
    assert made.status_code == 201
    named = roster.patch("/v1/groups/art", json={"name": "Arts"}, headers={"If-Match": made.headers["etag"]})
    assert named.json() == {"group_id": "art", "name": "Arts", "teachers": ["ada"], "version": 2}
    assert roster.delete("/v1/groups/7b").json()["code"] == "group_in_use"
    assert roster.delete("/v1/groups/art").status_code == 204
    assert roster.get("/v1/groups/art").status_code == 404


def test_an_archive_registers_the_roster_and_reports_on_each_photo(roster: httpx.Client, samples: Path) -> None:
    content = archive(samples, **{"0042": flat(), "nobody": flat(), "no id": flat()})

    def send(**fields: str) -> httpx.Response:
        return roster.post("/register/register-students", data={"group_id": "7b", **fields}, files={"archive": content})

    assert send().json()["code"] == "consent_required"
    report = {one["photo"]: (one["result"], one["code"]) for one in send(consent="true").json()}
    assert report == {
        "barack_obama.jpg": ("registered", None),
        "joe_biden.jpg": ("registered", None),
        "0042.jpg": ("refused", "no_face"),
        "nobody.jpg": ("refused", "student_not_found"),
        "no id.jpg": ("refused", "invalid_request"),
    }
    states = {one["student_id"]: one["state"] for one in roster.get("/v1/students").json()["items"]}
    assert states == {"0042": "enrolled", "barack_obama": "registered", "joe_biden": "registered"}
    again = {one["photo"]: one["result"] for one in send(consent="true").json()}
    assert (again["barack_obama.jpg"], again["joe_biden.jpg"]) == ("repeated", "repeated")
    picture = roster.get("/v1/students/joe_biden/picture")
    assert picture.headers["content-type"] == "image/jpeg"
    assert max(Image.open(BytesIO(picture.content)).size) <= 400


def test_who_withdraws_is_unknown_from_then_on_and_may_come_back(
    roster: httpx.Client, system: LocalSystem, samples: Path
) -> None:
    data = {"group_id": "7b", "consent": "true"}
    roster.post("/register/register-students", data=data, files={"archive": archive(samples)})
    photo = {"images": (samples / "photos" / "group.jpg").read_bytes()}
    before = roster.post("/mark/detect", data={"group_id": "7b", "session_id": "first"}, files=photo).json()
    assert "barack_obama" in {face["student_id"] for face in before["photos"][0]["faces"]}
    assert len(roster.get("/v1/students/barack_obama/data").json()["faces"]) == 1

    withdrawn = roster.post("/v1/students/barack_obama/consent/withdrawal").json()
    assert withdrawn["state"] == "withdrawn"
    assert withdrawn["consent_withdrawn_at"] is not None
    assert roster.post("/v1/students/barack_obama/consent/withdrawal").json() == withdrawn
    assert roster.get("/v1/students/barack_obama/picture").status_code == 404
    kept = roster.get("/v1/students/barack_obama/data").json()
    assert (kept["embeddings"], kept["registration_photo"], kept["faces"]) == (0, False, [])
    assert [mark["status"] for mark in kept["marks"]] == ["present"]
    after = roster.post(
        "/mark/detect", data={"group_id": "7b", "session_id": "second", "use_anyway": "true"}, files=photo
    ).json()
    assert "barack_obama" not in {face["student_id"] for face in after["photos"][0]["faces"]}
    assert {mark["student_id"]: mark["status"] for mark in after["marks"]}["barack_obama"] == "absent"

    again = roster.post("/register/register-students", data=data, files={"archive": archive(samples)}).json()
    assert {one["photo"]: one["result"] for one in again}["barack_obama.jpg"] == "registered"
    assert roster.get("/v1/students/barack_obama").json()["state"] == "registered"


def test_erasing_leaves_a_count_and_no_trace(roster: httpx.Client, system: LocalSystem, samples: Path) -> None:
    data = {"group_id": "7b", "consent": "true"}
    roster.post("/register/register-students", data=data, files={"archive": archive(samples)})
    photo = {"images": (samples / "photos" / "group.jpg").read_bytes()}
    roster.post("/mark/detect", data={"group_id": "7b", "session_id": "first"}, files=photo)
    assert system.stores.students.traces(StudentId("barack_obama"))
    assert roster.delete("/v1/students/barack_obama").status_code == 204
    assert system.stores.students.traces(StudentId("barack_obama")) == []
    assert roster.get("/v1/students/barack_obama").status_code == 404
    assert "barack_obama" not in roster.get("/v1/sessions/first/marks").text
    report = roster.get("/v1/reports/attendance", params={"session_id": "first"}).text
    assert "barack_obama" not in report


def muster(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "muster", *arguments, "--data", str(data), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_line_imports_withdraws_and_proves_an_erasure(tmp_path: Path) -> None:
    data = tmp_path / "store"
    file = tmp_path / "roster.csv"
    file.write_text(ROSTER, encoding="utf-8")
    assert json.loads(muster("students", "import", str(file), data=data).stdout)["counts"]["add"] == 3
    file.write_text("id,name\n1,Nobody\n", encoding="utf-8")
    refused = muster("students", "import", str(file), data=data)
    assert (refused.returncode, json.loads(refused.stdout)["findings"][0]["code"]) == (1, "group_missing")
    assert [one["state"] for one in json.loads(muster("students", "list", data=data).stdout)] == ["enrolled"] * 3
    assert muster("students", "withdraw", "0042", "--yes", data=data).returncode == 0
    for _ in range(2):
        erased = muster("students", "erase", "0042", "--yes", "--verify", data=data)
        assert (erased.returncode, json.loads(erased.stdout)) == (0, {"erased": "0042", "traces": []})
    assert json.loads(muster("retention", data=data).stdout) == {"photos": 0, "sessions": 0}
