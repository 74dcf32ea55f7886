"""Codes of substitutes: what they open, how they end, and what an attacker meets."""

import dataclasses
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from mangum import Mangum

from muster.api.app import create_app
from muster.api.problems import MEDIA_TYPE
from muster.api.routes.substitutes import SIGN_IN_PATH
from muster.api.scopes import ANY_SCOPE, PEOPLE_ONLY
from muster.api.scopes import ROUTES as SCOPED
from muster.api.security_headers import SUBSTITUTE_BASE
from muster.api.sign_in import GatewaySignIn
from muster.api.substitute_routes import ROUTES
from muster.composition.local import LocalBackend
from muster.composition.settings import LocalSettings
from muster.domain.actor import OPERATOR
from muster.domain.api_token import Scope
from muster.domain.attendance import Session
from muster.domain.documents import DocumentKind
from muster.domain.errors import (
    GroupNotFound,
    InvalidRequest,
    SubstituteCodeNotValid,
    SubstituteCodeWrong,
    SubstituteNotFound,
    SubstitutesOff,
)
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.substitute import MAX_DEVICES, MAX_TRIES, SubstituteState
from muster.domain.timetable import lesson_session
from muster.domain.user import Role, User
from muster.services.exchange import substitute_codes
from muster.services.exchange.substitutes import MAX_CODES, Substitutes
from muster.storage.local.backup import back_up
from muster.storage.local.restore import restore
from tests.e2e.serving import serving
from tests.unit.test_sign_in import DIRECTORY

BERLIN = ZoneInfo("Europe/Berlin")
G7B, G8A = GroupId("7b"), GroupId("8a")
ADMIN = UserId("root")
MONDAY = datetime(2026, 9, 7, 7, 50, tzinfo=BERLIN)


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    """A store with the class 7b, its student Ada, the session monday of a year ago, and another class."""
    backend = LocalBackend(tmp_path / "store", LocalSettings(data=tmp_path / "store", time_zone="Europe/Berlin"))
    roster, sessions = backend.records.roster, backend.stores.sessions
    roster.enrol(StudentId("s1"), "Ada Lovelace", [G7B])
    roster.enrol(StudentId("s2"), "Bob Björk", [G8A])
    for id, group in (("monday", G7B), ("other", G8A)):
        sessions.create(Session(SessionId(id), group, datetime(2025, 9, 7, 8, tzinfo=UTC)), [])
    backend.users.add(User(ADMIN, Role.ADMIN))
    return backend


class Office:
    """The codes of a school at a time that the test sets."""

    def __init__(self, backend: LocalBackend, at: datetime = MONDAY, zone: ZoneInfo = BERLIN) -> None:
        self.at = at
        self.documents = backend.stores.documents
        self.codes = Substitutes(self.documents, backend.records.groups, zone, now=lambda: self.at.astimezone(UTC))

    def add(self, name: str = "Jo Park", day: date | None = None) -> str:
        return self.codes.add(name, [G7B], ADMIN, day)[1]

    def state(self) -> SubstituteState:
        (found,) = self.codes.find()
        return found.state(self.codes.now())


@pytest.fixture
def office(backend: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> Office:
    # Slow on purpose, so a test that guesses much hashes fast.
    monkeypatch.setattr(substitute_codes, "_COST", {"n": 2, "r": 1, "p": 1})
    return Office(backend)


def test_a_code_is_eight_symbols_that_nobody_confuses_and_is_not_stored(office: Office) -> None:
    code = office.add()
    assert re.fullmatch(r"[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}", code)
    stored = office.documents.get(DocumentKind.SUBSTITUTES, code[:3])
    assert stored.version == 1
    assert code.replace("-", "")[3:] not in json.dumps(stored.body)
    substitute, token = office.codes.sign_in(f" {code.lower().replace('-', ' ')}")
    assert token not in json.dumps(office.documents.get(DocumentKind.SUBSTITUTES, code[:3]).body)
    assert substitute.user_id == "substitute:Jo Park"
    assert office.state() is SubstituteState.USED


def test_digits_of_other_scripts_are_read() -> None:
    assert substitute_codes.read("٤k7-pxq9m") == ("4K7", "PXQ9M")
    for wrong in ("", "K7P4XQ9", "K7P4XQ9M2", "K7P4XQ9O", "K7P4XQ9ß", "K7P4XQ9M" * 100):
        with pytest.raises(SubstituteCodeWrong):
            substitute_codes.read(wrong)


def test_the_hash_costs_what_is_recommended() -> None:
    assert substitute_codes._COST == {"n": 2**14, "r": 8, "p": 5}


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 9, 7), 24), (date(2026, 10, 25), 25), (date(2027, 3, 28), 23)],
    ids=str,
)
def test_a_code_is_valid_for_one_day_of_the_school(
    office: Office, backend: LocalBackend, day: date, hours: int
) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    office.at = midnight - timedelta(days=2)
    code = office.add(day=day)
    moment = timedelta(microseconds=1)
    office.at = midnight - moment
    with pytest.raises(SubstituteCodeNotValid, match=f"for {day}"):
        office.codes.sign_in(code)
    for _ in range(MAX_TRIES):
        with pytest.raises(SubstituteCodeNotValid, match=f"for {day}"):
            office.codes.sign_in(code)
    office.at = midnight
    _, token = office.codes.sign_in(code)
    office.at = midnight + timedelta(hours=hours) - moment
    assert office.codes.check(token) is not None
    office.at += moment
    assert office.codes.check(token) is None
    assert office.state() is SubstituteState.EXPIRED
    with pytest.raises(SubstituteCodeNotValid, match="was for"):
        office.codes.sign_in(code)


