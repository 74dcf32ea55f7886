"""Photos that come straight to S3: whatever the events do, each is read once and nothing is marked twice."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

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

pytestmark = pytest.mark.slow


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
    assert len(deployed.client.get("/v1/students").json()) == 1
    assert len(deployed.cloud.events("TemplateStored")) == 1


def test_photos_of_one_session_give_the_same_marks_in_any_order_and_however_often(
    deployed: Deployed, samples: Path
) -> None:
    for student in ("barack_obama", "joe_biden"):
        assert register(deployed, samples, student).status_code == 201
    photos = [(samples / "photos" / name).read_bytes() for name in ("group.jpg", "dim.jpg")]
    outcomes = []
    for session, order in (("forwards", 1), ("backwards", -1)):
        for photo in photos:
            send(announce(deployed, photo, kind="detect", group_id="7b", session_id=session), photo)
        events = deployed.cloud.events("DetectUploadsCreated")[::order]
        for event in (*events, events[0]):
            assert deployed.functions["detect"].invoke(as_batch(event)) == {"batchItemFailures": []}
        stored = deployed.client.get(f"/v1/sessions/{session}/photos").json()
        assert len(stored) == 2
        outcomes.append(marks(deployed, session))
    assert outcomes[0] == outcomes[1]
    assert waiting_photos(deployed) == []


def test_an_event_for_a_deleted_photo_is_taken_and_says_so(deployed: Deployed, samples: Path) -> None:
    permit, image = announce_registration(deployed, samples, "barack_obama")
    send(permit, image)
    cloud = deployed.cloud
    cloud.client("s3").delete_object(Bucket=cloud.bucket_of_photos, Key=permit["fields"]["key"])
    read_uploads(deployed, "register")
    upload = state(deployed, permit)
    assert (upload["state"], upload["problem"]["code"]) == ("failed", "photo_not_found")
    assert deployed.client.get("/v1/students").json() == []


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
    """The simulated S3 does not enforce a form's policy; the real one refuses what the signed policy does not allow."""
    permit, image = announce_registration(deployed, samples, "barack_obama")
    fields = permit["fields"]
    policy = json.loads(base64.b64decode(fields["policy"]))
    conditions = policy["conditions"]
    assert ["content-length-range", len(image), len(image)] in conditions
    assert {"Content-Type": "image/jpeg"} in conditions
    assert {"key": f"uploads/register/{permit['upload_id']}"} in conditions
    assert {"bucket": deployed.cloud.bucket_of_photos} in conditions
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    signed = {name for condition in conditions if isinstance(condition, dict) for name in condition}
    assert set(fields) - {"policy", "x-amz-signature"} <= signed
    assert not any(name in json.dumps(permit) for name in ("barack", "Barack"))


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
