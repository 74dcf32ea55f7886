"""API tokens: what they open, how they end, and the examples of docs/integration.md."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from muster.api.app import create_app
from muster.api.routes.substitutes import SIGN_IN_PATH
from muster.api.scopes import ANY_SCOPE, PEOPLE_ONLY, ROUTES
from muster.api.sign_in import GatewaySignIn
from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.domain.actor import OPERATOR
from muster.domain.api_token import Scope
from muster.domain.attendance import Session
from muster.domain.documents import DocumentKind
from muster.domain.errors import ApiTokenExists, SignInRequired
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.user import Role, User
from muster.entrypoints.openapi import openapi_text
from muster.services.exchange.api_tokens import ApiTokens
from tests.e2e.serving import serving
from tests.unit.oneroster_packages import archive, package
from tests.unit.test_sign_in import DIRECTORY, request

GUIDE = Path(__file__).parents[2] / "docs" / "integration.md"


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    """A store with the class 7b, its student Ada, the session monday, and another class."""
    backend = LocalBackend(tmp_path / "store", LocalSettings(data=tmp_path / "store", time_zone="UTC"))
    roster, sessions = backend.records.roster, backend.stores.sessions
    roster.enrol(StudentId("s1"), "Ada Lovelace", [GroupId("7b")])
    roster.enrol(StudentId("s2"), "Bob Björk", [GroupId("8a")])
    sessions.create(Session(SessionId("monday"), GroupId("7b"), datetime(2026, 9, 7, 8, tzinfo=UTC)), [StudentId("s1")])
    return backend


@pytest.fixture
def client(backend: LocalBackend) -> Iterator[httpx.Client]:
    with serving(create_app(backend.records)) as url, httpx.Client(base_url=url) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_opens_what_its_scopes_and_groups_say(backend: LocalBackend, client: httpx.Client) -> None:
    backend.users.add(User(UserId("root"), Role.ADMIN))
    tokens = backend.records.api_tokens
    _, reader = tokens.add("reader", [Scope.ROSTER_READ], [GroupId("7b")], OPERATOR.user_id)
    _, writer = tokens.add("office", [Scope.ATTENDANCE_WRITE, Scope.ATTENDANCE_READ], None, OPERATOR.user_id)

    client.headers.update(bearer(reader))
    assert [student["student_id"] for student in client.get("/v1/students").json()["items"]] == ["s1"]
    assert client.get("/v1/me").json()["user_id"] == "token:reader"
    assert client.get("/v1/students/s2").status_code == 403
    for method, path in (("GET", "/v1/sessions/monday"), ("DELETE", "/v1/students/s1"), ("GET", "/v1/tokens")):
        refused = client.request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing"), path

    client.headers.update(bearer(writer))
    marks = client.get("/v1/sessions/monday/marks")
    change = {"marks": [{"student_id": "s1", "status": "present"}]}
    changed = client.patch("/v1/sessions/monday/marks", json=change, headers={"If-Match": marks.headers["ETag"]})
    assert changed.status_code == 200, changed.text
    assert client.get("/v1/sessions/monday/changes").json()["items"][0]["by"] == "token:office"
    assert client.get("/v1/students").status_code == 403


def test_a_token_ends_when_it_is_revoked_or_expires(backend: LocalBackend) -> None:
    clock = [datetime(2026, 9, 1, tzinfo=UTC)]
    documents = backend.stores.documents
    tokens = ApiTokens(documents, backend.records.groups, now=lambda: clock[0])
    token, text = tokens.add("office", [Scope.ROSTER_READ], None, OPERATOR.user_id, days=10)
    stored = documents.get(DocumentKind.TOKENS, "office")
    assert text.rpartition("_")[2] not in str(stored)
    assert tokens.check(text) == token
    clock[0] += timedelta(minutes=59)
    used = tokens.check(text)
    assert used is not None
    assert used.last_used_at == datetime(2026, 9, 1, tzinfo=UTC), "a use is noted once an hour"
    wrong = (text[:-1] + ("0" if text[-1] != "0" else "1"), text.replace("office", "other"), "mst_", text + "\n", "")
    assert [tokens.check(other) for other in wrong] == [None] * len(wrong)
    clock[0] += timedelta(days=10)
    assert tokens.check(text) is None
    _, again = tokens.add("other", [Scope.ROSTER_READ], None, OPERATOR.user_id)
    tokens.revoke("other")
    assert tokens.revoke("other").revoked_at == clock[0]
    assert tokens.check(again) is None
    with pytest.raises(ApiTokenExists):
        tokens.add("other", [Scope.ROSTER_READ], None, OPERATOR.user_id)


def test_a_token_is_made_and_revoked_over_http(client: httpx.Client) -> None:
    made = client.put("/v1/tokens/office", json={"scopes": ["roster:read"], "group_ids": ["7b"]})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    text = made.json().pop("token")
    assert client.get("/v1/students", headers=bearer(text)).status_code == 200
    (listed,) = client.get("/v1/tokens").json()["items"]
    assert "token" not in listed
    assert listed["last_used_at"]
    assert client.put("/v1/tokens/office", json={"scopes": ["roster:read"]}).json()["code"] == "api_token_exists"
    assert client.delete("/v1/tokens/none").json()["code"] == "api_token_not_found"
    assert client.delete("/v1/tokens/office").json()["revoked_at"]
    refused = client.get("/v1/students", headers=bearer(text))
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_required")
    assert client.put("/v1/tokens/x", json={"scopes": ["roster:read"], "group_ids": ["9z"]}).status_code == 404


def test_in_the_cloud_a_token_counts_only_without_claims(backend: LocalBackend) -> None:
    _, text = backend.records.api_tokens.add("office", [Scope.ROSTER_READ], [GroupId("7b")], OPERATOR.user_id)
    sign_in = GatewaySignIn(DIRECTORY, backend.records.api_tokens, backend.records.substitutes)
    headers = {"authorization": f"Bearer {text}"}
    assert sign_in.principal(request(None, headers)).user_id == "token:office"
    person = sign_in.principal(request({"sub": "1b9d", "cognito:groups": "[teacher]"}, headers))
    assert person.user_id == "1b9d"
    with pytest.raises(SignInRequired):
        sign_in.principal(request(None, {"authorization": "Bearer mst_office_" + "0" * 64}))


def test_every_route_has_a_scope_or_is_open_to_people_only(tmp_path: Path) -> None:
    folder = tmp_path / "routes"
    document = json.loads(openapi_text(LocalBackend(folder, LocalSettings(data=folder)).services))
    known = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    scoped = ANY_SCOPE.union(*ROUTES.values())
    assert not scoped & PEOPLE_ONLY
    assert known - {"GET /health", f"POST {SIGN_IN_PATH}"} == scoped | PEOPLE_ONLY
    person_only = ("consent", "register/", "faces", "picture", "data", "tokens", "users", "retention")
    assert not [route for route in scoped if any(word in route for word in person_only)]
    deletions = {route for route in scoped if route.startswith("DELETE")}
    assert deletions == {
        "DELETE /v1/students/{student_id}/absences/{absence_id}",
        "DELETE /v1/sessions/{session_id}/guests/{guest_id}",
    }


def test_a_token_keeps_a_register_within_its_groups(backend: LocalBackend, client: httpx.Client) -> None:
    tokens, scopes = backend.records.api_tokens, [Scope.ATTENDANCE_READ, Scope.ATTENDANCE_WRITE]
    _, text = tokens.add("sis", scopes, [GroupId("7b")], OPERATOR.user_id)
    client.headers.update(bearer(text))
    plan = {"first_day": "2026-09-08", "last_day": "2026-09-08", "reason": "Trip"}
    assert client.post("/v1/students/s1/absences", json=plan).status_code == 201
    assert client.post("/v1/students/s2/absences", json=plan).status_code == 403
    assert client.get("/v1/students/s1/absences").json()[0]["by"] == "token:sis"
    change = {"marks": [{"student_id": "s1", "status": "present"}]}
    unconditional = {"If-Match": "*"}
    marked = client.patch("/v1/sessions/monday/marks", json=change, headers=unconditional)
    assert marked.status_code == 200, marked.text
    closed = client.post("/v1/sessions/monday/closing", json={}, headers=unconditional)
    assert closed.status_code == 200, closed.text
    refused = client.patch("/v1/sessions/monday/marks", json=change, headers=unconditional)
    assert refused.json()["code"] == "register_closed"
    assert client.get("/v1/codes").status_code == 200
    assert client.put("/v1/codes", json={}).json()["code"] == "scope_missing"
    assert client.get("/v1/reports/day", params={"day": "2026-09-07"}).status_code == 200
    assert client.get("/v1/exports/moodle", params={"group_id": "8a"}).status_code == 403
    assert client.put("/v1/calendar", json={"terms": [], "holidays": []}).json()["code"] == "scope_missing"


@pytest.mark.parametrize("language", ["sh", "python"])
def test_the_examples_of_the_guide_run(
    language: str, backend: LocalBackend, client: httpx.Client, tmp_path: Path
) -> None:
    scopes = list(Scope)
    _, text = backend.records.api_tokens.add("guide", scopes, None, OPERATOR.user_id)
    (tmp_path / "roster.zip").write_bytes(archive(package()))
    blocks = re.findall(rf"```{language}\n# runnable\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert blocks
    command = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-c"]
    environment = {**os.environ, "SERVER_URL": str(client.base_url).rstrip("/"), "API_TOKEN": text}
    for block in blocks:
        done = subprocess.run(
            [*command, block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, block + done.stdout + done.stderr
