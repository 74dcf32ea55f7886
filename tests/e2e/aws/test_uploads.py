"""Photos that come straight to S3: whatever the events do, each is read once and nothing is marked twice."""

import base64
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.aws.cloud import as_batch
from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.photos import (
    announce,
    announce_registration,
    read_uploads,
    register,
    send,
    state,
    waiting_photos,
)
from tests.infra.policy import Need, allows


def marks(deployed: Deployed, session: str) -> Any:
    return deployed.client.get(f"/v1/sessions/{session}/marks").json()


def test_the_same_event_twice_registers_once_and_asks_for_one_training(deployed: Deployed, samples: Path) -> None:
    permit, image = announce_registration(deployed, samples, "barack_obama")
    send(permit, image)
    (event,) = deployed.cloud.events("RegisterUploadsCreated")
    function = deployed.functions["register"]
    assert function.invoke(as_batch(event)) == {"batchItemFailures": []}
    before = state(deployed, permit)
    assert function.invoke(as_batch(event, event)) == {"batchItemFailures": []}
    assert state(deployed, permit) == before
    assert before["answer"]["repeated"] is False
    assert len(deployed.client.get("/v1/students").json()["items"]) == 1
    assert len(deployed.cloud.events("TemplateStored")) == 1


def test_an_uploaded_photo_replaces_the_one_of_a_student(deployed: Deployed, samples: Path) -> None:
    assert register(deployed, samples, "barack_obama").status_code == 201
    before = deployed.client.get("/v1/students/barack_obama").json()
    content = BytesIO()
    Image.open(samples / "gallery" / "barack_obama.jpg").convert("RGB").save(content, "JPEG", quality=88)
    photo = content.getvalue()
    permit = announce(deployed, photo, kind="replace", student_id="barack_obama", version=before["version"])
    send(permit, photo)
    (event,) = deployed.cloud.events("RegisterUploadsCreated")
    assert deployed.functions["register"].invoke(as_batch(event, event)) == {"batchItemFailures": []}
    answer = state(deployed, permit)["answer"]
    assert (answer["version"], answer["repeated"]) == (before["version"] + 1, False)
    assert answer["photo_replaced_at"] is not None
    # One event for the first training copy and one for the second.
    assert len(deployed.cloud.events("TemplateStored")) == 2
    kept = {"barack_obama"} | {student["student_id"] for student in deployed.client.get("/v1/students").json()["items"]}
    assert kept == {"barack_obama"}
    assert waiting_photos(deployed) == []
    # In a request, too.
    files = {"image": (samples / "gallery" / "barack_obama.jpg").read_bytes()}
    direct = deployed.client.put("/v1/students/barack_obama/photo", files=files, headers={"If-Match": "*"})
    assert direct.json()["version"] == before["version"] + 2


def test_photos_of_one_session_give_the_same_marks_in_any_order_and_however_often(
    deployed: Deployed, samples: Path
) -> None:
    for student in ("barack_obama", "joe_biden"):
        assert register(deployed, samples, student).status_code == 201
    photos = [(samples / "photos" / name).read_bytes() for name in ("group.jpg", "dim.jpg")]
    outcomes = []
    for session, order in (("forwards", 1), ("backwards", -1)):
        for photo in photos:
            permit = announce(
                deployed, photo, kind="detect", group_id="7b", session_id=session, use_anyway=session == "backwards"
            )
            send(permit, photo)
        events = deployed.cloud.events("DetectUploadsCreated")[::order]
        for event in (*events, events[0]):
            assert deployed.functions["detect"].invoke(as_batch(event)) == {"batchItemFailures": []}
        stored = deployed.client.get(f"/v1/sessions/{session}/photos").json()
        assert len(stored) == 2
        outcomes.append(marks(deployed, session))
    assert outcomes[0] == outcomes[1]
    assert waiting_photos(deployed) == []


def test_a_photo_of_another_session_is_refused_until_its_sender_confirms_it(deployed: Deployed, samples: Path) -> None:
    assert register(deployed, samples, "barack_obama").status_code == 201
    photo = (samples / "photos" / "group.jpg").read_bytes()

    def upload(session: str, **fields: Any) -> Any:
        permit = announce(deployed, photo, kind="detect", group_id="7b", session_id=session, **fields)
        send(permit, photo)
        read_uploads(deployed, "detect")
        return state(deployed, permit)

    assert upload("monday")["state"] == "done"
    assert upload("monday")["state"] == "done", "the same photo of the same session"
    refused = upload("tuesday")
    assert (refused["state"], refused["problem"]["code"]) == ("failed", "photo_used_before")
    assert deployed.client.get("/v1/sessions/tuesday").status_code == 404
    assert upload("tuesday", use_anyway=True)["answer"]["session_id"] == "tuesday"


