"""A substitute's code on a stage: made by an admin, used for one roll call through the API of substitutes, ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import pytest

from infra.app import build
from infra.config import DEV
from muster.api.security_headers import SUBSTITUTE_BASE
from muster.domain.documents import DocumentKind
from muster.storage.aws.stores import CLIENT_CONFIG, open_aws
from muster.storage.ports import DocumentStore
from tests.e2e.aws.cloud import REGION, Cloud
from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.photos import register
from tests.infra.templates import StageTemplates

pytestmark = pytest.mark.timeout(900)

SIGN_IN = "/v1/substitutes/sign-in"
MAX_TRIES = 10


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory, without_docker_or_account: None) -> StageTemplates:
    """The templates of a stage with an API for substitutes."""
    folder = tmp_path_factory.mktemp("substitutes")
    build(folder, [replace(DEV, substitutes=True)]).synth()
    return StageTemplates.load(folder, "dev")


def documents_of(cloud: Cloud) -> DocumentStore:
    session, variables = boto3.Session("test", "test", region_name=REGION), cloud.variables("Roster")
    return open_aws(
        session.client("dynamodb", endpoint_url=cloud.endpoint, config=CLIENT_CONFIG),
        session.client("s3", endpoint_url=cloud.endpoint, config=CLIENT_CONFIG),
        table=variables["MUSTER_TABLE"],
        photos=variables["MUSTER_PHOTOS_BUCKET"],
        models=variables["MUSTER_MODELS_BUCKET"],
    ).documents


def code_for(answer: httpx.Response) -> tuple[str, str]:
    """Return the id and the text of a code that an admin made."""
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["substitute_id"], answer.json()["code"]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_substitute_takes_the_register_of_one_lesson_and_no_more(deployed: Deployed, samples: Path) -> None:
    admin, today = deployed.client, datetime.now(UTC).date()
    assert register(deployed, samples, "barack_obama").status_code == 201
    admin.post("/v1/groups", json={"group_id": "8a", "name": "8a"}).raise_for_status()
    admin.post("/v1/students", json={"student_id": "s8", "name": "Eve", "group_ids": ["8a"]}).raise_for_status()
    lesson = {"lesson_id": "maths", "weekday": today.isoweekday(), "starts": "0:00", "ends": "23:59"}
    for group in ("7b", "8a"):
        lessons = {"json": {"lessons": [lesson]}, "headers": {"If-Match": "*"}}
        admin.put(f"/v1/groups/{group}/lessons", **lessons).raise_for_status()  # type: ignore[arg-type]
    wanted = {"name": "Jo Park", "group_ids": ["7b"]}
    made, code = code_for(admin.post("/v1/substitutes", json=wanted))

    with httpx.Client(base_url=f"{admin.base_url}{SUBSTITUTE_BASE}", timeout=600) as phone:
        # This API asks nobody for an account, and the application trusts no header in place of one.
        assert refusal(phone.get("/v1/me")) == (401, "sign_in_required")
        assert refusal(phone.get("/v1/me", headers={"Authorization": "Bearer token"})) == (401, "sign_in_required")
        access = phone.post(SIGN_IN, json={"code": code.lower()})
        assert (access.status_code, access.json()["group_ids"]) == (200, ["7b"]), access.text
        phone.headers["Authorization"] = f"Bearer {access.json()['token']}"
        assert phone.get("/v1/me").json()["access_ends_at"] == access.json()["expires_at"]
        assert [group["group_id"] for group in phone.get("/v1/groups").json()["items"]] == ["7b"]
        assert [each["group_id"] for each in phone.get("/v1/lessons").json()["lessons"]] == ["7b"]

        opened = phone.post("/v1/groups/7b/lessons/maths/session", json={"day": today.isoformat()})
        assert opened.status_code == 200, opened.text
        session = opened.json()["session_id"]
        photo = (samples / "photos" / "group.jpg").read_bytes()
        found = phone.post("/mark/detect", data={"group_id": "7b", "session_id": session}, files={"images": photo})
        assert found.status_code == 200, found.text
        marks = phone.get(f"/v1/sessions/{session}/marks").json()
        assert [(mark["student_id"], mark["status"]) for mark in marks] == [("barack_obama", "present")]
        face = found.json()["photos"][0]["faces"][0]["face_id"]
        picture = phone.get(f"/v1/sessions/{session}/faces/{face}/picture")
        assert picture.headers["content-type"] == "image/jpeg"
        late = {"marks": [{"student_id": "barack_obama", "status": "late"}]}
        corrected = phone.patch(f"/v1/sessions/{session}/marks", json=late, headers={"If-Match": "*"})
        assert corrected.status_code == 200, corrected.text
        assert phone.post(f"/v1/sessions/{session}/closing", json={}).json()["closed_at"]

        for refused in (
            phone.post("/v1/groups/8a/lessons/maths/session", json={"day": today.isoformat()}),
            phone.post("/v1/sessions", json={"group_id": "8a"}),
            phone.post("/mark/detect", data={"group_id": "8a"}, files={"images": photo}),
            phone.get("/v1/lessons", params={"day": (today + timedelta(days=1)).isoformat()}),
            phone.get("/v1/students"),
            phone.get("/v1/substitutes"),
            phone.get("/v1/reports/changes"),
        ):
            assert refusal(refused) == (403, "not_allowed")

        changes = admin.get("/v1/reports/changes", params={"student_id": "barack_obama"}).json()["items"]
        assert [(each["session_id"], each["change"]["by"]) for each in changes] == [(session, "substitute:Jo Park")]
        assert admin.delete(f"/v1/substitutes/{made}").json()["state"] == "revoked"
        assert refusal(phone.get("/v1/groups")) == (401, "sign_in_required")
        assert refusal(phone.post(SIGN_IN, json={"code": code})) == (403, "substitute_code_not_valid")


def test_a_code_is_locked_after_ten_wrong_tries_and_ends_with_its_day(deployed: Deployed) -> None:
    admin = deployed.client
    admin.post("/v1/groups", json={"group_id": "7b", "name": "7b"}).raise_for_status()
    wanted = {"name": "Jo Park", "group_ids": ["7b"]}
    guessed, code = code_for(admin.post("/v1/substitutes", json=wanted))
    ended, old_code = code_for(admin.post("/v1/substitutes", json=wanted))
    with httpx.Client(base_url=f"{admin.base_url}{SUBSTITUTE_BASE}", timeout=600) as phone:
        token = phone.post(SIGN_IN, json={"code": old_code}).json()["token"]
        before = phone.post(SIGN_IN, json={"code": code}).json()["token"]
        wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
        for _ in range(MAX_TRIES):
            assert refusal(phone.post(SIGN_IN, json={"code": wrong}))[1] == "substitute_code_wrong"
        assert refusal(phone.post(SIGN_IN, json={"code": code})) == (403, "substitute_code_not_valid")
        # A stranger's guesses do not end the access of somebody who has it.
        phone.headers["Authorization"] = f"Bearer {before}"
        assert phone.get("/v1/groups").status_code == 200

        documents = documents_of(deployed.cloud)
        stored = documents.get(DocumentKind.SUBSTITUTES, ended)
        past = {"expires_at": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}
        documents.put(DocumentKind.SUBSTITUTES, ended, stored.version, {**stored.body, **past})
        phone.headers["Authorization"] = f"Bearer {token}"
        assert refusal(phone.get("/v1/groups")) == (401, "sign_in_required")
        assert refusal(phone.post(SIGN_IN, json={"code": old_code})) == (403, "substitute_code_not_valid")
    states = {each["substitute_id"]: each["state"] for each in admin.get("/v1/substitutes").json()["items"]}
    assert states == {guessed: "locked", ended: "expired"}
