"""Groups, rosters, consent and erasure over real HTTP, with real photos where a face is needed."""

import json
import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from muster.composition.local import LocalServices
from muster.domain.identifiers import StudentId
from tests import processes

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
    assert [(finding["row"], finding["code"]) for finding in report["findings"]] == [(5, "repeated_id")]
    assert report["applied"] is False
    assert client.get("/v1/students").json()["items"] == []


@pytest.mark.parametrize(("content", "status"), [(b"", 422), (b"\x89PNG\0", 415), (b"PK\x03\x04", 415)])
def test_what_is_no_roster_is_refused(client: httpx.Client, content: bytes, status: int) -> None:
    response = client.post("/v1/students/import", files={"file": ("roster.xlsx", content)})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


def test_a_dry_run_returns_how_the_file_was_understood(client: httpx.Client) -> None:
    content = "Matrikelnummer;Nachname;Vorname;Klasse\n0042;Müller;Jürgen;Bläser 7\n".encode("windows-1252")
    files = {"file": ("roster.csv", content)}
    looked = client.post("/v1/students/import", params={"dry_run": True}, files=files).json()
    assert looked["reading"] == {
        "encoding": "windows-1252",
        "delimiter": ";",
        "sheet": None,
        "header_row": 1,
        "columns": {
            "student_id": ["Matrikelnummer"],
            "first_name": ["Vorname"],
            "last_name": ["Nachname"],
            "groups": ["Klasse"],
        },
    }
    (row,) = looked["rows"]
    assert (row["name"], row["group_ids"], row["joins"]) == ("Jürgen Müller", ["Blaser-7"], ["Blaser-7"])
    (finding,) = looked["findings"]
    assert (finding["severity"], finding["code"], finding["row"]) == ("warning", "encoding_assumed", 2)
    assert (finding["column"], finding["value"]) == ("Vorname", "Jürgen Müller")
    assert client.post("/v1/students/import", files=files).json()["applied"]
    (group,) = client.get("/v1/groups").json()["items"]
    assert (group["group_id"], group["name"]) == ("Blaser-7", "Bläser 7")
    assert client.get("/v1/students", params={"group_id": "Blaser-7"}).json()["items"][0]["student_id"] == "0042"


def test_students_leave_groups_where_the_import_says_so(roster: httpx.Client) -> None:
    moved = ROSTER.replace("joe_biden,Joe Biden,7b", "joe_biden,Joe Biden,8a")
    assert import_roster(roster, moved).json()["rows"][1]["leaves"] == []
    report = import_roster(roster, moved, replace_groups=True).json()
    assert [(row["student_id"], row["leaves"], row["group_ids"]) for row in report["rows"] if row["leaves"]] == [
        ("joe_biden", ["7b"], ["8a"])
    ]
    report = import_roster(roster, "id,name\njoe_biden,Joe Biden\n", group_id="9c", leave_group_id="8a").json()
    assert report["rows"][0]["group_ids"] == ["9c"]
    assert roster.get("/v1/students/joe_biden").json()["group_ids"] == ["9c"]


@pytest.mark.parametrize(
    ("content", "query", "code"),
    [
        (b"id,name,group\n", {}, "roster_empty"),
        ("id,name,group\n1,Ayşe Yıldız,7b\n".encode("windows-1254"), {}, "encoding_unclear"),
        (b"id,name,group\n1,Ada,7b\n", {"encoding": "klingon"}, "invalid_request"),
    ],
)
def test_a_roster_that_cannot_be_imported_is_422(
    client: httpx.Client, content: bytes, query: dict[str, str], code: str
) -> None:
    for dry_run in (True, False):
        response = client.post(
            "/v1/students/import", params={**query, "dry_run": dry_run}, files={"file": ("a.csv", content)}
        )
        assert (response.status_code, response.json()["code"]) == (422, code)


def test_a_named_encoding_and_made_ids_are_used(client: httpx.Client) -> None:
    content = "id,name,group\n2021/CS/045,Ayşe Yıldız,7b\n".encode("windows-1254")
    query: dict[str, Any] = {"encoding": "windows-1254", "make_ids": True}
    report = client.post("/v1/students/import", params=query, files={"file": ("a.csv", content)}).json()
    assert report["applied"]
    assert client.get("/v1/students/2021-CS-045").json()["name"] == "Ayşe Yıldız"


