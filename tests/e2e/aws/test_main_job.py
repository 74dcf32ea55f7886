"""The main job on AWS: real photos and weights, the real runtime client, events from store to training and back."""

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.answers import decided
from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.photos import (
    NAMES,
    announce,
    announce_registration,
    detect,
    read_uploads,
    register,
    send,
    state,
    waiting_photos,
)


def statuses(marks: list[dict[str, Any]]) -> dict[str, str]:
    return {mark["student_id"]: mark["status"] for mark in marks}


def padded(jpeg: bytes, size: int) -> bytes:
    """Return the same picture in a larger file: application segments that no reader looks at."""
    segment = b"\xff\xef" + struct.pack(">H", 65_000) + bytes(64_998)
    return jpeg[:2] + segment * (size // len(segment) + 1) + jpeg[2:]


@pytest.mark.timeout(900)  # two whole training jobs
def test_from_registration_to_attendance(deployed: Deployed, samples: Path) -> None:
    cloud, client, retrain = deployed.cloud, deployed.client, deployed.functions["retrain"]

    registered = register(deployed, samples, "barack_obama")
    assert registered.status_code == 201, registered.text
    (stored,) = cloud.events("TemplateStored")
    assert retrain.invoke(stored) == {"decision": "started"}

    permit, image = announce_registration(deployed, samples, "joe_biden")
    assert state(deployed, permit)["state"] == "waiting"
    send(permit, image)
    read_uploads(deployed, "register")
    upload = state(deployed, permit)
    assert (upload["state"], upload["answer"]["student_id"], upload["answer"]["repeated"]) == (
        "done",
        "joe_biden",
        False,
    )
    assert waiting_photos(deployed) == []
    (stored,) = cloud.events("TemplateStored")
    assert retrain.invoke(stored) == {"decision": "coalesced"}

    (first,) = cloud.jobs()
    assert cloud.run_job(first)["students"] == 2
    assert retrain.invoke(cloud.job_state_changed(first, "SUCCEEDED")) == {"decision": "started"}
    second = cloud.jobs()[1]
    assert cloud.run_job(second)["outcome"] in ("skipped", "kept", "promoted")
    assert retrain.invoke(cloud.job_state_changed(second, "SUCCEEDED")) == {"decision": "ended"}
    training = client.get("/v1/training").json()
    assert training["state"] == "idle"

    photo = (samples / "photos" / "group.jpg").read_bytes()
    direct = detect(deployed, photo)
    assert direct.status_code == 200, direct.text
    assert statuses(direct.json()["marks"]) == {"barack_obama": "present", "joe_biden": "absent"}
    assert direct.json()["model"]["head"] == training["head"]
    permit = announce(deployed, photo, kind="detect", group_id="7b")
    send(permit, photo)
    read_uploads(deployed, "detect")
    answer = state(deployed, permit)["answer"]
    assert decided(answer) == decided(direct.json())

    session = f"/v1/sessions/{direct.json()['session_id']}"
    assert client.get(f"{session}/marks").json() == direct.json()["marks"]
    assert client.get(f"{session}/photos").json() == answer["photos"]
    for function in deployed.functions.values():
        log = function.log.read_text()
        assert "correlation_id" in log
        assert not any(name in log or name.title() in log for name in (*NAMES, *NAMES.values()))


def test_a_photo_over_the_gateways_limit_gives_the_same_answer_by_upload(deployed: Deployed, samples: Path) -> None:
    assert register(deployed, samples, "barack_obama").status_code == 201
    photo = (samples / "photos" / "group.jpg").read_bytes()
    most = deployed.client.get("/v1/me").json()["max_photo_bytes"]
    assert detect(deployed, padded(photo, most - len(photo) - 65_000)).status_code == 200
    large = padded(photo, 8_000_000)
    assert detect(deployed, large).status_code == 413
    permit = announce(deployed, large, kind="detect", group_id="7b", session_id="monday")
    send(permit, large)
    read_uploads(deployed, "detect")
    by_upload = state(deployed, permit)["answer"]
    direct = detect(deployed, photo).json()
    assert by_upload["session_id"] == "monday"
    assert by_upload["marks"] == direct["marks"]
    for uploaded, other in zip(by_upload["photos"][0]["faces"], direct["photos"][0]["faces"], strict=True):
        del uploaded["face_id"], other["face_id"]
        assert uploaded == other


def test_requests_without_a_token_reach_no_function_but_health(deployed: Deployed) -> None:
    deployed.client.headers.pop("Authorization")
    assert deployed.client.get("/v1/students").status_code == 401
    assert deployed.functions.keys() == set()
    assert deployed.client.get("/health").json()["status"] == "ok"
