"""Requests made to keep the server from answering others."""

import io
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from PIL import Image

from muster.api.app import MAX_JSON_BYTES, create_app
from muster.api.workload import Workload
from muster.cli import connections
from muster.composition.local import LocalServices
from muster.domain.identifiers import UserId
from muster.domain.user import Role, User
from muster.services.photos.decoding import CheckedPhotos
from muster.vision.decode import Photo, decode
from tests.e2e.serving import serving


def connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/v1/students", "application/json"),
        ("/mark/detect", "multipart/form-data; boundary=x"),
        ("/v1/nothing", "text/plain"),
    ],
)
def test_the_body_of_a_stranger_is_not_read(system: LocalServices, path: str, media_type: str) -> None:
    system.users.add(User(UserId("ada"), Role.ADMIN))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\nContent-Length: 900000\r\n\r\n"
    with serving(create_app(system)) as url, connected(url) as stream:
        # Nothing of the body is sent: an answer can only come from a server that does not wait for it.
        stream.sendall(head.encode())
        assert stream.recv(100).startswith(b"HTTP/1.1 401 ")


def test_paths_that_are_open_need_no_sender(system: LocalServices) -> None:
    system.users.add(User(UserId("ada"), Role.ADMIN))
    with serving(create_app(system)) as url:
        assert httpx.get(f"{url}/health").status_code == 200
        assert httpx.get(f"{url}/openapi.json").status_code == 200
        assert httpx.get(f"{url}/v1/groups").status_code == 401