def test_today_is_the_schools_day_even_where_the_server_has_another(backend: LocalBackend, office: Office) -> None:
    far = Office(backend, datetime(2026, 9, 7, 11, tzinfo=UTC), ZoneInfo("Pacific/Auckland"))
    made, _ = far.codes.add("Jo", [G7B], ADMIN)
    assert made.day == date(2026, 9, 7)
    far.at += timedelta(hours=1)
    made, _ = far.codes.add("Jo", [G7B], ADMIN)
    assert made.day == date(2026, 9, 8)


def test_a_code_locks_after_ten_wrong_tries_and_says_nothing_more(office: Office) -> None:
    code = office.add()
    _, token = office.codes.sign_in(code)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    unknown = next(id for id in ("222", "333") if id != code[:3]) + "22222"
    messages = set()
    for _ in range(MAX_TRIES):
        for guess in (wrong, unknown):
            with pytest.raises(SubstituteCodeWrong) as refused:
                office.codes.sign_in(guess)
            messages.add(str(refused.value))
    assert office.state() is SubstituteState.LOCKED
    with pytest.raises(SubstituteCodeWrong) as refused:
        office.codes.sign_in(wrong)
    assert messages | {str(refused.value)} == {substitute_codes.WRONG}
    with pytest.raises(SubstituteCodeNotValid, match="locked"):
        office.codes.sign_in(code)
    assert office.codes.check(token) is not None, "who is in stays in"
    assert len(office.codes.find()) == 1


def test_two_processes_cannot_both_have_the_tenth_try(office: Office, backend: LocalBackend) -> None:
    code = office.add()
    start = threading.Barrier(8)
    compared: list[str] = []

    def guess(number: int) -> None:
        codes = Substitutes(backend.stores.documents, backend.records.groups, BERLIN, now=office.codes.now)
        start.wait()
        for secret in ("22222", "33333", "44444"):
            try:
                codes.sign_in(f"{code[:3]}{secret[:-1]}{number + 2}")
            except SubstituteCodeWrong:
                compared.append(secret)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(guess, range(8)))
    (found,) = office.codes.find()
    assert found.tries == len(compared) == 24
    with pytest.raises(SubstituteCodeNotValid):
        office.codes.sign_in(code)