def test_a_photo_opens_a_register_with_the_plans_of_its_day_and_none_changes_a_closed_one(
    deployed: Deployed, samples: Path
) -> None:
    client = deployed.client
    for student in ("barack_obama", "joe_biden"):
        assert register(deployed, samples, student).status_code == 201
    yesterday, tomorrow = (datetime.now(UTC).date() + timedelta(days=days) for days in (-1, 1))
    plan = {"first_day": yesterday.isoformat(), "last_day": tomorrow.isoformat(), "reason": "Trip"}
    for student in ("barack_obama", "joe_biden"):
        assert client.post(f"/v1/students/{student}/absences", json=plan).status_code == 201

    def upload(photo: bytes) -> Any:
        permit = announce(deployed, photo, kind="detect", group_id="7b", session_id="monday")
        send(permit, photo)
        read_uploads(deployed, "detect")
        return state(deployed, permit)

    group, dim = ((samples / "photos" / name).read_bytes() for name in ("group.jpg", "dim.jpg"))
    assert upload(group)["state"] == "done"
    taken = {mark["student_id"]: (mark["status"], mark["source"]) for mark in marks(deployed, "monday")}
    assert taken == {"barack_obama": ("present", "photo"), "joe_biden": ("excused", "planned")}

    session = client.get("/v1/sessions/monday")
    closed = client.post("/v1/sessions/monday/closing", json={}, headers={"If-Match": session.headers["ETag"]})
    assert closed.status_code == 200, closed.text
    before = marks(deployed, "monday")
    refused = upload(dim)
    assert (refused["state"], refused["problem"]["code"], refused["problem"]["status"]) == (
        "failed",
        "register_closed",
        409,
    )
    assert upload(group)["state"] == "done", "the register holds this photo"
    assert marks(deployed, "monday") == before
    assert len(client.get("/v1/sessions/monday/photos").json()) == 1
    assert waiting_photos(deployed) == []


def test_an_event_for_a_deleted_photo_is_taken_and_says_so(deployed: Deployed, samples: Path) -> None:
    permit, image = announce_registration(deployed, samples, "barack_obama")
    send(permit, image)
    cloud = deployed.cloud
    cloud.client("s3").delete_object(Bucket=cloud.bucket_of_photos, Key=permit["fields"]["key"])
    read_uploads(deployed, "register")
    upload = state(deployed, permit)
    assert (upload["state"], upload["problem"]["code"]) == ("failed", "photo_not_found")
    assert deployed.client.get("/v1/students").json()["items"] == []


def test_a_photo_that_nobody_announced_is_deleted_unread(deployed: Deployed) -> None:
    cloud = deployed.cloud
    key = "uploads/register/0000"
    cloud.client("s3").put_object(Bucket=cloud.bucket_of_photos, Key=key, Body=b"no photo")
    read_uploads(deployed, "register")
    assert waiting_photos(deployed) == []
    assert deployed.client.get("/v1/uploads/0000").json()["code"] == "upload_not_found"


def test_a_refused_photo_is_an_answer_and_is_not_tried_again(deployed: Deployed, samples: Path) -> None:
    group = (samples / "photos" / "group.jpg").read_bytes()
    details = {"student_id": "s1", "name": "Ada", "group_ids": ["7b"], "consent": True}
    permit = announce(deployed, group, kind="register", **details)
    send(permit, group)
    read_uploads(deployed, "register")
    upload = state(deployed, permit)
    assert (upload["state"], upload["problem"]["code"], upload["problem"]["status"]) == ("failed", "several_faces", 422)
    assert waiting_photos(deployed) == []


def test_a_photo_that_cannot_be_read_for_now_is_reported_for_another_try(deployed: Deployed, samples: Path) -> None:
    permits = [announce_registration(deployed, samples, student) for student in ("barack_obama", "joe_biden")]
    for permit, image in permits:
        send(permit, image)
    first, second = deployed.cloud.events("RegisterUploadsCreated")
    broken = {**first, "detail": {"object": {}}}
    batch = as_batch(broken, second)
    failed = deployed.functions["register"].invoke(batch)
    assert failed == {"batchItemFailures": [{"itemIdentifier": batch["Records"][0]["messageId"]}]}
    assert [state(deployed, permit)["state"] for permit, _ in permits] == ["waiting", "done"]
    assert deployed.functions["register"].invoke(as_batch(first)) == {"batchItemFailures": []}
    assert state(deployed, permits[0][0])["state"] == "done"


