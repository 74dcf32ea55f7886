"""Several proposals confirmed in one request, and with one command."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from muster.composition.local import LocalServices
from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.corrections import MAX_CONFIRMED_FACES
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.group import Group
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, StudentId
from tests.contract.examples import a_student, a_template
from tests.e2e.test_users import muster

NOW = datetime(2026, 9, 1, 8, 15, tzinfo=UTC)
STUDENTS = {"ada": 3.0, "bob": 5.0, "cy": 0.5}
"""Students who are asked about, and the log-odds of each."""

URL = "/v1/sessions/monday/faces/confirmed"


@pytest.fixture(autouse=True)
def monday(system: LocalServices) -> None:
    """A session with a photo that probably shows three students and shows a fourth."""
    stores = system.stores
    stores.groups.add(Group(GroupId("7b"), "7b"))
    for student in (*STUDENTS, "dan"):
        stores.students.add(a_student(student, groups=["7b"], name=student.title()), a_template(student), b"photo")
    session = Session(SessionId("monday"), GroupId("7b"), NOW)
    stores.sessions.create(session, [StudentId(student) for student in (*STUDENTS, "dan")])
    asked = [face(f"f-{student}", student, Decision.REVIEW, log_odds) for student, log_odds in STUDENTS.items()]
    faces = (*asked, face("f-dan", "dan", Decision.PRESENT, 9.0))
    marks = [Mark(StudentId(student), MarkStatus.REVIEW, MarkSource.PHOTO, NOW) for student in STUDENTS]
    marks.append(Mark(StudentId("dan"), MarkStatus.PRESENT, MarkSource.PHOTO, NOW))
    photo = SessionPhoto(PhotoId("p"), session.id, "ab" * 32, 80, 60, faces, system.pack, None, NOW)
    stores.sessions.record_photo(photo, b"original", marks)


def face(id: str, student: str, decision: Decision, log_odds: float) -> IdentifiedFace:
    near = (Candidate(StudentId(student), 0.5),)
    return IdentifiedFace(
        FaceId(id), (10, 10, 40, 40), 0.9, 0.5, decision, StudentId(student), 0.5, None, near, log_odds=log_odds
    )


def faces(**students: str) -> dict[str, Any]:
    return {"faces": [{"face_id": f"f-{face}", "student_id": student} for face, student in students.items()]}


def statuses(document: dict[str, Any]) -> dict[str, str]:
    return {mark["student_id"]: mark["status"] for mark in document["marks"]}


def questions(client: httpx.Client) -> list[tuple[str, float, bool]]:
    listed = client.get("/v1/sessions/monday/questions").json()
    return [
        (question["candidates"][0]["student_id"], question["probability"], question["likely"]) for question in listed
    ]


def test_the_likely_proposals_are_confirmed_in_one_request(client: httpx.Client) -> None:
    assert questions(client) == [("bob", 0.9933, True), ("ada", 0.9526, True), ("cy", 0.6225, False)]
    before = client.get("/v1/sessions/monday").headers["etag"]
    (listed,) = client.get("/v1/sessions", params={"group_id": "7b"}).json()["items"]
    assert listed["counts"] == {"present": 1, "absent": 0, "late": 0, "excused": 0, "review": 3}
    answer = client.post(URL, json=faces(ada="ada", bob="bob"), headers={"Idempotency-Key": "a"})
    assert answer.status_code == 200, answer.text
    assert statuses(answer.json()) == {"ada": "present", "bob": "present", "cy": "review", "dan": "present"}
    assert [mark["by_person"] for mark in answer.json()["marks"]] == [True, True, False, False]
    assert answer.headers["etag"] == client.get("/v1/sessions/monday").headers["etag"] != before
    changes = client.get("/v1/sessions/monday/changes").json()["items"]
    assert [(change["kind"], change.get("face_id", change.get("student_id")), change["by"]) for change in changes] == [
        ("face", "f-ada", "local"),
        ("mark", "ada", "local"),
        ("face", "f-bob", "local"),
        ("mark", "bob", "local"),
    ]
    assert questions(client) == [("cy", 0.6225, False)]
    # Its answer got lost: it is answered alike, and without the key it changes nothing either.
    again = client.post(URL, json=faces(ada="ada", bob="bob"), headers={"Idempotency-Key": "a"})
    assert (again.headers["idempotency-replayed"], again.json()) == ("true", answer.json())
    assert client.post(URL, json=faces(bob="bob", ada="ada")).headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (faces(ada="ada", bob="cy"), 409, "proposal_changed"),
        (faces(ada="ada", nobody="bob"), 404, "face_not_found"),
        (faces(ada="ada", bob="ada"), 422, "invalid_request"),
        ({"faces": faces(ada="ada")["faces"] * 2}, 422, "invalid_request"),
        ({"faces": []}, 422, "invalid_request"),
        (faces(ada="../ada"), 422, "invalid_request"),
        ({"faces": [{"face_id": "f ada", "student_id": "ada"}]}, 422, "invalid_request"),
        (faces(**{f"x{number}": f"s{number}" for number in range(MAX_CONFIRMED_FACES + 1)}), 422, "invalid_request"),
        ({**faces(ada="ada"), "learn": True}, 422, "invalid_request"),
    ],
)
def test_all_are_confirmed_or_none(client: httpx.Client, body: dict[str, Any], status: int, code: str) -> None:
    before = client.get("/v1/sessions/monday").json()
    refused = client.post(URL, json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert client.get("/v1/sessions/monday").json() == before


def test_a_face_id_that_is_no_text_is_refused(client: httpx.Client) -> None:
    body = b'{"faces": [{"face_id": "\\ud800", "student_id": "ada"}]}'
    refused = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_a_version_is_checked_where_one_is_named(client: httpx.Client) -> None:
    version = client.get("/v1/sessions/monday").headers["etag"]
    client.post(URL, json=faces(ada="ada"), headers={"If-Match": version}).raise_for_status()
    stale = client.post(URL, json=faces(bob="bob"), headers={"If-Match": version})
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")


def test_consent_that_was_withdrawn_since_is_respected(client: httpx.Client, system: LocalServices) -> None:
    system.roster.withdraw(StudentId("ada"))
    refused = client.post(URL, json=faces(ada="ada", bob="bob"))
    assert refused.status_code == 409
    assert statuses(client.get("/v1/sessions/monday").json())["bob"] == "review"


def test_the_command_line_confirms_some_questions_and_all(system: LocalServices, tmp_path: Path) -> None:
    store = tmp_path / "store"
    listed = muster(store, "sessions", "questions", "monday").stdout.splitlines()
    assert [line.split("\t")[:3] for line in listed[:4]] == [
        ["face", "may be", "probability"],
        ["f-bob", "Bob (bob)", "99.3%"],
        ["f-ada", "Ada (ada)", "95.3%"],
        ["f-cy", "Cy (cy)", "62.2%"],
    ]
    assert "3 open questions" in muster(store, "sessions", "show", "monday").stdout
    for wrong in ([], ["f-ada", "--all"]):
        refused = muster(store, "sessions", "confirm", "monday", *wrong, "--json")
        assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "invalid_request")
    one = muster(store, "sessions", "confirm", "monday", "f-a", "--json")
    assert statuses(json.loads(one.stdout)) == {"ada": "present", "bob": "review", "cy": "review", "dan": "present"}
    everyone = muster(store, "sessions", "confirm", "monday", "--all", "--json")
    assert set(statuses(json.loads(everyone.stdout)).values()) == {"present"}
    assert muster(store, "sessions", "confirm", "monday", "--all").returncode == 0
    photo = system.stores.sessions.photos(SessionId("monday"))[0]
    nobody = replace(photo.faces[0], decision=Decision.UNKNOWN, student_id=None)
    version = system.stores.sessions.get(SessionId("monday")).version
    system.stores.sessions.amend(SessionId("monday"), version, faces=[nobody])
    refused = muster(store, "sessions", "confirm", "monday", "f-ada", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "proposal_changed")
