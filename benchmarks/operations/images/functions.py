"""The vision image as Lambda runs it: real runtime client, read-only root, a user of its own; simulated services."""

import io
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
from PIL import Image as Picture

from benchmarks.lib.photos import SAMPLES
from benchmarks.operations.images.containers import Container, Image
from tests.e2e.aws.cloud import Cloud
from tests.e2e.aws.gateway import Gateway
from tests.e2e.aws.lambda_runtime import LambdaFunction

_STUDENTS = {"barack_obama": "Barack Obama", "joe_biden": "Joe Biden"}
_LAMBDA_USER = "993"
"""Not the image's own: Lambda runs images as a user that it chooses."""


def run(image: Image, cloud: Cloud, scratch: Path, starts: int) -> dict[str, Any]:
    """Register two people, then call the roll with function instances that have never run; return figures.

    Args:
        starts: cold starts of each kind, of which the median counts.
    """
    with _instance(image, cloud, "register", scratch) as (_, client):
        for student, name in _STUDENTS.items():
            fields = {"student_id": student, "name": name, "group_id": "7b", "consent": "true"}
            photo = (SAMPLES / "gallery" / f"{student}.jpg").read_bytes()
            answer = client.post("/register/register-student", data=fields, files={"image": photo})
            assert answer.status_code == 201, answer.text
    group = (SAMPLES / "photos/group.jpg").read_bytes()
    cached = [_cold(image, cloud, scratch, group) for _ in range(starts)]
    from_disk = []
    for _ in range(starts):
        image.forget_pages()
        from_disk.append(_cold(image, cloud, scratch, group))
    phone, largest = _tiled(group, 4000, 3000, 60), _tiled(group, 8192, 6400, 20)
    ten = [_tiled(group, 4000, 3000, quality) for quality in range(10, 20)]
    with _instance(image, cloud, "detect", scratch) as (instance, client):
        marks, peaks = _roll_call(client, group), {"sample photo": instance.peak_bytes()}
        assert marks == {"barack_obama": "present", "joe_biden": "absent"}, marks
        warm = _timed(client, group)
        phone_seconds, peaks["12 megapixels"] = _timed(client, phone), instance.peak_bytes()
        largest_seconds, peaks["52 megapixels"] = _timed(client, largest), instance.peak_bytes()
    with _instance(image, cloud, "detect", scratch) as (instance, client):
        ten_seconds, peaks["ten of 12 megapixels"] = _timed(client, *ten), instance.peak_bytes()
    return {
        "cold_start_seconds": _summary([start["answer"] for start in cached]),
        "cold_start_from_disk_seconds": _summary([start["answer"] for start in from_disk]),
        "of_it_until_ready_seconds": _summary([start["ready"] for start in cached]),
        "warm_seconds": round(warm, 2),
        "twelve_megapixels_seconds": round(phone_seconds, 2),
        "fifty_two_megapixels_seconds": round(largest_seconds, 2),
        "ten_of_twelve_megapixels_seconds": round(ten_seconds, 2),
        "peak_mb": {name: round(peak / 1e6) for name, peak in peaks.items()},
    }


def _cold(image: Image, cloud: Cloud, scratch: Path, photo: bytes) -> dict[str, float]:
    started = time.monotonic()
    with _instance(image, cloud, "detect", scratch) as (instance, client):
        _roll_call(client, photo)
        answered = time.monotonic() - started
        assert instance.function.ready_after is not None
        return {"answer": answered, "ready": instance.function.ready_after}


class _Instance:
    """One instance of a function in a container."""

    def __init__(self, image: Image, cloud: Cloud, name: str, scratch: Path) -> None:
        self._log = scratch / f"{name}.log"
        self._image = image
        handler = f"functions.{name}.handler.handler"
        self._handler = handler
        environment = {**cloud.environment, **cloud.variables(name.title())}
        self.function = LambdaFunction(name, handler, scratch, environment, self._log, start=self._start)

    def _start(self, variables: Mapping[str, str]) -> Popen[bytes]:
        self.container: Container = self._image.start(
            [self._handler], variables, self._log, read_only=True, user=_LAMBDA_USER
        )
        return self.container

    def peak_bytes(self) -> int:
        return self.container.peak_bytes()


@contextmanager
def _instance(image: Image, cloud: Cloud, name: str, scratch: Path) -> Iterator[tuple[_Instance, httpx.Client]]:
    instance = _Instance(image, cloud, name, scratch)
    gateway = Gateway(cloud.routes(), {name: instance.function})
    try:
        with httpx.Client(base_url=gateway.url, timeout=120, headers={"Authorization": "Bearer token"}) as client:
            yield instance, client
    finally:
        gateway.stop()
        instance.function.stop()


def _roll_call(client: httpx.Client, *photos: bytes) -> dict[str, str]:
    files = [("images", photo) for photo in photos]
    answer = client.post("/mark/detect", data={"group_id": "7b"}, files=files)
    assert answer.status_code == 200, answer.text
    return {mark["student_id"]: mark["status"] for mark in answer.json()["marks"]}


def _timed(client: httpx.Client, *photos: bytes) -> float:
    started = time.monotonic()
    _roll_call(client, *photos)
    return time.monotonic() - started


def _summary(seconds: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds), 2),
        "least": round(min(seconds), 2),
        "most": round(max(seconds), 2),
    }


def _tiled(photo: bytes, width: int, height: int, quality: int) -> bytes:
    """Return the photo repeated over a large picture: many faces at the size of a phone's photo."""
    with Picture.open(io.BytesIO(photo)) as one:
        tile = one.convert("RGB")
    large = Picture.new("RGB", (width, height), "grey")
    for left in range(0, width, tile.width):
        for top in range(0, height, tile.height):
            large.paste(tile, (left, top))
    written = io.BytesIO()
    large.save(written, "JPEG", quality=quality)
    return written.getvalue()