def test_an_unknown_code_takes_the_same_steps_as_a_wrong_secret(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = office.add()
    unknown = next(id for id in ("222", "333") if id != code[:3]) + "22222"
    steps: list[str] = []
    for name in ("get", "get_many", "put", "of_kind"):
        plain = getattr(office.documents, name)

        def noted(*arguments: object, name: str = name, plain: object = plain) -> object:
            steps.append(name)
            return plain(*arguments)  # type: ignore[operator]

        monkeypatch.setattr(office.documents, name, noted)

    def hashed(*_: str) -> str:
        steps.append("hash")
        return "no secret"

    monkeypatch.setattr(substitute_codes, "secret_digest", hashed)
    taken = []
    for guess in (code[:4] + "2222", unknown, unknown):
        steps.clear()
        with pytest.raises(SubstituteCodeWrong):
            office.codes.sign_in(guess)
        taken.append(list(steps))
    assert taken == [["get_many", "put", "hash"]] * 3


def test_a_code_is_used_on_few_devices_and_ends_on_all_when_it_is_revoked(office: Office) -> None:
    code = office.add()
    tokens = [office.codes.sign_in(code)[1] for _ in range(MAX_DEVICES)]
    assert len(set(tokens)) == MAX_DEVICES
    with pytest.raises(SubstituteCodeNotValid, match="devices"):
        office.codes.sign_in(code)
    assert all(office.codes.check(token) for token in tokens)
    forged = tokens[0][:-1] + ("0" if tokens[0][-1] != "0" else "1")
    assert [office.codes.check(text) for text in (forged, tokens[0].replace(code[:3], "unknown"), "mss_", "")] == [
        None
    ] * 4
    revoked = office.codes.revoke(code[:3].lower(), ADMIN)
    assert (revoked.devices, revoked.revoked_by) == (MAX_DEVICES, ADMIN)
    assert office.codes.revoke(code[:3], UserId("other")).revoked_by == ADMIN
    assert not any(office.codes.check(token) for token in tokens)
    with pytest.raises(SubstituteCodeNotValid, match="revoked"):
        office.codes.sign_in(code)
    for id in ("unknown", "22", "../x", "ZZZZ"):
        with pytest.raises(SubstituteNotFound):
            office.codes.revoke(id, ADMIN)


def test_what_is_not_accepted(office: Office) -> None:
    today = MONDAY.date()
    for name, groups, day in (
        ("", [G7B], today),
        ("J" * 61, [G7B], today),
        ("Jo", [], today),
        ("Jo", [G7B], today - timedelta(days=1)),
        ("Jo", [G7B], today + timedelta(days=15)),
    ):
        with pytest.raises(InvalidRequest):
            office.codes.add(name, groups, ADMIN, day)
    with pytest.raises(GroupNotFound):
        office.codes.add("Jo", [GroupId("9z")], ADMIN)
    off = Substitutes(office.documents, office.codes._groups, BERLIN, enabled=False)
    with pytest.raises(SubstitutesOff):
        off.add("Jo", [G7B], ADMIN)
    with pytest.raises(SubstitutesOff):
        off.sign_in("K7P4-XQ9M")
    code = office.add()
    _, token = office.codes.sign_in(code)
    assert off.check(token) is None
    for _ in range(MAX_CODES - 1):
        office.add()
    with pytest.raises(InvalidRequest, match="200"):
        office.add()


def test_a_code_of_removed_groups_opens_nothing(office: Office, backend: LocalBackend, client: httpx.Client) -> None:
    backend.records.groups.create(GroupId("9c"), "9c")
    _, code = backend.records.substitutes.add("Jo", [GroupId("9c")], ADMIN)
    _, token = backend.records.substitutes.sign_in(code)
    headers = {"Authorization": f"Bearer {token}"}
    assert [group["group_id"] for group in client.get("/v1/groups", headers=headers).json()["items"]] == ["9c"]
    backend.records.groups.remove(GroupId("9c"))
    assert client.get("/v1/groups", headers=headers).json()["items"] == []
    refused = client.post(SIGN_IN_PATH, json={"code": code})
    assert (refused.status_code, refused.json()["code"]) == (403, "substitute_code_not_valid")


def test_retention_removes_codes_a_week_after_their_day(office: Office) -> None:
    office.add()
    office.at += timedelta(days=7)
    assert office.codes.sweep() == 0
    office.at += timedelta(days=1)
    assert office.codes.sweep() == 1
    assert office.codes.find() == []


@pytest.fixture
def client(backend: LocalBackend) -> Iterator[httpx.Client]:
    with serving(create_app(backend.records)) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def admin(backend: LocalBackend) -> dict[str, str]:
    return {"Authorization": f"Bearer {backend.users.renew_token(ADMIN)}"}


def test_a_substitute_keeps_a_register_of_today_and_reaches_nothing_else(
    backend: LocalBackend, client: httpx.Client, admin: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "muster.requests")
    made = client.post("/v1/substitutes", json={"name": "Jo Park", "group_ids": ["7b"]}, headers=admin)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert made.json()["state"] == "unused"
    signed_in = client.post(SIGN_IN_PATH, json={"code": made.json()["code"]})
    assert (signed_in.status_code, signed_in.headers["cache-control"]) == (200, "no-store")
    client.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"

    me = client.get("/v1/me").json()
    assert (me["user_id"], me["role"], me["name"]) == ("substitute:Jo Park", "teacher", "Jo Park")
    assert me["access_ends_at"] == signed_in.json()["expires_at"] == made.json()["expires_at"]
    assert [group["group_id"] for group in client.get("/v1/groups").json()["items"]] == ["7b"]

    opened = client.post("/v1/sessions", json={"group_id": "7b"})
    assert opened.status_code == 201, opened.text
    path = opened.headers["Location"]
    change = {"marks": [{"student_id": "s1", "status": "present"}]}
    marked = client.patch(f"{path}/marks", json=change, headers={"If-Match": opened.headers["ETag"]})
    assert marked.status_code == 200, marked.text
    assert client.post(f"{path}/closing", json={}).json()["closed_by"] == "substitute:Jo Park"
    changes = client.get(f"{path}/changes", headers=admin).json()["items"]
    assert {change["by"] for change in changes} == {"substitute:Jo Park"}
    assert [session["session_id"] for session in client.get("/v1/sessions").json()["items"]] == [path.split("/")[-1]]

    now = datetime.now(BERLIN)
    lesson = {"lesson_id": "maths", "starts": "00:00", "ends": "23:59"}
    lessons = [{**lesson, "weekday": day} for day in range(1, 8)]
    lessons = [{**each, "lesson_id": f"maths-{each['weekday']}"} for each in lessons]
    set_up = client.put("/v1/groups/7b/lessons", json={"lessons": lessons}, headers={**admin, "If-Match": "*"})
    assert set_up.status_code == 200, set_up.text
    today, tomorrow = (
        lesson_session(G7B, f"maths-{day.isoweekday()}", day) for day in (now.date(), now.date() + timedelta(days=1))
    )
    assert client.post("/v1/sessions", json={"group_id": "7b", "session_id": today}).status_code == 201
    assert client.get("/v1/sessions", params={"since": "2025-01-01", "until": "2025-12-31"}).json()["items"] == []

    week = {"started_at": "2025-09-07T08:00:00Z"}
    refused = [
        client.get("/v1/sessions/monday"),  # their group, another day
        client.get("/v1/sessions/other"),  # another group
        client.get("/v1/sessions/none"),
        client.get("/v1/sessions", params={"group_id": "8a"}),
        client.post("/v1/sessions", json={"group_id": "7b", **week}),
        client.post("/v1/sessions", json={"group_id": "8a"}),
        client.post("/v1/sessions", json={"group_id": "7b", "session_id": tomorrow}),
        client.get("/v1/lessons", params={"day": "2025-09-07"}),
        client.post("/v1/groups/7b/lessons/maths/session", json={"day": "2025-09-07"}),
        client.post("/v1/groups/8a/lessons/maths/session", json={}),
        client.get("/v1/groups/8a/students"),
        client.get("/v1/students"),
        client.get("/v1/students", params={"query": "Ada"}),
        client.get("/v1/students/s1"),
        client.get("/v1/reports/attendance", params={"group_id": "7b"}),
        client.post("/v1/students", json={"student_id": "s3", "name": "Eve", "group_ids": ["7b"]}),
        client.delete("/v1/students/s1"),
        client.delete(path),
        client.post(f"{path}/guests", json={"name": "Bob", "student_id": "s2"}),
        client.post(f"{path}/reopening", json={"reason": "x"}, headers={"Authorization": "Bearer " + "x" * 43}),
        client.get("/v1/substitutes"),
        client.post("/v1/substitutes", json={"name": "Me", "group_ids": ["8a"]}),
        client.delete(f"/v1/substitutes/{made.json()['substitute_id']}"),
    ]
    assert [(answer.request.url.path, answer.status_code) for answer in refused if answer.status_code != 403] == [
        (f"{path}/reopening", 401)
    ]
    assert "Jo Park" not in caplog.text
    assert f"substitute:{made.json()['substitute_id']}" in caplog.text

    ended = client.delete(f"/v1/substitutes/{made.json()['substitute_id']}", headers=admin)
    assert (ended.json()["state"], ended.json()["revoked_by"], ended.json()["devices"]) == ("revoked", "root", 1)
    gone = client.get("/v1/me")
    assert (gone.status_code, gone.json()["code"]) == (401, "sign_in_required")


def test_in_the_cloud_requests_of_substitutes_come_under_a_path_of_their_own(backend: LocalBackend) -> None:
    records = backend.records
    substitutes = Substitutes(backend.stores.documents, records.groups, BERLIN)
    sign_in = GatewaySignIn(DIRECTORY, records.api_tokens, substitutes)
    app = create_app(dataclasses.replace(records, sign_in=sign_in, substitutes=substitutes, limits=None))
    texts = ["application/json", MEDIA_TYPE]
    gateway = Mangum(app, lifespan="off", api_gateway_base_path=SUBSTITUTE_BASE, text_mime_types=texts)

    def ask(method: str, path: str, token: str = "", json_body: object = None, claims: object = None) -> Any:
        context = {"http": {"method": method, "path": path, "sourceIp": "203.0.113.9"}, "stage": "$default"}
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}" if token else ""}
        event = {
            "version": "2.0",
            "routeKey": "",
            "rawPath": path,
            "rawQueryString": "",
            "headers": headers,
            "requestContext": context | ({"authorizer": {"jwt": {"claims": claims}}} if claims else {}),
            "body": json.dumps(json_body),
            "isBase64Encoded": False,
        }
        answer = gateway(event, object())  # type: ignore[arg-type]
        return answer["statusCode"], json.loads(answer["body"])

    _, code = substitutes.add("Jo", [G7B], ADMIN)
    status, access = ask("POST", f"{SUBSTITUTE_BASE}{SIGN_IN_PATH}", json_body={"code": code})
    assert status == 200
    status, me = ask("GET", f"{SUBSTITUTE_BASE}/v1/me", access["token"])
    assert (status, me["user_id"]) == (200, "substitute:Jo")
    assert ask("GET", f"{SUBSTITUTE_BASE}/v1/me", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.")[0] == 401
    assert ask("GET", f"{SUBSTITUTE_BASE}/v1/students", access["token"])[0] == 403
    # An account that the gateway verified stays what it is, whatever else the request carries.
    teacher = {"sub": "1b9d", "cognito:groups": "[teacher]"}
    assert ask("GET", "/v1/me", access["token"], claims=teacher)[1]["user_id"] == "1b9d"
    for handler in ("functions/roster/handler.py", "functions/vision.py"):
        assert "api_gateway_base_path=SUBSTITUTE_BASE" in (Path(__file__).parents[2] / handler).read_text()


def test_a_photo_that_is_read_after_the_upload_belongs_to_the_groups_of_then(office: Office) -> None:
    code = office.add()
    user = UserId("substitute:Jo Park")
    opened_at = office.codes.now()
    office.at += timedelta(days=1)
    assert office.codes.groups_at(user, opened_at) == {G7B}
    assert office.codes.groups_at(user, office.codes.now()) == frozenset()
    assert office.codes.groups_at(UserId("substitute:Mo"), opened_at) == frozenset()
    office.codes.revoke(code[:3], ADMIN)
    assert office.codes.groups_at(user, opened_at) == frozenset()


def test_codes_are_guessed_slowly(client: httpx.Client) -> None:
    answers = [client.post(SIGN_IN_PATH, json={"code": "no code"}) for _ in range(25)]
    assert {answer.status_code for answer in answers[:20]} == {403}
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_requests")
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_the_answers_with_secrets_are_never_stored(client: httpx.Client, admin: dict[str, str]) -> None:
    new = {"name": "Jo", "group_ids": ["7b"]}
    codes = {
        client.post("/v1/substitutes", json=new, headers={**admin, "Idempotency-Key": "again"}).json()["code"]
        for _ in range(2)
    }
    assert len(codes) == 2


def test_every_route_is_open_to_substitutes_or_closed_on_purpose() -> None:
    known = ANY_SCOPE.union(PEOPLE_ONLY, *SCOPED.values())
    assert known >= ROUTES
    closed = ("data", "consent", "register/", "users", "tokens", "substitutes", "import", "exports", "absences")
    assert not [route for route in ROUTES if any(word in route for word in closed)]
    assert {route for route in ROUTES if route.startswith("DELETE")} == {
        "DELETE /v1/sessions/{session_id}/guests/{guest_id}",
        "DELETE /v1/sessions/{session_id}/photos/{photo_id}",
    }


def test_a_restored_backup_does_not_bring_back_what_was_revoked_since(backend: LocalBackend, tmp_path: Path) -> None:
    records = backend.records
    _, kept = records.substitutes.add("Jo", [G7B], OPERATOR.user_id)
    made, revoked = records.substitutes.add("Mo", [G7B], OPERATOR.user_id)
    _, api_token = records.api_tokens.add("office", [Scope.ROSTER_READ], None, OPERATOR.user_id)
    tokens = [records.substitutes.sign_in(code)[1] for code in (kept, revoked)]
    back_up(tmp_path / "store", tmp_path / "backup", lambda *_: None)
    records.substitutes.revoke(made.id, OPERATOR.user_id)
    records.api_tokens.revoke("office")
    backend.stores.upkeep.close()
    restore(tmp_path / "backup", tmp_path / "store", lambda *_: None, replace=True)
    again = LocalBackend(tmp_path / "store", LocalSettings(data=tmp_path / "store")).records
    assert [again.substitutes.check(token) is not None for token in tokens] == [True, False]
    assert again.api_tokens.check(api_token) is None
