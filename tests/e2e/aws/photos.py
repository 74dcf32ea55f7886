"""Sending photos to the AWS system, by request and by upload."""

from pathlib import Path
from typing import Any

import httpx

from tests.e2e.aws.cloud import as_batch
from tests.e2e.aws.conftest import Deployed

GROUP = "7b"
NAMES = {"barack_obama": "Barack Obama", "joe_biden": "Joe Biden"}


def register(deployed: Deployed, samples: Path, student_id: str) -> httpx.Response:
    image = (samples / "gallery" / f"{student_id}.jpg").read_bytes()
    fields = {"student_id": student_id, "name": NAMES[student_id], "group_id": GROUP, "consent": "true"}
    return deployed.client.post("/register/register-student", data=fields, files={"image": image})


def detect(deployed: Deployed, image: bytes, **fields: str) -> httpx.Response:
    return deployed.client.post("/mark/detect", data={"group_id": GROUP, **fields}, files={"images": image})


def announce(deployed: Deployed, image: bytes, **fields: Any) -> dict[str, Any]:
    """Announce a photo, and return the permit."""
    body = {"content_type": "image/jpeg", "size": len(image), **fields}
    response = deployed.client.post("/v1/uploads", json=body)
    assert response.status_code == 201, response.text
    permit: dict[str, Any] = response.json()
    return permit


def announce_registration(deployed: Deployed, samples: Path, student_id: str) -> tuple[dict[str, Any], bytes]:
    image = (samples / "gallery" / f"{student_id}.jpg").read_bytes()
    details = {"student_id": student_id, "name": NAMES[student_id], "group_ids": [GROUP], "consent": True}
    return announce(deployed, image, kind="register", **details), image


def send(permit: dict[str, Any], image: bytes) -> None:
    """Send the photo to S3 with the permit's form."""
    httpx.post(permit["url"], data=permit["fields"], files={"file": image}).raise_for_status()


def read_uploads(deployed: Deployed, name: str) -> None:
    """Hand the events of new uploads to their function, as SQS does."""
    for event in deployed.cloud.events(f"{name.title()}UploadsCreated"):
        assert deployed.functions[name].invoke(as_batch(event)) == {"batchItemFailures": []}


def state(deployed: Deployed, permit: dict[str, Any]) -> dict[str, Any]:
    response = deployed.client.get(f"/v1/uploads/{permit['upload_id']}")
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def waiting_photos(deployed: Deployed) -> list[str]:
    """Return the keys of the photos that still lie under `uploads/`."""
    listed = deployed.cloud.client("s3").list_objects_v2(Bucket=deployed.cloud.bucket_of_photos, Prefix="uploads/")
    return [item["Key"] for item in listed.get("Contents", [])]
