"""Users of one machine at the command line, and the server that they sign in to."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest


def muster(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "muster", *arguments, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def document(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def serving(data: Path, log: Path, *options: str, verify: ssl.SSLContext | bool = True) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "muster", "serve", "--port", str(port), "--data", str(data), *options]
    with log.open("w") as stderr, subprocess.Popen(command, stderr=stderr, env=os.environ) as process:
        address = f"{'https' if options else 'http'}://127.0.0.1:{port}"
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            try:
                httpx.get(f"{address}/health", verify=verify)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
        process.send_signal(signal.SIGINT)
        process.wait(30)


def test_a_user_is_made_listed_given_another_token_and_removed(tmp_path: Path) -> None:
    made = document(
        muster(tmp_path, "users", "add", "ada", "--name", "Ada", "--group", "7b", "--group", "8a", "--json")
    )
    assert made["user_id"] == "ada"
    assert len(made["token"]) == 43
    again = muster(tmp_path, "users", "add", "ada", "--json")
    assert (again.returncode, json.loads(again.stdout)["code"]) == (1, "user_exists")
    assert document(muster(tmp_path, "users", "list", "--json")) == [
        {"user_id": "ada", "role": "teacher", "name": "Ada"}
    ]
    assert document(muster(tmp_path, "users", "token", "ada", "--json"))["token"] != made["token"]
    document(muster(tmp_path, "users", "remove", "ada", "--json"))
    assert document(muster(tmp_path, "users", "list", "--json")) == []
    nobody = muster(tmp_path, "users", "token", "ada", "--json")
    assert (nobody.returncode, json.loads(nobody.stdout)["code"]) == (1, "user_not_found")


def test_a_wrong_id_is_refused(tmp_path: Path) -> None:
    refused = muster(tmp_path, "users", "add", "../ada", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "invalid_request")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104
def test_no_server_without_users_listens_to_the_network(tmp_path: Path, host: str) -> None:
    refused = muster(tmp_path, "serve", "--host", host)
    assert refused.returncode == 2
    assert "users add" in refused.stderr


@pytest.mark.slow
def test_the_first_user_closes_a_server_that_runs_and_its_log_is_json(tmp_path: Path) -> None:
    data, log = tmp_path / "store", tmp_path / "log"
    with serving(data, log) as address:
        assert httpx.get(f"{address}/v1/students").status_code == 200
        token = document(muster(data, "users", "add", "ada", "--role", "admin", "--json"))["token"]
        assert httpx.get(f"{address}/v1/students").status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{address}/v1/students/s1", params={"x": "Lovelace"}, headers=bearer).status_code == 404
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    *_, last = (line for line in lines if line["route"] != "/health")
    assert (last["method"], last["route"], last["status"], last["user_id"]) == (
        "GET",
        "/v1/students/{student_id}",
        404,
        "ada",
    )
    assert token not in log.read_text()
    assert "Lovelace" not in log.read_text()