def test_a_name_is_stored_in_one_form_wherever_it_comes_in(client: httpx.Client) -> None:
    decomposed, composed = "\u200fZoe\u0308 \u00a0Bjo\u0308rk\u200b", "Zo\u00eb Bj\u00f6rk"
    made = client.post("/v1/students", json={"student_id": "1", "name": decomposed, "group_ids": ["7b"]})
    assert made.json()["name"] == composed
    tag = {"If-Match": made.headers["etag"]}
    assert client.patch("/v1/students/1", json={"name": decomposed}, headers=tag).json()["name"] == composed
    report = import_roster(client, f"id,name,group\n1,{decomposed},7b\n").json()
    assert report["counts"]["nothing"] == 1
    refused = client.post("/v1/students", json={"student_id": "2", "name": "A\u0007", "group_ids": ["7b"]})
    assert (refused.status_code, "control character (U+0007)" in refused.json()["detail"]) == (422, True)


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
    assert [student["student_id"] for student in roster.get("/v1/groups/8a/students").json()["items"]] == ["0042"]


def test_groups_are_made_named_and_removed_when_empty(roster: httpx.Client) -> None:
    assert roster.post("/v1/groups", json={"group_id": "7b", "name": "again"}).json()["code"] == "group_exists"
    made = roster.post("/v1/groups", json={"group_id": "art", "name": "Art", "teachers": ["ada"]})
    assert made.status_code == 201
    named = roster.patch("/v1/groups/art", json={"name": "Arts"}, headers={"If-Match": made.headers["etag"]})
    assert named.json() == {"group_id": "art", "name": "Arts", "teachers": ["ada"], "teacher_names": {}, "version": 2}
    assert roster.delete("/v1/groups/7b").json()["code"] == "group_in_use"
    assert roster.delete("/v1/groups/art").status_code == 204
    assert roster.get("/v1/groups/art").status_code == 404


def test_an_archive_registers_the_roster_and_reports_on_each_photo(roster: httpx.Client, samples: Path) -> None:
    content = archive(samples, **{"0042": flat(), "nobody": flat(), "no id": flat()})

    def send(**fields: str) -> httpx.Response:
        return roster.post("/register/register-students", data={"group_id": "7b", **fields}, files={"archive": content})

    assert send().json()["code"] == "consent_required"
    report = {row["photo"]: (row["result"], row["code"]) for row in send(consent="true").json()}
    assert report == {
        "barack_obama.jpg": ("registered", None),
        "joe_biden.jpg": ("registered", None),
        "0042.jpg": ("refused", "no_face"),
        "nobody.jpg": ("refused", "student_not_found"),
        "no id.jpg": ("refused", "invalid_request"),
    }
    states = {student["student_id"]: student["state"] for student in roster.get("/v1/students").json()["items"]}
    assert states == {"0042": "enrolled", "barack_obama": "registered", "joe_biden": "registered"}
    again = {row["photo"]: row["result"] for row in send(consent="true").json()}
    assert (again["barack_obama.jpg"], again["joe_biden.jpg"]) == ("repeated", "repeated")
    picture = roster.get("/v1/students/joe_biden/picture")
    assert picture.headers["content-type"] == "image/jpeg"
    assert max(Image.open(BytesIO(picture.content)).size) <= 400


