"""Sessions over HTTP: opened, corrected, asked about, learned from; real photos and real weights."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from muster.cli.app import app
from muster.composition.local import LocalServices
from muster.domain.attendance import MarkStatus
from muster.domain.faces import Decision
from muster.domain.identifiers import FaceId, SessionId, StudentId
from tests.e2e.pictures import landscape
from tests.e2e.web.school import uncertain

GROUP = "7b"


def register(client: httpx.Client, samples: Path, student_id: str, group: str = GROUP) -> None:
    image = (samples / "gallery" / f"{student_id}.jpg").read_bytes()
    fields = {"student_id": student_id, "name": student_id.title(), "group_id": group, "consent": "true"}
    answer = client.post("/register/register-student", data=fields, files={"image": image})
    assert answer.status_code == 201, answer.text


def detect(client: httpx.Client, photo: Path | bytes, session: str = "monday", **form: str) -> dict[str, Any]:
    content = photo if isinstance(photo, bytes) else photo.read_bytes()
    fields = {"group_id": GROUP, "session_id": session, **form}
    answer = client.post("/mark/detect", data=fields, files={"images": content})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def code_of(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["code"])


def statuses(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {mark["student_id"]: (mark["status"], mark["source"]) for mark in document["marks"]}


@pytest.fixture
def school(client: httpx.Client, samples: Path) -> httpx.Client:
    """Two students with photos, one without."""
    for student_id in ("barack_obama", "joe_biden"):
        register(client, samples, student_id)
    new = {"student_id": "cy", "name": "Cy", "group_ids": [GROUP]}
    assert client.post("/v1/students", json=new).status_code == 201
    return client


@pytest.fixture
def monday(school: httpx.Client, samples: Path) -> dict[str, Any]:
    """A session with the group photo: Obama, and a stranger."""
    return detect(school, samples / "photos" / "group.jpg")


def face_of(document: dict[str, Any], student: str | None) -> str:
    (face,) = [face for face in document["photos"][0]["faces"] if face["student_id"] == student]
    return str(face["face_id"])


def named(client: httpx.Client, face: str, student: str | None, session: str = "monday", **more: Any) -> httpx.Response:
    headers = more.pop("headers", None)
    return client.post(
        f"/v1/sessions/{session}/faces/{face}/student", json={"student_id": student, **more}, headers=headers
    )


def test_a_session_is_opened_marked_and_read_back(school: httpx.Client, samples: Path) -> None:
    new = {"group_id": GROUP, "session_id": "monday", "started_at": "2026-09-07T08:15:00+02:00"}
    opened = school.post("/v1/sessions", json=new)
    assert (opened.status_code, opened.headers["location"]) == (201, "/v1/sessions/monday")
    assert opened.json()["started_at"] == "2026-09-07T06:15:00Z"
    # Nobody was seen yet: the session is not taken, and nobody is absent.
    assert opened.json()["counts"] == dict.fromkeys(("present", "absent", "late", "excused", "review"), 0)
    assert (opened.json()["taken"], opened.json()["marks"]) == (False, [])
    assert code_of(school.post("/v1/sessions", json=new), 409) == "session_exists"

    change = {"marks": [{"student_id": "cy", "status": "late"}, {"student_id": "joe_biden", "status": "excused"}]}
    url = "/v1/sessions/monday/marks"
    assert code_of(school.patch(url, json=change), 428) == "version_needed"
    marked = school.patch(url, json=change, headers={"If-Match": opened.headers["etag"]})
    assert marked.status_code == 200
    assert code_of(school.patch(url, json=change, headers={"If-Match": opened.headers["etag"]}), 412) == (
        "version_conflict"
    )
    detect(school, samples / "photos" / "group.jpg")
    read = school.get("/v1/sessions/monday")
    assert statuses(read.json()) == {
        "barack_obama": ("present", "photo"),
        "cy": ("late", "manual"),
        "joe_biden": ("excused", "manual"),
    }
    assert read.json()["photos"] == 1
    assert read.json()["started_at"] == "2026-09-07T06:15:00Z"
    assert int(read.headers["etag"].strip('"')) == read.json()["version"] > marked.json()["version"]
    changes = school.get("/v1/sessions/monday/changes").json()["items"]
    assert [(change["student_id"], change["before"], change["after"], change["by"]) for change in changes] == [
        ("cy", "absent", "late", "local"),
        ("joe_biden", "absent", "excused", "local"),
    ]
    assert school.delete("/v1/sessions/monday", headers={"If-Match": opened.headers["etag"]}).status_code == 412
    assert school.delete("/v1/sessions/monday").status_code == 204
    assert code_of(school.get("/v1/sessions/monday"), 404) == "session_not_found"


def test_sessions_are_listed_by_day_and_page(school: httpx.Client) -> None:
    for day in ("07", "08", "09"):
        new = {"group_id": GROUP, "session_id": f"s-{day}", "started_at": f"2026-09-{day}T08:15:00Z"}
        assert school.post("/v1/sessions", json=new).status_code == 201

    def listed(**parameters: Any) -> tuple[list[str], str | None]:
        page = school.get("/v1/sessions", params=parameters).json()
        return [item["session_id"] for item in page["items"]], page["next_cursor"]

    assert listed() == (["s-07", "s-08", "s-09"], None)
    assert listed(group_id=GROUP, since="2026-09-08", until="2026-09-08") == (["s-08"], None)
    first, cursor = listed(limit=2)
    assert listed(limit=2, cursor=cursor) == (["s-09"], None)
    assert first == ["s-07", "s-08"]
    assert listed(group_id="8a") == ([], None)
    assert code_of(school.get("/v1/sessions", params={"since": "09/08/2026"}), 422) == "invalid_request"


def test_a_name_is_taken_away_given_to_another_and_drawn_as_it_is_now(
    school: httpx.Client, monday: dict[str, Any]
) -> None:
    obama, stranger = face_of(monday, "barack_obama"), face_of(monday, None)
    answer = named(school, obama, None)
    assert answer.status_code == 200, answer.text
    assert answer.json()["face"]["decision"] == "unknown"
    # He was the only one who was seen.
    assert (school.get("/v1/sessions/monday").json()["taken"], answer.json()["marks"]) == (False, [])

    url = f"/v1/sessions/monday/photos/{monday['photos'][0]['photo_id']}/annotated"
    unnamed = school.get(url)
    assert unnamed.headers["cache-control"] == "private, no-store"
    answer = named(school, stranger, "joe_biden")
    assert (answer.json()["face"]["decision"], answer.json()["face"]["name"]) == ("present", "Joe_Biden")
    assert statuses(answer.json())["joe_biden"] == ("present", "photo")
    renamed = school.get(url)
    assert Image.open(BytesIO(renamed.content)).size == (1366, 768)
    assert renamed.content != unnamed.content

    # The name moves where it is given to another face of the photo.
    named(school, obama, "joe_biden")
    faces = school.get("/v1/sessions/monday/photos").json()[0]["faces"]
    assert {face["face_id"]: face["student_id"] for face in faces} == {obama: "joe_biden", stranger: None}


def test_a_photo_is_looked_at_without_anything_drawn_into_it(
    school: httpx.Client, monday: dict[str, Any], samples: Path
) -> None:
    answer = school.get(f"/v1/sessions/monday/photos/{monday['photos'][0]['photo_id']}/picture")
    assert answer.headers["cache-control"] == "private, no-store"
    shown = np.asarray(Image.open(BytesIO(answer.content)), float)
    taken = np.asarray(Image.open(samples / "photos" / "group.jpg"), float)
    assert shown.shape == taken.shape
    # A frame or a name would change whole lines of pixels by a hundred; writing JPEG again changes few by a little.
    assert np.abs(shown - taken).mean(axis=2).max() < 60
    assert np.abs(shown - taken).mean() < 3


def test_a_photo_sent_again_undoes_no_correction(school: httpx.Client, monday: dict[str, Any], samples: Path) -> None:
    named(school, face_of(monday, "barack_obama"), None)
    again = detect(school, samples / "photos" / "group.jpg")
    assert {face["student_id"] for face in again["photos"][0]["faces"]} == {None}
    assert (again["taken"], again["marks"]) == (False, [])
    # Another photo shows him for certain.
    assert statuses(detect(school, samples / "photos" / "dim.jpg"))["barack_obama"] == ("present", "photo")


def test_a_face_is_learned_from_and_forgotten_with_the_name(
    school: httpx.Client, monday: dict[str, Any], system: LocalServices
) -> None:
    stranger, biden = face_of(monday, None), StudentId("joe_biden")
    before = system.stores.students.template(biden)
    monday_version = school.get("/v1/sessions/monday").json()["version"]
    (unlike,) = [face for face in monday["photos"][0]["faces"] if face["face_id"] == stranger]
    # It is not his face, which would spoil his template; naming it works all the same.
    assert code_of(named(school, stranger, "joe_biden", learn=True), 409) == "face_unlike"
    assert system.stores.students.template(biden).learned == ()
    assert school.get("/v1/sessions/monday").json()["version"] == monday_version
    answer = named(school, stranger, "joe_biden", learn=True, learn_anyway=True)
    assert answer.status_code == 200, answer.text
    template = system.stores.students.template(biden)
    assert template.learned_ids == (stranger,)
    assert len(template.embeddings) == len(before.embeddings) + 1
    assert float(template.embeddings[-1] @ template.embeddings[0]) == pytest.approx(unlike["similarity"], abs=0.05)
    assert system.stores.training.state().dirty
    # Sent again, nothing is doubled.
    assert named(school, stranger, "joe_biden", learn=True).status_code == 200
    assert system.stores.students.template(biden).learned_ids == (stranger,)
    # What was learned is found in the next photo.
    other = Image.open(BytesIO(system.stores.sessions.original(*_photo_of(monday)))).convert("RGB")
    encoded = BytesIO()
    other.save(encoded, "JPEG", quality=80)
    seen = detect(school, encoded.getvalue(), session="tuesday")
    assert statuses(seen)["joe_biden"] == ("present", "photo")

    assert named(school, stranger, None).status_code == 200
    assert system.stores.students.template(biden).learned == ()
    unseen = detect(school, encoded.getvalue(), session="wednesday", use_anyway="true")
    assert statuses(unseen)["joe_biden"] == ("absent", "photo")


def _photo_of(document: dict[str, Any]) -> tuple[Any, Any]:
    return document["session_id"], document["photos"][0]["photo_id"]


def test_a_face_is_learned_as_the_student_whom_it_resembles_and_as_nobody_else(
    school: httpx.Client, monday: dict[str, Any], system: LocalServices
) -> None:
    obama = face_of(monday, "barack_obama")
    assert code_of(named(school, obama, "joe_biden", learn=True), 409) == "face_unlike"
    assert named(school, obama, "joe_biden").status_code == 200
    assert named(school, obama, "barack_obama", learn=True).status_code == 200
    assert system.stores.students.template(StudentId("barack_obama")).learned_ids == (obama,)


def test_what_cannot_be_learned_from_changes_nothing(
    school: httpx.Client, monday: dict[str, Any], system: LocalServices, samples: Path
) -> None:
    stranger = face_of(monday, None)
    before = school.get("/v1/sessions/monday").json()
    assert code_of(named(school, stranger, "cy", learn=True), 409) == "not_registered"
    assert code_of(named(school, stranger, None, learn=True), 422) == "invalid_request"
    system.stores.sessions.drop_files(SessionId("monday"), before=_far_future())
    assert code_of(named(school, stranger, "joe_biden", learn=True), 404) == "photo_not_found"
    assert school.get("/v1/sessions/monday").json() == before
    assert code_of(school.get(f"/v1/sessions/monday/faces/{stranger}/picture"), 404) == "photo_not_found"

    small = Image.open(samples / "photos" / "group.jpg").convert("RGB").resize((170, 96), Image.Resampling.LANCZOS)
    page = Image.new("RGB", (640, 480), (120, 120, 120))
    page.paste(small, (200, 200))
    encoded = BytesIO()
    page.save(encoded, "JPEG", quality=95)
    faces = detect(school, encoded.getvalue(), session="far")["photos"][0]["faces"]
    assert faces
    assert code_of(named(school, faces[0]["face_id"], "joe_biden", session="far", learn=True), 409) == "face_unfit"


def _far_future() -> Any:
    from datetime import UTC, datetime

    return datetime(2999, 1, 1, tzinfo=UTC)


def test_doubtful_faces_are_asked_about_with_their_pictures(
    school: httpx.Client, monday: dict[str, Any], system: LocalServices
) -> None:
    stranger = face_of(monday, None)
    store = system.stores.sessions
    (doubtful,) = [face for face in store.photos(SessionId("monday"))[0].faces if face.face_id == stranger]
    asked = replace(doubtful, decision=Decision.REVIEW, student_id=StudentId("joe_biden"))
    store.amend(SessionId("monday"), store.get(SessionId("monday")).version, faces=[asked])
    (question,) = school.get("/v1/sessions/monday/questions").json()
    assert (question["face_id"], question["settles"]) == (stranger, True)
    assert [candidate["student_id"] for candidate in question["candidates"]] == ["joe_biden", "barack_obama"]
    picture = school.get(question["picture_url"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    width, height = Image.open(BytesIO(picture.content)).size
    # The face is 214 x 291 pixels: all of it, and some of what is around.
    assert max(width, height) == 400
    assert width / height == pytest.approx(214 / 291, abs=0.05)
    assert school.get(question["candidates"][0]["picture_url"]).headers["content-type"] == "image/jpeg"
    assert school.post(question["answer_url"], json={"student_id": "joe_biden"}).status_code == 200
    assert school.get("/v1/sessions/monday/questions").json() == []
    assert statuses(school.get("/v1/sessions/monday").json())["joe_biden"] == ("present", "photo")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"marks": []}, 422, "invalid_request"),
        ({"marks": [{"student_id": "cy", "status": "asleep"}]}, 422, "invalid_request"),
        ({"marks": [{"student_id": "../cy", "status": "late"}]}, 422, "invalid_request"),
        ({"marks": [{"student_id": "nobody", "status": "late"}]}, 422, "not_in_group"),
        (
            {"marks": [{"student_id": "zoe", "status": "late"}, {"student_id": "cy", "status": "late"}]},
            422,
            "not_in_group",
        ),
        ({"marks": [{"student_id": "cy", "status": "late"}] * 2}, 422, "invalid_request"),
        ({"marks": [{"student_id": "cy", "status": "late"}], "force": True}, 422, "invalid_request"),
        ("late", 422, "invalid_request"),
    ],
)
def test_bad_marks_change_nothing(client: httpx.Client, body: Any, status: int, code: str) -> None:
    for student, group in (("cy", GROUP), ("zoe", "8a")):
        client.post("/v1/students", json={"student_id": student, "name": student, "group_ids": [group]})
    client.post("/v1/sessions", json={"group_id": GROUP, "session_id": "monday"})
    before = client.get("/v1/sessions/monday").json()
    answer = client.patch("/v1/sessions/monday/marks", json=body, headers={"If-Match": "*"})
    assert code_of(answer, status) == code
    assert client.get("/v1/sessions/monday").json() == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"group_id": "nowhere"}, 404, "group_not_found"),
        ({"group_id": "a/b"}, 422, "invalid_request"),
        ({"group_id": GROUP, "session_id": ""}, 422, "invalid_request"),
        ({"group_id": GROUP, "started_at": "2026-09-07T08:15:00"}, 422, "invalid_request"),
        ({"group_id": GROUP, "started_at": "0001-01-01T00:00:00+14:00"}, 422, "invalid_request"),
        ({"group_id": GROUP, "started_at": "9999-12-31T23:59:59-12:00"}, 422, "invalid_request"),
        ({"group_id": GROUP, "started_at": 1e300}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
    ],
)
def test_no_session_is_opened_by_mistake(client: httpx.Client, body: Any, status: int, code: str) -> None:
    client.post("/v1/students", json={"student_id": "cy", "name": "Cy", "group_ids": [GROUP]})
    assert code_of(client.post("/v1/sessions", json=body), status) == code
    assert client.get("/v1/sessions").json()["items"] == []


def codes(document: dict[str, Any]) -> list[list[str]]:
    return [[notice["code"] for notice in photo["notices"]] for photo in document["photos"]]


def test_a_photo_without_a_face_or_of_nobody_here_marks_nobody_absent(client: httpx.Client, samples: Path) -> None:
    register(client, samples, "joe_biden")
    register(client, samples, "barack_obama", group="8a")
    answer = client.post("/mark/detect", data={"group_id": GROUP}, files={"images": landscape()}).json()
    assert codes(answer) == [["no_face_found"]]
    assert (answer["taken"], answer["marks"]) == (False, [])
    session = answer["session_id"]
    wrong_class = detect(client, samples / "photos" / "group.jpg", session=session)
    assert codes(wrong_class) == [["nobody_of_group"]]
    assert (wrong_class["taken"], wrong_class["marks"]) == (False, [])
    # The same after a reload, in the list, and in the report.
    photos = client.get(f"/v1/sessions/{session}/photos").json()
    assert [[notice["code"] for notice in photo["notices"]] for photo in photos] == [
        ["no_face_found"],
        ["nobody_of_group"],
    ]
    (listed,) = client.get("/v1/sessions", params={"group_id": GROUP}).json()["items"]
    assert (listed["taken"], sum(listed["counts"].values())) == (False, 0)
    report = client.get("/v1/reports/attendance", params={"group_id": GROUP}).json()
    assert [session["taken"] for session in report["sessions"]] == [False]
    assert (report["totals"]["absent"], report["students"][0]["marks"]) == (0, [None])

    # By hand it is taken after all.
    change = {"marks": [{"student_id": "joe_biden", "status": "absent"}]}
    marked = client.patch(f"/v1/sessions/{session}/marks", json=change, headers={"If-Match": "*"}).json()
    assert (marked["taken"], statuses(marked)) == (True, {"joe_biden": ("absent", "manual")})
    review = {"marks": [{"student_id": "joe_biden", "status": "review"}]}
    refused = client.patch(f"/v1/sessions/{session}/marks", json=review, headers={"If-Match": "*"})
    assert code_of(refused, 422) == "invalid_request"


def test_a_student_in_review_is_not_absent_and_is_asked_about_once(school: httpx.Client, samples: Path) -> None:
    far = uncertain(samples)
    asked = detect(school, far)
    assert [(face["decision"], face["student_id"]) for face in asked["photos"][0]["faces"] if face["student_id"]] == [
        ("review", "barack_obama")
    ]
    # Nobody is known to be there yet, and nobody is absent.
    assert (asked["taken"], statuses(asked)) == (False, {"barack_obama": ("review", "photo")})
    assert school.get("/v1/reports/attendance", params={"group_id": GROUP}).json()["questions"] == 1
    again = detect(school, reencoded(far))
    assert len(again["photos"]) == 1
    (question,) = school.get("/v1/sessions/monday/questions").json()
    answered = school.post(question["answer_url"], json={"student_id": "barack_obama"}).json()
    marks = {mark["student_id"]: mark for mark in answered["marks"]}
    assert (marks["barack_obama"]["status"], marks["barack_obama"]["source"]) == ("present", "photo")
    # A person decided, and it still follows the face.
    assert [marks[student]["by_person"] for student in ("barack_obama", "joe_biden")] == [True, False]
    assert marks["joe_biden"]["status"] == "absent"
    assert school.get("/v1/sessions/monday/questions").json() == []


def test_a_photo_is_removed_with_its_faces_marks_and_files(
    school: httpx.Client, monday: dict[str, Any], system: LocalServices
) -> None:
    (photo,) = monday["photos"]
    url = f"/v1/sessions/monday/photos/{photo['photo_id']}"
    named(school, face_of(monday, None), "joe_biden", learn=True, learn_anyway=True).raise_for_status()
    assert code_of(school.delete(url, headers={"If-Match": '"1"'}), 412) == "version_conflict"
    removed = school.delete(url)
    assert (removed.status_code, removed.content) == (204, b"")
    read = school.get("/v1/sessions/monday")
    assert removed.headers["etag"] == read.headers["etag"]
    assert (read.json()["taken"], read.json()["photos"], read.json()["marks"]) == (False, 0, [])
    assert code_of(school.get(f"{url}/picture"), 404) == "photo_not_found"
    assert code_of(school.delete(url), 404) == "photo_not_found"
    assert system.stores.students.template(StudentId("joe_biden")).learned == ()
    changes = school.get("/v1/sessions/monday/changes").json()["items"]
    assert [(change["kind"], change.get("photo_id")) for change in changes[-3:]] == [
        ("photo", photo["photo_id"]),
        ("mark", None),
        ("mark", None),
    ]


def test_a_class_without_registered_photos_is_told_from_a_group_that_is_not_there(
    client: httpx.Client, samples: Path
) -> None:
    client.post("/v1/students", json={"student_id": "cy", "name": "Cy", "group_ids": [GROUP]})
    image = (samples / "photos" / "group.jpg").read_bytes()
    for group, status, code in ((GROUP, 409, "nobody_registered"), ("9z", 404, "group_not_found")):
        answer = client.post("/mark/detect", data={"group_id": group}, files={"images": image})
        assert code_of(answer, status) == code
    assert client.get("/v1/sessions").json()["items"] == []


def reencoded(photo: bytes) -> bytes:
    encoded = BytesIO()
    Image.open(BytesIO(photo)).save(encoded, "JPEG", quality=88)
    return encoded.getvalue()


def test_faces_and_photos_that_are_not_there_are_not_found(client: httpx.Client) -> None:
    client.post("/v1/students", json={"student_id": "cy", "name": "Cy", "group_ids": [GROUP]})
    client.post("/v1/sessions", json={"group_id": GROUP, "session_id": "monday"})
    assert code_of(named(client, "x-0", None), 404) == "face_not_found"
    assert code_of(named(client, "x-0", "cy", learn=True), 404) == "face_not_found"
    assert code_of(named(client, "x-0", None, headers={"If-Match": '"99"'}), 412) == "version_conflict"
    assert code_of(named(client, "x-0", None, headers={"If-Match": "99"}), 422) == "invalid_request"
    assert code_of(client.get("/v1/sessions/monday/faces/x-0/picture"), 404) == "face_not_found"
    assert code_of(client.get("/v1/sessions/monday/photos/x/annotated"), 404) == "photo_not_found"
    assert code_of(client.get("/v1/sessions/monday/photos/x/picture"), 404) == "photo_not_found"
    assert code_of(named(client, "x-0", None, session="never"), 404) == "session_not_found"


def test_the_command_line_opens_marks_names_asks_and_removes(
    system: LocalServices, school: httpx.Client, monday: dict[str, Any], tmp_path: Path
) -> None:
    data = ["--data", str(tmp_path / "store"), "--json"]

    def muster(*arguments: str, exit_code: int = 0) -> Any:
        done = CliRunner().invoke(app, ["sessions", *arguments, *data])
        assert done.exit_code == exit_code, (done.output, done.exception)
        return json.loads(done.stdout) if exit_code == 0 else done.exception

    (photo,) = [photo["photo_id"] for photo in monday["photos"]]
    opened = muster("open", "--group", GROUP, "--id", "tuesday", "--at", "2026-09-08T08:15+02:00")
    assert opened["started_at"] == "2026-09-08T06:15:00Z"
    assert statuses(muster("mark", "tuesday", "cy=late", "joe_biden=excused"))["cy"] == ("late", "manual")
    assert {session["session_id"] for session in muster("list", "--group", GROUP)} == {"monday", "tuesday"}
    assert [session["session_id"] for session in muster("list", "--since", "2026-09-08", "--until", "2026-09-08")] == [
        "tuesday"
    ]
    obama = face_of(monday, "barack_obama")
    assert muster("name", "monday", obama)["marks"] == []
    assert statuses(muster("name", "monday", obama, "barack_obama"))["barack_obama"] == ("present", "photo")
    store = system.stores.sessions
    (face,) = [face for face in store.photos(SessionId("monday"))[0].faces if face.face_id == obama]
    mark = replace(store.marks(SessionId("monday"))[0], status=MarkStatus.REVIEW)
    version = store.get(SessionId("monday")).version
    store.amend(SessionId("monday"), version, marks=[mark], faces=[replace(face, decision=Decision.REVIEW)])
    (question,) = muster("questions", "monday", "--output", str(tmp_path / "faces"))
    assert (question["face_id"], Path(question["picture"])) == (obama, tmp_path / "faces" / f"{FaceId(obama)}.jpg")
    assert Path(question["picture"]).read_bytes().startswith(b"\xff\xd8")
    assert muster("show", "monday")["photos"] == 1
    emptied = muster("remove-photo", "monday", photo, "--yes")
    assert (emptied["photos"], emptied["taken"], emptied["marks"]) == (0, False, [])
    assert muster("remove-photo", "monday", photo, "--yes", exit_code=1).code == "photo_not_found"
    assert muster("remove", "monday", "--yes") == {"removed": "monday"}
    assert muster("show", "monday", exit_code=1).code == "session_not_found"
    assert muster("mark", "tuesday", "cy=asleep", exit_code=1).code == "invalid_request"
    assert muster("mark", "tuesday", "cy=review", exit_code=1).code == "invalid_request"


def test_the_command_line_names_photos_and_commands_and_fails_where_nobody_was_seen(
    school: httpx.Client, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "far.jpg").write_bytes(uncertain(samples))
    (tmp_path / "meadow.jpg").write_bytes(landscape())

    def muster(*arguments: str, exit_code: int = 0) -> tuple[str, str]:
        done = CliRunner().invoke(app, [*arguments, "--data", str(tmp_path / "store")])
        assert done.exit_code == exit_code, (done.output, done.exception)
        return done.stdout, done.stderr

    shown, said = muster("detect", str(tmp_path / "far.jpg"), "--group", GROUP, "--session", "monday")
    (face,) = [
        face["face_id"]
        for face in school.get("/v1/sessions/monday/photos").json()[0]["faces"]
        if face["decision"] == "review"
    ]
    assert "to review: far.jpg: is the face at" in shown
    assert f"muster sessions confirm monday {face}" in shown
    assert "in 1 photo," in shown
    assert "not taken" in said
    # Another one in the same quarter of an hour; it shows nobody.
    shown, said = muster("detect", str(tmp_path / "meadow.jpg"), "--group", GROUP, exit_code=1)
    assert "meadow.jpg: No face was found: take the photo again." in said
    assert f"muster detect PHOTO... --group {GROUP} --session monday" in said
    assert "0 faces in 1 photo," in shown
    assert "not taken" in muster("sessions", "list")[0]
    assert "to review" in muster("sessions", "show", "monday")[0]
    muster("sessions", "name", "monday", face, "barack_obama")
    assert "by hand (face)" in muster("sessions", "show", "monday")[0]
    report, _ = muster("attendance", "report", "--group", GROUP)
    assert "1 session not taken, not counted in any figure." in report
    assert "P–" in report
