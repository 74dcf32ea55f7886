"""Rules for every request: ids, problems, limits, one log line without names, and one effect when repeated."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from muster.api.app import create_app
from muster.api.middleware.request_log import LOGGER
from muster.api.rate_limits import Rate, RateLimits
from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Role, User

GROUP = {"group_id": "7b", "name": "Class 7b"}
KEY = {"Idempotency-Key": "0b9f5d0c-5d0e-4f0e-8a55-0d4f4b6f4b1e"}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The lines that requests leave in the log."""
    caplog.set_level(logging.INFO, logger=LOGGER)
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger(LOGGER).addHandler(handler)
    yield found
    logging.getLogger(LOGGER).removeHandler(handler)


def wait_for(lines: list[str], count: int) -> None:
    """Wait, since a line is written once the answer is sent."""
    deadline = time.monotonic() + 120
    while len(lines) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def register(client: httpx.Client, photo: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    form = {"student_id": "obama44", "name": "Barack Obama", "group_id": "white-house", "consent": "true"}
    return client.post(
        "/register/register-student", data=form, files={"image": ("obama44.jpg", photo)}, headers=headers or {}
    )


class TestIds:
    @pytest.mark.parametrize("sent", ["0b9f5d0c-5d0e-4f0e", "Root=1-67891233-abcdef012345678912345678"])
    def test_a_sane_id_is_echoed(self, client: httpx.Client, sent: str) -> None:
        assert client.get("/health", headers={"X-Request-Id": sent}).headers["x-request-id"] == sent

    @pytest.mark.parametrize("sent", ["", "short", "x" * 129, "two words in it", '{"json": "forged line"}'])
    def test_another_one_is_replaced(self, client: httpx.Client, sent: str) -> None:
        made = [client.get("/v1/nothing", headers={"X-Request-Id": sent}).headers["x-request-id"] for _ in range(2)]
        assert sent not in made
        assert made[0] != made[1]
        assert all(len(id) == 32 for id in made)


class TestProblems:
    def test_an_unknown_address_and_a_wrong_method_say_so(self, client: httpx.Client) -> None:
        nothing, wrong = client.get("/v1/nothing"), client.put("/v1/groups")
        assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
        assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
        assert wrong.headers["allow"]

    @pytest.mark.parametrize(
        ("media_type", "content"),
        [
            ("multipart/form-data; boundary=x", b"no form at all"),
            ("multipart/form-data", b"--x\r\n"),
            ("application/json", b"{"),
            ("text/plain", b"hello"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("path", ["/v1/groups", "/mark/detect"])
    def test_a_body_that_cannot_be_read_is_the_senders_fault(
        self, client: httpx.Client, path: str, media_type: str, content: bytes
    ) -> None:
        answer = client.post(path, content=content, headers={"Content-Type": media_type})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.headers["content-type"] == "application/problem+json"

    def test_an_unforeseen_failure_is_a_problem_too_and_its_message_is_not_logged(
        self, client: httpx.Client, system: LocalServices, monkeypatch: pytest.MonkeyPatch, lines: list[str]
    ) -> None:
        def broken(*_: Any) -> None:
            raise LookupError("Barack Obama")

        monkeypatch.setattr(type(system.groups), "find", broken)
        answer = client.get("/v1/groups", headers={"X-Request-Id": "12345678"})
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert answer.headers["x-request-id"] == "12345678"
        wait_for(lines, 2)
        failed, answered = (json.loads(line) for line in lines)
        assert (failed["level"], failed["error"], failed["request_id"]) == ("ERROR", "LookupError", "12345678")
        assert failed["at"][-1].endswith("broken")
        assert (answered["status"], answered["route"]) == (500, "/v1/groups")
        assert "Obama" not in "".join(lines)


def test_the_log_of_a_whole_scenario_names_nobody(
    client: httpx.Client, samples: Path, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    portrait, photo = samples / "gallery" / "barack_obama.jpg", samples / "photos" / "group.jpg"
    assert register(client, portrait.read_bytes()).status_code == 201
    assert register(client, b"not a photo").status_code == 415
    detected = client.post(
        "/mark/detect", data={"group_id": "white-house", "session_id": "monday"}, files={"images": photo.read_bytes()}
    )
    assert detected.status_code == 200
    client.get("/v1/students", params={"group_id": "white-house"})
    client.get("/v1/students/obama44")
    client.patch("/v1/students/obama44", json={"name": "Barack H. Obama"}, headers={"If-Match": "*"})
    client.get("/v1/students/obama45")
    client.get("/v1/sessions/monday/marks")
    client.get("/v1/reports/attendance", params={"student_id": "obama44"})
    client.get("/v1/obama44")
    client.delete("/v1/students/obama44")
    wait_for(lines, 11)
    whole = "\n".join([*lines, caplog.text])
    for secret in ("obama44", "obama45", "Obama", "white-house", "monday", "not a photo", "similarity", "box"):
        assert secret not in whole, secret
    documents = [json.loads(line) for line in lines]
    assert len(documents) == 11
    assert documents[0] | {"time": "", "ms": 0, "request_id": ""} == {
        "time": "",
        "level": "INFO",
        "message": "answered",
        "request_id": "",
        "method": "POST",
        "route": "/register/register-student",
        "user_id": "local",
        "status": 201,
        "ms": 0,
    }
    assert {line["route"] for line in documents} >= {
        "/v1/students/{student_id}",
        "/v1/sessions/{session_id}/marks",
        None,
    }


class TestRepeatedRequests:
    def test_the_same_request_is_done_once_and_answered_alike(self, client: httpx.Client) -> None:
        first, second = (client.post("/v1/groups", json=GROUP, headers=KEY) for _ in range(2))
        assert first.status_code == second.status_code == 201
        assert first.content == second.content
        for name in ("location", "etag", "content-type"):
            assert first.headers[name] == second.headers[name]
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        # Without the key it is another request.
        assert client.post("/v1/groups", json=GROUP).status_code == 409

    def test_a_form_sent_again_with_another_boundary_is_the_same_request(
        self, client: httpx.Client, samples: Path
    ) -> None:
        photo = (samples / "gallery" / "barack_obama.jpg").read_bytes()
        assert register(client, photo).status_code == 201
        group_photo = (samples / "photos" / "group.jpg").read_bytes()

        def detect(boundary: str, image: bytes) -> httpx.Response:
            headers = {**KEY, "Content-Type": f"multipart/form-data; boundary={boundary}"}
            form = {"data": {"group_id": "white-house"}, "files": {"images": ("a.jpg", image)}}
            return client.post("/mark/detect", headers=headers, **form)  # type: ignore[arg-type]

        first, second = detect("one-boundary", group_photo), detect("quite-another-one", group_photo)
        assert first.status_code == 200, first.text
        # One roll call without a session id opened one session.
        assert second.json() == first.json()
        other = detect("one-boundary", group_photo + b"\0")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    def test_the_same_key_with_another_request_is_refused(self, client: httpx.Client) -> None:
        assert client.post("/v1/groups", json=GROUP, headers=KEY).status_code == 201
        answer = client.post("/v1/groups", json={**GROUP, "name": "7 b"}, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    def test_a_key_is_of_one_user_and_one_address(self, client: httpx.Client, system: LocalServices) -> None:
        tokens = [system.users.add(User(UserId(name), Role.ADMIN)) for name in ("ada", "bob")]
        answers = [
            client.post("/v1/groups", json=GROUP, headers={**KEY, "Authorization": f"Bearer {token}"})
            for token in tokens
        ]
        assert [answer.status_code for answer in answers] == [201, 409]
        student = {"student_id": "s1", "name": "Ada", "group_ids": ["7b"]}
        other = client.post("/v1/students", json=student, headers={**KEY, "Authorization": f"Bearer {tokens[0]}"})
        assert other.status_code == 201

    def test_who_may_no_longer_ask_gets_no_kept_answer(self, client: httpx.Client, system: LocalServices) -> None:
        token = system.users.add(User(UserId("ada"), Role.TEACHER), [GroupId("7b")])
        headers = {**KEY, "Authorization": f"Bearer {token}"}
        student = {"student_id": "s1", "name": "Ada", "group_ids": ["7b"]}
        assert client.post("/v1/students", json=student, headers=headers).status_code == 201
        system.users.add(User(UserId("bob"), Role.ADMIN))
        system.users.remove(UserId("ada"))
        assert client.post("/v1/students", json=student, headers=headers).status_code == 401

    def test_a_refusal_is_not_kept(self, client: httpx.Client) -> None:
        student = {"student_id": "s1", "name": "Ada", "group_ids": ["7b"]}
        assert client.post("/v1/students", json={**student, "name": " "}, headers=KEY).status_code == 422
        assert client.post("/v1/students", json=student, headers=KEY).status_code == 201

    def test_a_failure_is_not_kept(
        self, client: httpx.Client, system: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any) -> None:
            raise LookupError

        with monkeypatch.context() as patch:
            patch.setattr(type(system.groups), "create", broken)
            assert client.post("/v1/groups", json=GROUP, headers=KEY).status_code == 500
        assert client.post("/v1/groups", json=GROUP, headers=KEY).status_code == 201

    def test_of_two_at_once_one_is_done(
        self, client: httpx.Client, system: LocalServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create, entered, leave = type(system.groups).create, threading.Event(), threading.Event()

        def slow(*arguments: Any) -> Any:
            entered.set()
            assert leave.wait(20)
            return create(*arguments)

        monkeypatch.setattr(type(system.groups), "create", slow)
        with ThreadPoolExecutor() as pool:
            first = pool.submit(client.post, "/v1/groups", json=GROUP, headers=KEY)
            assert entered.wait(20)
            second = client.post("/v1/groups", json=GROUP, headers=KEY)
            leave.set()
            assert (second.status_code, second.json()["code"]) == (409, "request_under_way")
            assert first.result().status_code == 201
        assert client.post("/v1/groups", json=GROUP, headers=KEY).headers["idempotency-replayed"] == "true"

    @pytest.mark.parametrize("key", ["", "two words", "x" * 256, "é"])
    def test_a_key_that_is_none_is_refused(self, client: httpx.Client, key: str) -> None:
        answer = client.post("/v1/groups", json=GROUP, headers={b"Idempotency-Key": key.encode()})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")

    def test_no_kept_answer_outlives_an_erasure(self, client: httpx.Client, tmp_path: Path) -> None:
        student = {"student_id": "s1", "name": "Ada Lovelace", "group_ids": ["7b"]}
        assert client.post("/v1/students", json=student, headers=KEY).status_code == 201
        assert client.delete("/v1/students/s1").status_code == 204
        files = [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()]
        assert not any(b"Lovelace" in content for content in files)


def test_who_asks_too_often_is_told_when_to_ask_again(system: LocalServices) -> None:
    slow = replace(system, limits=RateLimits(user=Rate(burst=3, per_second=0.01)))
    transport = httpx.ASGITransport(create_app(slow), client=("127.0.0.1", 1))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [await client.get("/v1/groups") for _ in range(4)]

    *answered, refused = asyncio.run(ask())
    assert [answer.status_code for answer in answered] == [200] * 3
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert 90 <= int(refused.headers["retry-after"]) <= 100