def test_who_withdraws_is_unknown_from_then_on_and_may_come_back(
    roster: httpx.Client, system: LocalServices, samples: Path
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
    assert (after["taken"], after["marks"]) == (False, [])

    again = roster.post("/register/register-students", data=data, files={"archive": archive(samples)}).json()
    assert {row["photo"]: row["code"] for row in again}["barack_obama.jpg"] == "consent_withdrawn"
    assert roster.get("/v1/students/barack_obama").json()["state"] == "withdrawn"
    renewal = {"student_id": "barack_obama", "name": "Barack Obama", "renew_consent": "true", **data}
    image = {"image": (samples / "gallery" / "barack_obama.jpg").read_bytes()}
    assert roster.post("/register/register-student", data=renewal, files=image).status_code == 201
    assert roster.get("/v1/students/barack_obama").json()["state"] == "registered"


def test_erasing_leaves_a_count_and_no_trace(roster: httpx.Client, system: LocalServices, samples: Path) -> None:
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
    return shown(*arguments, "--json", data=data)


@pytest.mark.processes
def test_the_command_line_imports_withdraws_and_proves_an_erasure(tmp_path: Path) -> None:
    data = tmp_path / "store"
    file = tmp_path / "roster.csv"
    file.write_text(ROSTER, encoding="utf-8")
    assert json.loads(muster("students", "import", str(file), data=data).stdout)["counts"]["add"] == 3
    file.write_text("id,name\n1,Nobody\n", encoding="utf-8")
    refused = muster("students", "import", str(file), data=data)
    assert (refused.returncode, json.loads(refused.stdout)["findings"][0]["code"]) == (1, "group_missing")
    assert [student["state"] for student in json.loads(muster("students", "list", data=data).stdout)] == [
        "enrolled"
    ] * 3
    assert muster("students", "withdraw", "0042", "--yes", data=data).returncode == 0
    for _ in range(2):
        erased = muster("students", "erase", "0042", "--yes", "--verify", data=data)
        assert (erased.returncode, json.loads(erased.stdout)) == (0, {"erased": "0042", "traces": []})
    assert json.loads(muster("retention", data=data).stdout) == {"photos": 0, "sessions": 0}


def shown(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    return processes.run(["-m", "muster", *arguments, "--data", str(data)])


def at_a_terminal(answer: str, *arguments: str, data: Path) -> tuple[int, str]:
    """Run a command at a terminal, and type an answer to its question."""
    parent, child = os.openpty()
    command = [sys.executable, "-m", "muster", *arguments, "--data", str(data)]
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, close_fds=True) as process:
        os.close(child)
        output = b""
        with suppress(OSError):
            # Linux ends a terminal whose other side is closed with EIO.
            while part := os.read(parent, 4096):
                output += part
                if b"[y/N]" in output and answer:
                    os.write(parent, answer.encode() + b"\n")
                    answer = ""
        os.close(parent)
        return process.wait(), output.decode()


@pytest.mark.processes
def test_the_command_line_previews_asks_and_moves_students(tmp_path: Path) -> None:
    data = tmp_path / "store"
    file = tmp_path / "roster.csv"
    file.write_text("Class list;;\nMatrikelnummer;Name;Klasse\n0042;Ada;Year 7 B\n0043;Bob;7a\n", encoding="utf-8")
    code, output = at_a_terminal("n", "students", "import", str(file), data=data)
    assert (code, "separated by semicolons; row 2 is the header" in output) == (1, True)
    assert "(2 new, 0 changed, 0 as before)? [y/N]" in output
    code, output = at_a_terminal("y", "students", "import", str(file), data=data)
    assert (code, "2 new" in output) == (0, True)
    listed = {
        student["student_id"]: student["group_ids"]
        for student in json.loads(muster("students", "list", data=data).stdout)
    }
    assert listed == {"0042": ["Year-7-B"], "0043": ["7a"]}

    file.write_text("id,name,group\n0042,Ada,7a\n0043,Bob,Year 7 B\n", encoding="utf-8")
    looked = shown("students", "import", str(file), "--dry-run", "--replace-groups", data=data)
    assert (looked.returncode, "0042 leaves Year-7-B, joins 7a" in looked.stdout) == (0, True)
    assert "Nothing was written. Without --dry-run: 0 new, 2 changed, 0 as before." in looked.stdout
    assert shown("students", "import", str(file), "--replace-groups", data=data).returncode == 0

    file.write_text("id,name,group\n", encoding="utf-8")
    empty = shown("students", "import", str(file), data=data)
    assert (empty.returncode, "names no student" in empty.stderr) == (1, True)
    file.write_text("id,name,group\n1/2,Ada,7a\n", encoding="utf-8")
    refused = shown("students", "import", str(file), data=data)
    assert (refused.returncode, "Nothing was written: 1 error." in refused.stdout) == (1, True)

    changed = muster("students", "change", "0042", "--leave", "7a", "--join", "8c", "--name", "Ada L.", data=data)
    assert json.loads(changed.stdout) == {"student_id": "0042", "name": "Ada L.", "group_ids": ["8c"]}
    assert muster("students", "change", "0042", "--leave", "7a", data=data).returncode == 2
    assert muster("students", "change", "0042", "--leave", "8c", data=data).returncode == 1
    assert muster("students", "change", "0042", data=data).returncode == 2
