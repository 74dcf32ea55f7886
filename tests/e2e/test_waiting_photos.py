"""Photos taken offline: sent late, sent again, or sent after the sign-in has expired."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Role, User

SESSION = "phone-6f1c2a"
KEY = {"Idempotency-Key": "3c2f6a52-6a0e-4c53-9a5b-0f9f0d7c2b11"}


@pytest.fixture
def teacher(client: httpx.Client, system: LocalServices, samples: Path) -> httpx.Client:
    """Ada, who teaches 7b: one student with a photo, one without."""
    image = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    form = {"student_id": "s1", "name": "Barack Obama", "group_id": "7b", "consent": "true"}
    assert client.post("/register/register-student", data=form, files={"image": image}).status_code == 201
    new = {"student_id": "s2", "name": "Cy", "group_ids": ["7b"]}
    assert client.post("/v1/students", json=new).status_code == 201
    client.headers["Authorization"] = f"Bearer {system.users.add(User(UserId('ada'), Role.TEACHER), [GroupId('7b')])}"
    return client


def send(client: httpx.Client, photo: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    form = {"group_id": "7b", "session_id": SESSION}
    return client.post("/mark/detect", data=form, files={"images": ("a.jpg", photo)}, headers=headers or {})


def kept(client: httpx.Client) -> dict[str, Any]:
    """Return the session with its marks and photos."""
    parts = {name: client.get(f"/v1/sessions/{SESSION}{name}") for name in ("", "/marks", "/photos", "/changes")}
    assert {part.status_code for part in parts.values()} == {200}
    return {name: part.json() for name, part in parts.items()}


def test_a_session_that_the_phone_named_is_opened_by_its_first_photo(teacher: httpx.Client, samples: Path) -> None:
    assert teacher.get(f"/v1/sessions/{SESSION}").status_code == 403, "a teacher is not told whether it exists"
    answer = send(teacher, (samples / "photos" / "group.jpg").read_bytes(), KEY)
    assert answer.status_code == 200, answer.text
    assert answer.json()["session_id"] == SESSION
    assert {mark["student_id"]: mark["status"] for mark in answer.json()["marks"]} == {"s1": "present", "s2": "absent"}
    second = send(teacher, (samples / "photos" / "dim.jpg").read_bytes(), {"Idempotency-Key": str(uuid4())})
    assert second.json()["session_id"] == SESSION
    assert len(kept(teacher)["/photos"]) == 2


def test_a_photo_whose_answer_was_lost_is_sent_again_and_answered_alike(teacher: httpx.Client, samples: Path) -> None:
    photo = (samples / "photos" / "group.jpg").read_bytes()
    first = send(teacher, photo, KEY)
    before = kept(teacher)
    again = send(teacher, photo, KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert kept(teacher) == before


def later(system: LocalServices, patch: pytest.MonkeyPatch, days: int) -> None:
    """Let kept answers be looked for so many days later."""
    answers = type(system.answers)
    begin = answers.begin
    passed = timedelta(days=days)
    patch.setattr(answers, "begin", lambda self, key, digest, claim, now: begin(self, key, digest, claim, now + passed))


@pytest.mark.parametrize("headers", [KEY, {}], ids=["with its key", "without"])
def test_a_photo_sent_again_days_later_leaves_what_the_teacher_corrected(
    teacher: httpx.Client,
    system: LocalServices,
    samples: Path,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = (samples / "photos" / "group.jpg").read_bytes()
    first = send(teacher, photo, headers).json()
    session = f"/v1/sessions/{SESSION}"
    marked = teacher.patch(
        f"{session}/marks",
        json={"marks": [{"student_id": "s1", "status": "late"}, {"student_id": "s2", "status": "excused"}]},
        headers={"If-Match": teacher.get(session).headers["etag"]},
    )
    assert marked.status_code == 200, marked.text
    (known,) = (face for face in first["photos"][0]["faces"] if face["student_id"] == "s1")
    named = teacher.post(
        f"{session}/faces/{known['face_id']}/student",
        json={"student_id": None},
        headers={"If-Match": teacher.get(session).headers["etag"]},
    )
    assert named.status_code == 200, named.text
    before = kept(teacher)
    later(system, monkeypatch, days=3)
    again = send(teacher, photo, headers)
    assert again.status_code == 200, again.text
    assert "idempotency-replayed" not in again.headers
    assert again.json()["marks"] == before["/marks"]
    assert again.json()["photos"] == before["/photos"]
    after = kept(teacher)
    # Writing the photo again counts as a change of the session, though its content is the same.
    assert after[""].pop("version") >= before[""].pop("version")
    assert after == before


def test_a_sign_in_that_ended_stores_nothing_and_the_photo_is_sent_with_the_next_one(
    teacher: httpx.Client, system: LocalServices, samples: Path
) -> None:
    photo = (samples / "photos" / "group.jpg").read_bytes()
    renewed = system.users.renew_token(UserId("ada"))
    refused = send(teacher, photo, KEY)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["code"] == "sign_in_required"
    teacher.headers["Authorization"] = f"Bearer {renewed}"
    assert teacher.get("/v1/sessions").json()["items"] == []
    taken = send(teacher, photo, KEY)
    assert taken.status_code == 200
    assert "idempotency-replayed" not in taken.headers
    assert len(kept(teacher)["/photos"]) == 1


def test_a_registration_sent_again_is_one_student(teacher: httpx.Client, samples: Path) -> None:
    image = (samples / "gallery" / "joe_biden.jpg").read_bytes()

    def register(headers: dict[str, str]) -> httpx.Response:
        form = {"student_id": "s3", "name": "Joe Biden", "group_id": "7b", "consent": "true"}
        return teacher.post("/register/register-student", data=form, files={"image": image}, headers=headers)

    answers = [register(KEY), register(KEY), register({}), register({"Idempotency-Key": str(uuid4())})]
    assert {answer.status_code for answer in answers} == {201}
    assert [answer.json()["repeated"] for answer in answers] == [False, False, True, True]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(teacher.get("/v1/groups/7b/students").json()["items"]) == 3
