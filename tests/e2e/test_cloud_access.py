"""Access in the cloud by the claims that the gateway passes on, and access to uploads, which only the cloud has."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from muster.api.app import create_app
from muster.composition.aws import open_access, open_records
from muster.composition.aws_settings import AwsSettings
from muster.domain.attendance import Session
from muster.domain.identifiers import GroupId, SessionId, StudentId, UploadId, UserId
from muster.domain.learning import LearningMode
from muster.domain.student import Student
from muster.domain.upload import Failure, UploadKind
from muster.recognition.policy import Policy
from muster.recognition.thresholds import DUPLICATE_THRESHOLDS
from muster.services.caches.galleries import Galleries
from muster.services.caches.heads import CurrentHead
from muster.services.caches.school import School
from muster.services.learning.automatic import AutomaticLearning
from muster.services.registering.registration import Registration
from muster.services.roll_call.detection import RollCalls
from muster.services.roll_call.photo_checks import PhotoChecks
from muster.services.roster.groups import Groups
from muster.services.uploading.arrivals import UploadedPhotos
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads, upload_object
from muster.vision.pipeline import VisionPipeline
from tests.contract.examples import PACK
from tests.contract.places import AwsPlace
from tests.simulated_aws import simulated_aws

pytestmark = pytest.mark.aws

Ask = Callable[..., httpx.Response]
ADA = {"sub": "0b9f5d0c-5d0e-4f0e-8a55-0d4f4b6f4b1e", "cognito:groups": "[teacher]"}
BOB = {"sub": "7c1e2f3a-5d0e-4f0e-8a55-0d4f4b6f4b1e", "cognito:groups": "[teacher]"}
CY = {"sub": "5f2f1f0e-5d0e-4f0e-8a55-0d4f4b6f4b1e", "cognito:groups": "[teacher]"}
ADMIN = {"sub": "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "cognito:groups": "[admin teacher]"}
DAN = {
    "sub": "9d6bcd1b-bbfd-4b2d-9b5d-ab8dfbbd4bed",
    "cognito:groups": "[teacher]",
    "email": "Dan@example.edu",
    "email_verified": "true",
}
NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
ROLL_CALL = {"kind": "detect", "group_id": "7b", "content_type": "image/jpeg", "size": 1000}


@pytest.fixture
def place() -> Iterator[AwsPlace]:
    """An empty table and two empty buckets."""
    with simulated_aws() as endpoint:
        yield AwsPlace.new(endpoint)


@pytest.fixture
def ask(place: AwsPlace, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks the application that keeps records; Ada and Bob teach 7b, Cy teaches 8a."""
    for name, value in {
        "AWS_ENDPOINT_URL": place.endpoint,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "MUSTER_STAGE": "dev",
        "MUSTER_TABLE": place.table,
        "MUSTER_PHOTOS_BUCKET": place.photos,
        "MUSTER_MODELS_BUCKET": place.models,
    }.items():
        monkeypatch.setenv(name, value)
    settings = AwsSettings.read()
    records = open_records(settings, open_access(settings))
    records.groups.create(GroupId("7b"), "7b", [UserId(claims["sub"]) for claims in (ADA, BOB)])
    records.groups.create(GroupId("8a"), "8a", [UserId(CY["sub"])])
    records.roster.enrol(StudentId("s1"), "Ada Lovelace", [GroupId("7b")])
    app = create_app(records)

    def ask(claims: dict[str, Any] | None, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
            authorizer = {} if claims is None else {"jwt": {"claims": claims, "scopes": None}}
            scope["aws.event"] = {"requestContext": {"authorizer": authorizer, "requestId": "JKJaXmPLvHcESHA="}}
            await app(scope, receive, send)

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(gateway)
            async with httpx.AsyncClient(transport=transport, base_url="https://muster.example") as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(send())

    return ask


def test_the_claims_decide(ask: Ask) -> None:
    assert ask(None, "GET", "/v1/students", headers={"Authorization": "Bearer x"}).status_code == 401
    assert ask({"sub": "1"}, "GET", "/v1/students").status_code == 403
    assert ask(ADA, "GET", "/v1/students/s1").status_code == 200
    assert ask(ADA, "GET", "/v1/groups/8a").status_code == 403
    assert ask(ADA, "DELETE", "/v1/students/s1").status_code == 403
    assert ask(ADMIN, "GET", "/v1/groups/8a").status_code == 200
    assert ask(None, "GET", "/health").status_code == 200


def test_a_client_is_told_who_asks_and_that_larger_photos_are_uploaded(ask: Ask) -> None:
    assert ask(None, "GET", "/v1/me").status_code == 401
    me = ask({**ADA, "email": "ada@example.edu"}, "GET", "/v1/me").json()
    assert (me["user_id"], me["role"], me["name"]) == (ADA["sub"], "teacher", "ada@example.edu")
    assert ask(ADMIN, "GET", "/v1/me").json()["role"] == "admin"
    assert (me["uploads"], me["max_photo_bytes"], me["time_zone"]) == (True, 4_400_000, "UTC")


def test_people_have_names_where_the_store_has_ids(ask: Ask, place: AwsPlace) -> None:
    """The names come from ID tokens; what a user did before, or with an access token, has their name too."""
    place.open().sessions.create(Session(SessionId("monday"), GroupId("7b"), NOW), [StudentId("s1")])
    marks = {"marks": [{"student_id": "s1", "status": "present"}]}
    assert ask(ADA, "PATCH", "/v1/sessions/monday/marks", json=marks, headers={"If-Match": "*"}).status_code == 200

    def named() -> list[Any]:
        change = ask(BOB, "GET", "/v1/sessions/monday/changes").json()["items"][0]
        group = ask(BOB, "GET", "/v1/groups/7b").json()
        return [change["by"], change["by_name"], group["teacher_names"].get(ADA["sub"])]

    assert named() == [ADA["sub"], None, None]
    signed_in = {**ADA, "email": "ada@example.edu", "email_verified": "true"}
    assert ask(signed_in, "GET", "/v1/me").json()["name"] == "ada@example.edu"
    assert named() == [ADA["sub"], "ada@example.edu", "ada@example.edu"]
    assert ask({**signed_in, "name": "Ada Lovelace"}, "GET", "/v1/me").json()["name"] == "Ada Lovelace"
    assert named() == [ADA["sub"], "Ada Lovelace", "Ada Lovelace"]


def test_groups_list_teachers_by_address(ask: Ask) -> None:
    headers = {"If-Match": "*"}
    change = {"teachers": ["Dan@Example.edu", ADA["sub"]]}
    unknown = ask(ADMIN, "PATCH", "/v1/groups/8a", json=change, headers=headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "user_not_found")
    # An address that nobody vouches for names nobody.
    ask({**DAN, "email_verified": "false"}, "GET", "/v1/me")
    assert ask(ADMIN, "PATCH", "/v1/groups/8a", json=change, headers=headers).status_code == 404
    ask(DAN, "GET", "/v1/me")
    changed = ask(ADMIN, "PATCH", "/v1/groups/8a", json=change, headers=headers)
    assert (changed.status_code, changed.json()["teachers"]) == (200, sorted([DAN["sub"], ADA["sub"]]))
    assert ask(ADA, "PATCH", "/v1/groups/8a", json=change, headers=headers).status_code == 403


def test_who_takes_an_address_over_takes_no_group_over(ask: Ask) -> None:
    ask(DAN, "GET", "/v1/me")
    ask(ADMIN, "PATCH", "/v1/groups/8a", json={"teachers": ["dan@example.edu"]}, headers={"If-Match": "*"})
    thief = {**BOB, "email": "dan@example.edu", "email_verified": "true"}
    ask(thief, "GET", "/v1/me")
    assert ask(thief, "GET", "/v1/groups/8a").status_code == 403
    assert ask({**DAN, "email": "other@example.edu"}, "GET", "/v1/groups/8a").status_code == 200
    # Of two users with one address, one is named by id.
    both = {**DAN, "sub": CY["sub"]}
    ask(both, "GET", "/v1/me")
    change = ask(ADMIN, "PATCH", "/v1/groups/8a", json={"teachers": ["dan@example.edu"]}, headers={"If-Match": "*"})
    assert (change.status_code, change.json()["code"]) == (409, "user_ambiguous")


def test_groups_wait_for_who_comes_by_the_schools_sign_in(ask: Ask, place: AwsPlace) -> None:
    people = place.open().people
    people.expect("dan@example.edu", [GroupId("7b"), GroupId("8a"), GroupId("gone")])
    for nobody in ({**DAN, "identities": "", "email_verified": "false"}, {**DAN, "cognito:groups": "[pool_School]"}):
        assert ask(nobody, "GET", "/v1/groups/7b").status_code == 403
    assert people.expected_groups("dan@example.edu")
    dan = {**DAN, "email_verified": "false", "identities": "[map[providerName:School]]"}
    assert [group["group_id"] for group in ask(dan, "GET", "/v1/groups").json()["items"]] == ["7b", "8a"]
    assert people.expected() == {}
    # Given once: a group that an admin takes stays taken.
    ask(ADMIN, "PATCH", "/v1/groups/7b", json={"teachers": []}, headers={"If-Match": "*"})
    assert ask({**dan, "name": "Dan"}, "GET", "/v1/groups/7b").status_code == 403


def test_a_request_is_found_in_the_log_by_the_gateways_id(ask: Ask) -> None:
    assert ask(ADA, "GET", "/v1/students").headers["x-request-id"] == "JKJaXmPLvHcESHA="


def test_an_upload_is_told_of_to_who_announced_it(ask: Ask) -> None:
    assert ask(None, "POST", "/v1/uploads", json=ROLL_CALL).status_code == 401
    assert ask(ADA, "POST", "/v1/uploads", json={**ROLL_CALL, "group_id": "8a"}).status_code == 403
    opened = ask(ADA, "POST", "/v1/uploads", json=ROLL_CALL)
    assert opened.status_code == 201, opened.text
    address = opened.headers["location"]
    assert [ask(who, "GET", address).status_code for who in (None, BOB, ADA, ADMIN)] == [401, 404, 200, 200]


def test_a_repeated_announcement_is_one_upload(ask: Ask) -> None:
    key = {"Idempotency-Key": "0b9f5d0c-5d0e-4f0e-8a55"}
    first, second = (ask(ADA, "POST", "/v1/uploads", json=ROLL_CALL, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    # Another teacher's key of the same text is another key.
    assert ask(BOB, "POST", "/v1/uploads", json=ROLL_CALL, headers=key).json() != first.json()


PHOTO = {"content_type": "image/jpeg", "size": 1000}
REGISTRATION = {
    **PHOTO,
    **{"kind": "register", "student_id": "s9", "name": "New", "group_ids": ["8a"], "consent": True},
}


@pytest.mark.parametrize(
    "announcement",
    [
        {**ROLL_CALL, "group_id": "7b"},
        {**ROLL_CALL, "group_id": "8a", "session_id": "monday"},
        {**REGISTRATION, "group_ids": ["8a", "7b"]},
        {**REGISTRATION, "student_id": "s1"},
        {**REGISTRATION, "student_id": "s1", "renew_consent": True},
    ],
    ids=str,
)
def test_an_announcement_names_nobody_of_another_group(ask: Ask, place: AwsPlace, announcement: dict[str, Any]) -> None:
    place.open().sessions.create(Session(SessionId("monday"), GroupId("7b"), NOW), [StudentId("s1")])
    answer = ask(CY, "POST", "/v1/uploads", json=announcement)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert not any(secret in answer.text for secret in ("7b", "s1", "monday", "Ada"))


def test_an_upload_of_another_user_reads_like_none(ask: Ask) -> None:
    address = ask(ADA, "POST", "/v1/uploads", json=ROLL_CALL).headers["location"]
    foreign, absent = ask(BOB, "GET", address), ask(BOB, "GET", "/v1/uploads/nowhere")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.text.replace(address.rpartition("/")[2], "nowhere") == absent.text


def test_what_a_teacher_may_is_asked_again_when_the_photo_is_read(ask: Ask, place: AwsPlace) -> None:
    """The student comes onto another roster, or the teacher loses the group, between announcement and photo."""
    stores = place.open()
    taken = ask(CY, "POST", "/v1/uploads", json=REGISTRATION).json()["upload_id"]
    left = ask(CY, "POST", "/v1/uploads", json={**ROLL_CALL, "group_id": "8a"}).json()["upload_id"]
    stores.students.enrol(Student(StudentId("s9"), "Zoe", frozenset({GroupId("7b")}), None, None))
    group = stores.groups.get(GroupId("8a"))
    assert outcome(place, UploadKind.REGISTER, taken) == "not_allowed"
    stores.groups.update(replace(group, teachers=frozenset(), version=group.version + 1))
    assert outcome(place, UploadKind.DETECT, left) == "not_allowed"
    assert stores.students.get(StudentId("s9")).groups == {"7b"}


def test_an_announcement_of_an_admin_reaches_every_group(ask: Ask, place: AwsPlace) -> None:
    upload = ask(ADMIN, "POST", "/v1/uploads", json={**REGISTRATION, "student_id": "s1"}).json()["upload_id"]
    assert outcome(place, UploadKind.REGISTER, upload) == "unsupported_image"


def outcome(place: AwsPlace, kind: UploadKind, upload_id: str) -> str:
    """Read a photo that is no photo; return the code of its refusal."""
    dynamodb, s3 = place.clients()
    uploads = AwsUploads(s3, Table(dynamodb, place.table), place.photos)
    stores = place.open()
    s3.put_object(Bucket=place.photos, Key=upload_object(kind, UploadId(upload_id)), Body=b"no photo")
    vision = cast(VisionPipeline, None)
    galleries, heads = cast(Galleries, None), cast(CurrentHead, None)
    groups = Groups(stores.groups, stores.students, stores.sessions)
    registration = Registration(
        pack=PACK,
        vision=vision,
        students=stores.students,
        school=cast(School, None),
        duplicate_thresholds=DUPLICATE_THRESHOLDS,
        groups=groups,
        request_training=lambda: None,
        one_at_a_time=ExitStack(),
    )
    checks = PhotoChecks(stores.sessions, UTC)
    learning = AutomaticLearning(stores.students, stores.sessions, LearningMode.OFF, lambda: None)
    detection = RollCalls(
        pack=PACK,
        vision=vision,
        students=stores.students,
        sessions=stores.sessions,
        galleries=galleries,
        heads=heads,
        policy=Policy(),
        checks=checks,
        learning=learning,
    )
    upload = UploadedPhotos(uploads, stores.groups, registration, detection).read(kind, UploadId(upload_id))
    assert upload is not None
    assert isinstance(upload.outcome, Failure)
    return upload.outcome.code
