"""Photos that do not belong to their roll call are asked about, over HTTP and at the command line."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from muster.composition.local import LocalServices
from muster.domain.errors import PhotoUsedBefore
from muster.domain.identifiers import GroupId, SessionId, UserId
from muster.domain.user import Role, User
from muster.vision.decode import Photo, decode
from tests.e2e.pictures import dated
from tests.e2e.test_users import muster

GROUP = "7b"


@pytest.fixture
def school(client: httpx.Client, samples: Path) -> httpx.Client:
    """One registered student, in two groups."""
    fields = {"student_id": "s1", "name": "Barack Obama", "group_id": [GROUP, "8a"], "consent": "true"}
    portrait = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    client.post("/register/register-student", data=fields, files={"image": portrait}).raise_for_status()
    return client


def detect(client: httpx.Client, photo: bytes, session: str | None = None, group: str = GROUP, **form: str) -> Any:
    fields = {"group_id": group, **({} if session is None else {"session_id": session}), **form}
    return client.post("/mark/detect", data=fields, files={"images": photo})


def assert_asked(answer: httpx.Response, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert "use_anyway" in answer.json()["detail"]
    return str(answer.json()["detail"])


@pytest.fixture
def group_photo(samples: Path) -> bytes:
    return (samples / "photos" / "group.jpg").read_bytes()


def test_a_photo_of_another_roll_call_is_asked_about_and_repeating_a_request_is_not(
    school: httpx.Client, group_photo: bytes
) -> None:
    first = detect(school, group_photo, "monday")
    assert first.status_code == 200
    assert detect(school, group_photo, "monday").json()["marks"] == first.json()["marks"]
    assert "the roll call of 7b of" in assert_asked(detect(school, group_photo, "tuesday"), "photo_used_before")
    assert school.get("/v1/sessions/tuesday").status_code == 404, "a refusal opens no session"
    assert_asked(detect(school, group_photo, "eighth", group="8a"), "photo_used_before")
    confirmed = detect(school, group_photo, "tuesday", use_anyway="true")
    assert confirmed.json()["marks"][0]["status"] == "present"
    assert detect(school, group_photo, "tuesday").status_code == 200, "it is a photo of that session now"


def test_a_teacher_is_not_told_of_other_groups_roll_calls(
    school: httpx.Client, system: LocalServices, group_photo: bytes
) -> None:
    assert detect(school, group_photo, "secret-8a", group="8a").status_code == 200
    token = system.users.add(User(UserId("ada"), Role.TEACHER), [GroupId(GROUP)])
    school.headers["Authorization"] = f"Bearer {token}"
    detail = assert_asked(detect(school, group_photo, "monday"), "photo_used_before")
    assert "in another roll call" in detail
    assert not any(told in detail for told in ("8a", "secret", str(datetime.now(UTC).year)))


def test_a_photo_of_years_ago_is_asked_about(school: httpx.Client, samples: Path) -> None:
    photo = dated(Image.open(samples / "photos" / "group.jpg"), "2019:05:03 08:15:00", quality=92)
    assert "3 May 2019" in assert_asked(detect(school, photo), "photo_from_another_day")
    assert school.get("/v1/sessions").json()["items"] == []
    school.post(
        "/v1/sessions",
        json={"group_id": GROUP, "session_id": "then", "started_at": "2019-05-03T08:00:00Z"},
    ).raise_for_status()
    assert detect(school, photo, "then").status_code == 200


def test_the_registration_file_itself_is_asked_about(school: httpx.Client, samples: Path) -> None:
    portrait = (samples / "gallery" / "barack_obama.jpg").read_bytes()
    assert "registration photo of s1" in assert_asked(detect(school, portrait), "registration_photo")
    assert detect(school, portrait, use_anyway="true").json()["marks"][0]["status"] == "present"


def test_without_a_session_id_the_same_photo_is_one_roll_call_a_day(
    system: LocalServices, school: httpx.Client, group_photo: bytes
) -> None:
    assert detect(school, group_photo).status_code == 200
    (today,) = system.sessions.find([GroupId(GROUP)])
    later = datetime.now(UTC) + timedelta(days=1)
    detection = replace(system.detection, now=lambda: later)
    with pytest.raises(PhotoUsedBefore):
        detection.detect(GroupId(GROUP), [group_photo])
    again = [detection.detect(GroupId(GROUP), [group_photo], use_anyway=True).session for _ in range(2)]
    assert again[0].id == again[1].id
    assert again[0].id != today.id
    assert again[0].started_at == later
    assert len(system.sessions.find([GroupId(GROUP)])) == 2


@pytest.mark.processes
def test_the_command_line_asks_and_takes_yes_for_an_answer(school: httpx.Client, tmp_path: Path, samples: Path) -> None:
    store, photo = tmp_path / "store", str(samples / "photos" / "group.jpg")
    assert muster(store, "detect", photo, "--group", GROUP, "--session", "monday").returncode == 0
    refused = muster(store, "detect", photo, "--group", GROUP, "--session", "tuesday", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "photo_used_before")
    assert "--use-anyway" in refused.stderr
    assert muster(store, "detect", photo, "--group", GROUP, "--session", "tuesday", "--use-anyway").returncode == 0


def test_a_session_that_is_removed_while_its_photo_is_decoded_is_a_new_one(
    school: httpx.Client, system: LocalServices, group_photo: bytes
) -> None:
    detect(school, group_photo, "monday").raise_for_status()
    before = system.sessions.get(SessionId("monday")).session

    def decode_after_removal(image: bytes) -> Photo:
        system.corrections.remove(SessionId("monday"))
        return decode(image)

    roll_calls = replace(system.detection, decode=decode_after_removal)
    after = roll_calls.detect(GroupId(GROUP), [group_photo], SessionId("monday")).session
    assert after.started_at > before.started_at
    assert after.version <= before.version
