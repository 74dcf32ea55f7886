"""The vision image as a plain server: a user, registrations, a roll call, and the same data after a restart."""

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.lib.photos import SAMPLES
from benchmarks.operations.images.containers import Container, Image

_NAMES = {"barack_obama": "Barack Obama", "joe_biden": "Joe Biden"}
_EXPECTED = {"barack_obama": "present", "joe_biden": "absent"}


def run(image: Image, scratch: Path) -> dict[str, Any]:
    """Serve, stop as `docker stop` does, serve again; return figures.

    Raises:
        AssertionError: an answer is not what it should be.
    """
    data = scratch / "data"
    data.mkdir()
    owner = int(image.config["User"])
    os.chown(data, owner, owner)
    port = _free_port()
    variables = {"MUSTER_HOST": "127.0.0.1", "MUSTER_PORT": str(port)}
    health = image.config["Healthcheck"]["Test"][1:]
    refused = image.start([], {}, scratch / "refused.log", volumes={data: "/data"}).wait(timeout=60)
    assert refused == 2, (scratch / "refused.log").read_text()
    token = _admin(image, data, scratch / "admin.log")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers=headers) as client:
        started = time.monotonic()
        server = image.start([], variables, scratch / "server.log", volumes={data: "/data"})
        try:
            _wait_for(client, server, scratch / "server.log")
            healthy = time.monotonic() - started
            _register(client)
            first = _statuses(_detect(client))
            answered = time.monotonic() - started
            assert image.run(*health, variables=variables, log=scratch / "health.log") == 0
            peak = server.peak_bytes()
            asked = time.monotonic()
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
            stopped = time.monotonic() - asked
        finally:
            server.kill()
        assert image.run(*health, variables=variables, log=scratch / "health.log") != 0
        server = image.start([], variables, scratch / "again.log", volumes={data: "/data"})
        try:
            _wait_for(client, server, scratch / "again.log")
            again = _statuses(_detect(client))
        finally:
            server.kill()
            server.wait()
    assert first == again == _EXPECTED, (first, again)
    return {
        "seconds_to_health": round(healthy, 2),
        "seconds_to_two_registrations_and_a_roll_call": round(answered, 2),
        "seconds_to_stop": round(stopped, 2),
        "peak_mb": round(peak / 1e6),
    }


def _admin(image: Image, data: Path, log: Path) -> str:
    """Create the first user, because without users the image serves only its own loopback address."""
    command = ["muster", "users", "add", "ada", "--role", "admin", "--json"]
    assert image.run(*command, variables={}, log=log, volumes={data: "/data"}) == 0, log.read_text()
    token: str = json.loads(log.read_text())["token"]
    return token


def _register(client: httpx.Client) -> None:
    for student, name in _NAMES.items():
        fields = {"student_id": student, "name": name, "group_id": "7b", "consent": "true"}
        image = (SAMPLES / "gallery" / f"{student}.jpg").read_bytes()
        answer = client.post("/register/register-student", data=fields, files={"image": image})
        assert answer.status_code == 201, answer.text


def _detect(client: httpx.Client) -> dict[str, Any]:
    photo = (SAMPLES / "photos/group.jpg").read_bytes()
    answer = client.post("/mark/detect", data={"group_id": "7b"}, files={"images": photo})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _statuses(document: dict[str, Any]) -> dict[str, str]:
    return {mark["student_id"]: mark["status"] for mark in document["marks"]}


def _wait_for(client: httpx.Client, server: Container, log: Path) -> None:
    for _ in range(1200):
        assert server.poll() is None, log.read_text()
        try:
            client.get("/health").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer within a minute")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
