"""Users of one machine at the command line, and the server that they sign in to."""

import json
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import processes

pytestmark = pytest.mark.processes


def muster(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.run(["-m", "muster", *arguments, "--data", str(data)])


def document(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def serving(data: Path, log: Path, *options: str, verify: ssl.SSLContext | bool = True) -> Iterator[str]:
    with serving_process(data, log, *options, verify=verify) as (address, _):
        yield address


@contextmanager
def serving_process(
    data: Path, log: Path, *options: str, verify: ssl.SSLContext | bool = True, trains: bool = False
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "muster", "serve", "--port", str(port), "--data", str(data), *options]
    with log.open("w") as stderr, processes.start(command, trains=trains, stderr=stderr) as process:
        address = f"{'https' if verify is not True else 'http'}://127.0.0.1:{port}"
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            try:
                httpx.get(f"{address}/health", verify=verify)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        try:
            yield address, process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(60)
                finally:
                    process.kill()


def test_a_user_is_made_listed_given_another_token_and_removed(tmp_path: Path) -> None:
    made = document(
        muster(
            tmp_path,
            "users",
            "add",
            "ada",
            "--name",
            "Ada",
            "--group",
            "7b",
            "--group",
            "8a",
            "--create-group",
            "--json",
        )
    )
    assert made["user_id"] == "ada"
    assert len(made["token"]) == 43
    again = muster(tmp_path, "users", "add", "ada", "--json")
    assert (again.returncode, json.loads(again.stdout)["code"]) == (1, "user_exists")
    assert document(muster(tmp_path, "users", "list", "--json")) == [
        {"user_id": "ada", "role": "teacher", "name": "Ada"}
    ]
    assert document(muster(tmp_path, "users", "token", "ada", "--json"))["token"] != made["token"]
    document(muster(tmp_path, "users", "remove", "ada", "--yes", "--json"))
    assert document(muster(tmp_path, "users", "list", "--json")) == []
    nobody = muster(tmp_path, "users", "token", "ada", "--json")
    assert (nobody.returncode, json.loads(nobody.stdout)["code"]) == (1, "user_not_found")


def code_of(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, json.loads(done.stdout)["code"]


def test_a_group_that_does_not_exist_is_not_made_by_a_slip(tmp_path: Path) -> None:
    document(muster(tmp_path, "groups", "add", "7b", "--json"))
    refused = muster(tmp_path, "users", "add", "ada", "--group", "7b", "--group", "7v", "--json")
    assert code_of(refused) == (1, "group_not_found")
    assert "--create-group" in json.loads(refused.stdout)["detail"]
    assert document(muster(tmp_path, "users", "list", "--json")) == []
    assert [group["group_id"] for group in document(muster(tmp_path, "groups", "list", "--json"))] == ["7b"]
    for command in ("students", "sessions"):
        assert code_of(muster(tmp_path, command, "list", "--group", "7v", "--json")) == (1, "group_not_found")
        assert document(muster(tmp_path, command, "list", "--group", "7b", "--json")) == []


def test_the_last_admin_stays_unless_that_is_said(tmp_path: Path) -> None:
    for user in ("head", "deputy"):
        document(muster(tmp_path, "users", "add", user, "--role", "admin", "--json"))
    document(muster(tmp_path, "users", "remove", "deputy", "--yes", "--json"))
    assert code_of(muster(tmp_path, "users", "remove", "head", "--yes", "--json")) == (1, "last_admin")
    assert [user["user_id"] for user in document(muster(tmp_path, "users", "list", "--json"))] == ["head"]
    document(muster(tmp_path, "users", "remove", "head", "--yes", "--last-admin", "--json"))
    assert document(muster(tmp_path, "users", "list", "--json")) == []


def test_without_a_terminal_a_question_names_the_option_that_answers_it(tmp_path: Path) -> None:
    document(muster(tmp_path, "users", "add", "ada", "--json"))
    (tmp_path / "roster.csv").write_text("id,name,group\ns1,Ada,7b\n", encoding="utf-8")
    document(muster(tmp_path, "students", "import", str(tmp_path / "roster.csv"), "--json"))
    session = document(muster(tmp_path, "sessions", "open", "--group", "7b", "--json"))["session_id"]
    for command in (
        ("users", "remove", "ada"),
        ("students", "withdraw", "s1"),
        ("students", "erase", "s1"),
        ("sessions", "remove", session),
    ):
        asked = muster(tmp_path, *command)
        assert asked.returncode == 2, asked.stderr
        assert "--yes" in asked.stderr
    assert document(muster(tmp_path, "students", "list", "--json")) != []


def test_a_wrong_id_is_refused(tmp_path: Path) -> None:
    refused = muster(tmp_path, "users", "add", "../ada", "--json")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (1, "invalid_request")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104
def test_no_server_without_users_listens_to_the_network(tmp_path: Path, host: str) -> None:
    refused = muster(tmp_path, "serve", "--host", host)
    assert refused.returncode == 2
    assert "users add" in refused.stderr


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