def test_a_permit_is_good_for_one_size_one_type_and_one_place(deployed: Deployed, samples: Path) -> None:
    """The simulated S3 does not enforce a form's policy; `form_is_taken` says what the real one takes."""
    permit, image = announce_registration(deployed, samples, "barack_obama")
    fields, size, bucket = permit["fields"], len(image), deployed.cloud.bucket_of_photos
    now = datetime.now(UTC)
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert form_is_taken(fields, bucket, size, now)
    assert not form_is_taken(fields, bucket, size + 1, now)
    assert not form_is_taken(fields, bucket, size - 1, now)
    assert not form_is_taken(fields, deployed.cloud.variables("Register")["MUSTER_MODELS_BUCKET"], size, now)
    assert not form_is_taken(fields, bucket, size, now + timedelta(minutes=16))
    for name, value in (
        ("key", fields["key"] + "0"),
        ("key", fields["key"].replace("register", "detect")),
        ("key", "students/0"),
        ("Content-Type", "text/html"),
        ("acl", "public-read"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-meta-name", "Ada"),
        ("success_action_redirect", "https://example.org"),
        ("x-amz-date", "20200101T000000Z"),
    ):
        assert not form_is_taken({**fields, name: value}, bucket, size, now), name
    assert not any(name in json.dumps(permit) for name in ("barack", "Barack"))


def test_who_signs_a_permit_may_write_where_it_leads_and_not_read_there(deployed: Deployed, samples: Path) -> None:
    """S3 does with a form only what its signer may do."""
    permit, _ = announce_registration(deployed, samples, "barack_obama")
    key = permit["fields"]["key"]
    place = f"arn:{{Partition}}:s3:::muster-dev-photos-{{AccountId}}-{{Region}}/{key}"
    signer = deployed.cloud.templates.grants["RosterRole"]
    assert allows(signer, Need("s3:PutObject", place))
    assert not allows(signer, Need("s3:GetObject", place))


def form_is_taken(fields: dict[str, str], bucket: str, size: int, now: datetime) -> bool:
    """Judge a form by its policy as S3 does: every field is in a condition, every condition holds.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
    """
    policy = json.loads(base64.b64decode(fields["policy"]))
    if now >= datetime.fromisoformat(policy["expiration"]):
        return False
    given = {name.lower(): value for name, value in fields.items() if name not in ("policy", "x-amz-signature")}
    given["bucket"] = bucket
    named = set()
    for condition in policy["conditions"]:
        match condition:
            case ["content-length-range", least, most]:
                if not least <= size <= most:
                    return False
            case dict():
                ((name, value),) = condition.items()
                named.add(name.lower())
                if given.get(name.lower()) != value:
                    return False
            case _:
                raise NotImplementedError(condition)
    return set(given) <= named


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"size": 25_000_001}, "image_too_large"),
        ({"size": 0}, "empty_upload"),
        ({"content_type": "image/gif"}, "unsupported_image"),
        ({"consent": False}, "consent_required"),
        ({"kind": "other"}, "invalid_request"),
    ],
)
def test_what_can_be_refused_without_the_photo_gets_no_permit(
    deployed: Deployed, change: dict[str, Any], code: str
) -> None:
    body = {"kind": "register", "content_type": "image/jpeg", "size": 1000, "student_id": "s1", "name": "Ada"}
    response = deployed.client.post("/v1/uploads", json={**body, "group_ids": ["7b"], "consent": True, **change})
    assert response.json()["code"] == code
    assert response.headers["content-type"].startswith("application/problem+json")


def test_a_photo_on_its_way_does_not_bring_an_erased_student_back(deployed: Deployed, samples: Path) -> None:
    student = {"student_id": "joe_biden", "name": "Joe Biden", "group_ids": ["7b"]}
    assert deployed.client.post("/v1/students", json=student).status_code == 201
    permit, image = announce_registration(deployed, samples, "joe_biden")
    send(permit, image)
    assert deployed.client.delete("/v1/students/joe_biden").status_code == 204
    read_uploads(deployed, "register")
    assert deployed.client.get(f"/v1/uploads/{permit['upload_id']}").json()["code"] == "upload_not_found"
    assert deployed.client.get("/v1/students").json()["items"] == []
    assert waiting_photos(deployed) == []
    dynamodb = deployed.cloud.client("dynamodb")
    (table,) = dynamodb.list_tables()["TableNames"]
    assert "joe_biden" not in json.dumps(dynamodb.scan(TableName=table)["Items"], default=str)