@pytest.mark.parametrize("announced", [True, False])
def test_json_beyond_what_any_request_needs_is_refused(client: httpx.Client, announced: bool) -> None:
    content = b"[" + b"[]," * (MAX_JSON_BYTES // 3) + b"[]]"
    answer = client.post(
        "/v1/groups",
        content=content if announced else iter([content[:500_000], content[500_000:]]),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_forms_of_endless_parts_are_refused(client: httpx.Client) -> None:
    files = [("images", (f"{index}.jpg", b"x")) for index in range(21)]
    answer = client.post("/mark/detect", data={"group_id": "7b"}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    answer = client.post("/mark/detect", data={"group_id": "7" * 65_000}, files={"images": b"x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_lack_of_memory_is_said_and_the_server_lives(
    client: httpx.Client, system: LocalServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    class RuntimeException(RuntimeError):
        __module__ = "onnxruntime.capi.onnxruntime_pybind11_state"

    for failure in (MemoryError(), RuntimeException("Failed to allocate memory for requested buffer of size 1")):

        def broken(*_: Any, failure: Exception = failure) -> None:
            raise failure

        with monkeypatch.context() as patch:
            patch.setattr(type(system.groups), "find", broken)
            answer = client.get("/v1/groups")
        assert (answer.status_code, answer.json()["code"]) == (503, "out_of_memory")
        assert answer.headers["retry-after"]
        assert client.get("/v1/groups").status_code == 200


class TestWorkAtOnce:
    def test_health_answers_while_photos_wait_and_one_too_many_is_told_to_come_back(
        self, system: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("muster.api.app.recognition_work", lambda: Workload(at_once=2, waiting=3))
        entered, leave = threading.Semaphore(0), threading.Event()

        def slow(*_: Any, **__: Any) -> None:
            entered.release()
            assert leave.wait(120)

        monkeypatch.setattr(type(system.detection), "detect", slow)
        with serving(create_app(system)) as url, ThreadPoolExecutor(60) as pool:

            def send() -> httpx.Response:
                form: dict[str, Any] = {"data": {"group_id": "7b"}, "files": {"images": b"x"}}
                return httpx.post(f"{url}/mark/detect", timeout=120, **form)

            answers = [pool.submit(send) for _ in range(50)]
            try:
                assert entered.acquire(timeout=60)
                assert entered.acquire(timeout=60)
                while sum(answer.done() for answer in answers) < 45:
                    time.sleep(0.01)
                assert httpx.get(f"{url}/health", timeout=60).status_code == 200
                assert httpx.get(f"{url}/v1/groups", timeout=60).status_code == 200
                # Two are read and three wait.
                assert not entered.acquire(blocking=False)
            finally:
                leave.set()
            refused = [request.result() for request in answers if request.result().status_code == 429]
        assert len(refused) == 45
        assert all(answer.json()["code"] == "server_busy" for answer in refused)
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)

    def test_a_roll_call_does_not_wait_for_archives_of_registration_photos(
        self, system: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entered, leave = threading.Semaphore(0), threading.Event()

        def slow(*_: Any, **__: Any) -> list[Any]:
            entered.release()
            assert leave.wait(120)
            return []

        monkeypatch.setattr("muster.services.registering.bulk.BulkRegistration.run", slow)
        archive = io.BytesIO()
        with ZipFile(archive, "w") as entries:
            entries.writestr("s1.jpg", b"x")
        with serving(create_app(system)) as url, ThreadPoolExecutor(3) as pool:

            def send() -> httpx.Response:
                form: dict[str, Any] = {
                    "data": {"group_id": "7b", "consent": "true"},
                    "files": {"archive": archive.getvalue()},
                }
                return httpx.post(f"{url}/register/register-students", timeout=120, **form)

            answers = [pool.submit(send) for _ in range(3)]
            try:
                assert entered.acquire(timeout=60)
                read = httpx.post(f"{url}/mark/detect", data={"group_id": "7b"}, files={"images": b"x"}, timeout=60)
                assert read.json()["code"] == "unsupported_image"
            finally:
                leave.set()
            assert [answer.result().status_code for answer in answers] == [200] * 3

    def test_photos_of_one_request_are_not_all_in_memory_at_once(self) -> None:
        images = []
        for level in range(6):
            buffer = io.BytesIO()
            Image.new("RGB", (100, 100), (level, 0, 0)).save(buffer, "PNG")
            images.append(buffer.getvalue())
        calls: list[int] = []

        def counted(image: bytes) -> Photo:
            calls.append(images.index(image))
            return decode(image)

        photos = CheckedPhotos(counted, images, held_pixels=20_000)
        assert len(photos._held) == 2
        assert [int(photo.pixels[0, 0, 0]) for _, photo in photos] == list(range(6))
        # The first two are decoded once, the others again when their turn comes.
        assert calls == [0, 1, 2, 3, 4, 5, 2, 3, 4, 5]
        assert not photos._held


def test_a_damaged_photo_in_the_store_is_not_the_fault_of_who_looks(
    client: httpx.Client, samples: Path, tmp_path: Path
) -> None:
    form = {"student_id": "s1", "name": "Ada", "group_id": "7b", "consent": "true"}
    portrait = {"image": (samples / "gallery" / "barack_obama.jpg").read_bytes()}
    assert client.post("/register/register-student", data=form, files=portrait).status_code == 201
    group = {"images": (samples / "photos" / "group.jpg").read_bytes()}
    detected = client.post("/mark/detect", data={"group_id": "7b", "session_id": "m"}, files=group).json()
    photo = detected["photos"][0]
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file() and path.read_bytes()[:2] == b"\xff\xd8":
            path.write_bytes(b"junk" * 100)
    for address in (
        "/v1/students/s1/picture",
        f"/v1/sessions/m/photos/{photo['photo_id']}/picture",
        f"/v1/sessions/m/photos/{photo['photo_id']}/annotated",
        f"/v1/sessions/m/faces/{photo['faces'][0]['face_id']}/picture",
    ):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (503, "stored_photo_damaged"), address
        assert "Send a JPEG" not in answer.text


@contextmanager
def with_bounds(system: LocalServices, monkeypatch: pytest.MonkeyPatch, **bounds: float) -> Iterator[str]:
    for name, value in bounds.items():
        monkeypatch.setattr(connections, name, value)
    with serving(create_app(system), http=connections.BoundedProtocol) as url:
        yield url


def closed(stream: socket.socket) -> bool:
    try:
        return stream.recv(1000) == b""
    except ConnectionResetError:
        return True


class TestSlowConnections:
    def test_half_a_head_is_not_waited_for(self, system: LocalServices, monkeypatch: pytest.MonkeyPatch) -> None:
        with with_bounds(system, monkeypatch, HEAD_SECONDS=0.5, _TICK_SECONDS=0.1) as url, connected(url) as stream:
            stream.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
            assert closed(stream)

    def test_a_body_that_trickles_is_not_waited_for(
        self, system: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with with_bounds(system, monkeypatch, BODY_SECONDS=0.5, _TICK_SECONDS=0.1) as url, connected(url) as stream:
            stream.sendall(b"POST /v1/groups HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
            assert closed(stream)

    def test_a_sender_answered_early_sees_the_answer_and_is_not_listened_to_for_long(
        self, system: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        system.users.add(User(UserId("ada"), Role.ADMIN))
        with with_bounds(system, monkeypatch, LINGER_SECONDS=0.5, _TICK_SECONDS=0.1) as url, connected(url) as stream:
            stream.sendall(b"POST /v1/groups HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += stream.recv(10_000)
            assert b" 401 " in answer
            assert closed(stream)

    def test_the_oldest_idle_connection_makes_room_for_a_new_one(
        self, system: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connections.BoundedProtocol, "max_connections", 5)
        with with_bounds(system, monkeypatch) as url, ExitStack() as stack:
            streams = [stack.enter_context(connected(url)) for _ in range(5)]
            for stream in streams:
                stream.sendall(b"GET /health HTTP/1.1\r\nHost: local")
            time.sleep(0.2)
            assert httpx.get(f"{url}/health", timeout=60).status_code == 200
            assert closed(streams[0])
            streams[4].sendall(b"host\r\n\r\n")
            assert streams[4].recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.processes
def test_health_answers_while_strangers_hold_more_connections_than_there_are_descriptors(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limited = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh", sys.executable, "-m", "muster"]
    command = [*limited, "serve", "--port", str(port), "--data", str(tmp_path / "store")]
    url = f"http://127.0.0.1:{port}"
    with log.open("w") as output, subprocess.Popen(command, stderr=output) as server, ExitStack() as stack:
        stack.callback(server.terminate)
        deadline = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"{url}/health", timeout=60)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        for _ in range(300):
            stream = stack.enter_context(connected(url))
            stream.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(20):
            assert httpx.get(f"{url}/health", timeout=60).status_code == 200
        server.terminate()
        server.wait(60)
    assert log.stat().st_size < 20_000
