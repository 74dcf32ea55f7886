"""Access to every route, requested without a token, by two teachers and by an admin."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from muster.api.app import PUBLIC_PATHS, create_app
from muster.composition.local import LocalServices
from muster.domain.attendance import Session
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.user import Role, User
from tests.unit.oneroster_packages import archive, package

Tokens = dict[str, str]


@dataclass(frozen=True)
class AccessRule:
    """A request for group 7b, and the lowest role that may send it: `own` teacher, `any` teacher or `admin`.

    `any` routes answer every teacher, but show nobody else's group.
    """

    minimum_role: str
    arguments: dict[str, Any] = field(default_factory=dict)


def _archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("s1.jpg", b"not a photo")
    return file.getvalue()


PHOTO = {"image": ("s1.jpg", b"not a photo")}
FORM = {"student_id": "s9", "name": "New", "group_id": "7b", "consent": "true"}
ANY_VERSION = {"headers": {"If-Match": "*"}}
MARKS = {"marks": [{"student_id": "s1", "status": "late"}]}
MAPPING = {"columns": [{"title": "id", "field": "student_id"}]}
FACES = {"faces": [{"face_id": "f1", "student_id": "s1"}]}

ACCESS_RULES = {
    "POST /register/register-student": AccessRule("own", {"data": FORM, "files": PHOTO}),
    "POST /register/register-students": AccessRule(
        "own", {"data": {"group_id": "7b", "consent": "true"}, "files": {"archive": ("photos.zip", _archive())}}
    ),
    "POST /mark/detect": AccessRule(
        "own", {"data": {"group_id": "7b"}, "files": {"images": ("a.jpg", b"not a photo")}}
    ),
    "GET /v1/me": AccessRule("any"),
    "GET /v1/training": AccessRule("any"),
    "GET /v1/groups": AccessRule("any"),
    "POST /v1/groups": AccessRule("admin", {"json": {"group_id": "9c", "name": "9c"}}),
    "GET /v1/groups/{group_id}": AccessRule("own"),
    "PATCH /v1/groups/{group_id}": AccessRule("admin", {"json": {"name": "Seven b"}, **ANY_VERSION}),
    "DELETE /v1/groups/{group_id}": AccessRule("admin", ANY_VERSION),
    "GET /v1/groups/{group_id}/students": AccessRule("own"),
    "GET /v1/calendar": AccessRule("any"),
    "PUT /v1/calendar": AccessRule("admin", {"json": {"terms": [], "holidays": []}, **ANY_VERSION}),
    "GET /v1/groups/{group_id}/lessons": AccessRule("own"),
    "PUT /v1/groups/{group_id}/lessons": AccessRule("admin", {"json": {"lessons": []}, **ANY_VERSION}),
    "POST /v1/groups/{group_id}/lessons/{lesson_id}/session": AccessRule("own", {"json": {"day": "2026-09-01"}}),
    "GET /v1/lessons": AccessRule("any"),
    "POST /v1/lessons/import": AccessRule("admin", {"files": {"file": ("lessons.csv", b"day")}}),
    "GET /v1/reports/not-taken": AccessRule("any", {"params": {"by": "09:30"}}),
    "GET /v1/students": AccessRule("any"),
    "POST /v1/students": AccessRule("own", {"json": {"student_id": "s2", "name": "Bob", "group_ids": ["7b"]}}),
    "POST /v1/students/import": AccessRule("admin", {"files": {"file": ("a.csv", b"id,name,group\ns3,Cy,7b\n")}}),
    "GET /v1/notices": AccessRule("admin"),
    "GET /v1/notices/due": AccessRule("admin"),
    "GET /v1/notices/setup": AccessRule("admin"),
    "POST /v1/notices/test": AccessRule("admin", {"json": {"address": "head@example.edu"}}),
    "GET /v1/students/{student_id}/contacts": AccessRule("admin"),
    "PUT /v1/students/{student_id}/contacts": AccessRule("admin", {"json": {"items": []}}),
    "GET /v1/substitutes": AccessRule("admin"),
    "POST /v1/substitutes": AccessRule("admin", {"json": {"name": "Jo Park", "group_ids": ["7b"]}}),
    "DELETE /v1/substitutes/{substitute_id}": AccessRule("admin"),
    "GET /v1/tokens": AccessRule("admin"),
    "PUT /v1/tokens/{name}": AccessRule("admin", {"json": {"scopes": ["roster:read"]}}),
    "DELETE /v1/tokens/{name}": AccessRule("admin"),
    "POST /v1/oneroster/import": AccessRule("admin", {"files": {"file": ("a.zip", archive(package()))}}),
    "GET /v1/students/{student_id}": AccessRule("own"),
    "PATCH /v1/students/{student_id}": AccessRule("own", {"json": {"name": "Ada King"}, **ANY_VERSION}),
    "DELETE /v1/students/{student_id}": AccessRule("admin"),
    "GET /v1/students/{student_id}/data": AccessRule("admin"),
    "GET /v1/students/{student_id}/picture": AccessRule("own"),
    "PUT /v1/students/{student_id}/photo": AccessRule("own", {"files": PHOTO, **ANY_VERSION}),
    "GET /v1/students/{student_id}/learned-faces": AccessRule("own"),
    "GET /v1/absences": AccessRule("any"),
    "GET /v1/students/{student_id}/absences": AccessRule("own"),
    "POST /v1/students/{student_id}/absences": AccessRule("own", {"json": {"first_day": "2026-09-07"}}),
    "PUT /v1/students/{student_id}/absences/{absence_id}": AccessRule("own", {"json": {"first_day": "2026-09-07"}}),
    "DELETE /v1/students/{student_id}/absences/{absence_id}": AccessRule("own"),
    "DELETE /v1/students/{student_id}/learned-faces": AccessRule("own"),
    "DELETE /v1/students/{student_id}/learned-faces/{face_id}": AccessRule("own"),
    "POST /v1/students/{student_id}/consent": AccessRule("own", {"json": {"consent": True}}),
    "POST /v1/students/{student_id}/consent/withdrawal": AccessRule("own"),
    "GET /v1/sessions": AccessRule("any"),
    "POST /v1/sessions": AccessRule("own", {"json": {"group_id": "7b"}}),
    "GET /v1/sessions/{session_id}": AccessRule("own"),
    "DELETE /v1/sessions/{session_id}": AccessRule("own", ANY_VERSION),
    "GET /v1/sessions/{session_id}/marks": AccessRule("own"),
    "PATCH /v1/sessions/{session_id}/marks": AccessRule("own", {"json": MARKS, **ANY_VERSION}),
    "POST /v1/sessions/{session_id}/marks/clear": AccessRule("own", {"json": {"student_ids": ["s1"]}, **ANY_VERSION}),
    "POST /v1/sessions/{session_id}/closing": AccessRule("own", {"json": {"unanswered": "absent"}}),
    "POST /v1/sessions/{session_id}/reopening": AccessRule("own", {"json": {"reason": "Late bus"}}),
    "GET /v1/sessions/{session_id}/guests": AccessRule("own"),
    "POST /v1/sessions/{session_id}/guests": AccessRule("own", {"json": {"name": "Mia"}}),
    "DELETE /v1/sessions/{session_id}/guests/{guest_id}": AccessRule("own"),
    "GET /v1/codes": AccessRule("any"),
    "PUT /v1/codes": AccessRule("admin", {"json": {"preset": "moodle"}, **ANY_VERSION}),
    "GET /v1/sessions/{session_id}/changes": AccessRule("own"),
    "GET /v1/sessions/{session_id}/questions": AccessRule("own"),
    "GET /v1/sessions/{session_id}/photos": AccessRule("own"),
    "DELETE /v1/sessions/{session_id}/photos/{photo_id}": AccessRule("own", ANY_VERSION),
    "GET /v1/sessions/{session_id}/photos/{photo_id}/annotated": AccessRule("own"),
    "GET /v1/sessions/{session_id}/photos/{photo_id}/picture": AccessRule("own"),
    "GET /v1/sessions/{session_id}/faces/{face_id}/picture": AccessRule("own"),
    "POST /v1/sessions/{session_id}/faces/{face_id}/student": AccessRule(
        "own", {"json": {"student_id": None}, **ANY_VERSION}
    ),
    "POST /v1/sessions/{session_id}/faces/confirmed": AccessRule("own", {"json": FACES, **ANY_VERSION}),
    "GET /v1/retention": AccessRule("admin"),
    "GET /v1/users": AccessRule("admin"),
    "PUT /v1/users/{user_id}": AccessRule("admin", {"json": {"role": "teacher", "group_ids": ["7b"]}}),
    "PUT /v1/users/{user_id}/token": AccessRule("admin", {"json": {}}),
    "DELETE /v1/users/{user_id}": AccessRule("admin"),
    "GET /v1/reports/attendance": AccessRule("own", {"params": {"group_id": "7b"}}),
    "GET /v1/reports/breakdown": AccessRule("own", {"params": {"group_id": "7b", "by": "weekday"}}),
    "GET /v1/reports/absences": AccessRule("any"),
    "GET /v1/reports/low-attendance": AccessRule("any"),
    "GET /v1/reports/day": AccessRule("any"),
    "GET /v1/reports/evacuation": AccessRule("any"),
    "GET /v1/reports/changes": AccessRule("admin"),
    "GET /v1/exports/moodle": AccessRule("own", {"params": {"group_id": "7b"}}),
    "POST /v1/exports/mapped": AccessRule("own", {"json": {"group_id": "7b", "mapping": MAPPING}}),
    "GET /v1/reports/sheet": AccessRule("own", {"params": {"group_id": "7b"}}),
}
"""Every route of one machine that is not open; one that is missing here fails the test."""


def routes(app: FastAPI) -> set[str]:
    found = iter_route_contexts(app.routes)
    return {
        f"{method} {route.path}" for route in found for method in route.methods or () if route.path not in PUBLIC_PATHS
    }


@pytest.fixture
def tokens(system: LocalServices) -> Tokens:
    """A class 7b with student s1 and a session, taught by `own`, and another class taught by `other`."""
    system.roster.enrol(StudentId("s1"), "Ada Lovelace", [GroupId("7b")])
    system.stores.sessions.create(
        Session(SessionId("monday"), GroupId("7b"), datetime(2026, 9, 1, 8, tzinfo=UTC)), [StudentId("s1")]
    )
    return {
        "own": system.users.add(User(UserId("own"), Role.TEACHER), [GroupId("7b")]),
        "other": system.users.add(User(UserId("other"), Role.TEACHER), [GroupId("8a")]),
        "admin": system.users.add(User(UserId("admin"), Role.ADMIN)),
    }


@pytest.fixture
def ask(client: httpx.Client, tokens: Tokens) -> Callable[[str, str], httpx.Response]:
    def ask(route: str, who: str) -> httpx.Response:
        method, path = route.split()
        ids = {
            "student_id": "s1",
            "group_id": "7b",
            "session_id": "monday",
            "photo_id": "p1",
            "face_id": "f1",
            "user_id": "eve",
            "lesson_id": "maths",
            "name": "office",
            "absence_id": "a1",
            "guest_id": "a2",
            "substitute_id": "K7P",
        }
        arguments = dict(ACCESS_RULES[route].arguments)
        bearer = {"Authorization": f"Bearer {tokens[who]}"} if who in tokens else {}
        arguments["headers"] = {**arguments.get("headers", {}), **bearer}
        return client.request(method, path.format(**ids), **arguments)

    return ask


def test_every_route_is_in_the_table(system: LocalServices) -> None:
    assert routes(create_app(system)) == set(ACCESS_RULES)


@pytest.mark.parametrize("route", ACCESS_RULES)
def test_a_route_answers_whom_the_table_says(route: str, ask: Callable[[str, str], httpx.Response]) -> None:
    minimum_role = ACCESS_RULES[route].minimum_role
    nobody = ask(route, "nobody")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "sign_in_required")
    assert nobody.headers["www-authenticate"] == "Bearer"
    other = ask(route, "other")
    if minimum_role == "any":
        assert other.status_code == 200
        assert not any(text in other.text for text in ("s1", "Ada", "7b", "monday"))
    else:
        assert (other.status_code, other.json()["code"]) == (403, "not_allowed"), other.text
    own = ask(route, "own")
    assert (own.status_code == 403) == (minimum_role == "admin"), own.text
    admin = ask(route, "admin")
    assert admin.status_code not in (401, 403, 500), admin.text


@pytest.mark.parametrize("route", [route for route in ACCESS_RULES if "{" in route])
def test_a_teacher_cannot_tell_what_does_not_exist_from_what_is_not_theirs(
    route: str, client: httpx.Client, tokens: Tokens
) -> None:
    method, path = route.split()
    ids = {
        "photo_id": "p1",
        "face_id": "f1",
        "user_id": "eve",
        "lesson_id": "maths",
        "name": "office",
        "absence_id": "a1",
        "guest_id": "a2",
        "substitute_id": "K7P",
    }
    there = path.format(student_id="s1", group_id="7b", session_id="monday", **ids)
    nowhere = path.format(student_id="s99", group_id="99", session_id="sunday", **ids)
    arguments = dict(ACCESS_RULES[route].arguments)
    arguments["headers"] = {**arguments.get("headers", {}), "Authorization": f"Bearer {tokens['other']}"}
    answers = [client.request(method, path, **arguments) for path in (there, nowhere)]
    assert answers[0].status_code == answers[1].status_code == 403
    assert answers[0].json() == answers[1].json()


def test_an_app_with_a_route_that_asks_nobody_is_not_made(
    system: LocalServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("muster.api.app.PUBLIC_PATHS", PUBLIC_PATHS - {"/health"})
    with pytest.raises(RuntimeError, match="/health"):
        create_app(system)


def test_a_wrong_token_is_refused_and_many_of_them_are_put_off(client: httpx.Client, tokens: Tokens) -> None:
    wrong = {"Authorization": "Bearer " + "x" * 43}
    answers = [client.get("/v1/students", headers=wrong) for _ in range(25)]
    assert [answer.status_code for answer in answers[:20]] == [401] * 20
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    # Callers without a token do not slow down those who have one.
    assert client.get("/v1/students", headers={"Authorization": f"Bearer {tokens['own']}"}).status_code == 200


def test_a_token_ends_when_it_is_renewed_or_its_user_removed(
    client: httpx.Client, system: LocalServices, tokens: Tokens
) -> None:
    def status(token: str) -> int:
        return client.get("/v1/groups/7b", headers={"Authorization": f"Bearer {token}"}).status_code

    renewed = system.users.renew_token(UserId("own"))
    assert (status(tokens["own"]), status(renewed)) == (401, 200)
    system.users.remove(UserId("own"))
    assert status(renewed) == 401
    assert system.groups.get(GroupId("7b")).teachers == frozenset()


def test_a_token_is_nowhere_in_the_store(system: LocalServices, tokens: Tokens, tmp_path: Any) -> None:
    files = [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert b"own" in b"".join(files)
    assert not any(token.encode() in content for token in tokens.values() for content in files)


class TestWithoutUsers:
    """The server of one machine before the first user is made."""

    def test_everyone_at_the_machine_is_admin(self, client: httpx.Client) -> None:
        assert client.post("/v1/groups", json={"group_id": "7b", "name": "7b"}).status_code == 201

    def test_a_name_that_was_rebound_to_this_machine_is_refused(self, client: httpx.Client) -> None:
        for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""):
            answer = client.get("/v1/students", headers={"Host": host})
            assert answer.status_code in (400, 401), host

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
        ids=str,
    )
    def test_a_page_of_another_site_cannot_write(self, client: httpx.Client, headers: dict[str, str]) -> None:
        answer = client.post("/v1/groups", json={"group_id": "7b", "name": "7b"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert client.get("/v1/groups").json()["items"] == []

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_a_page_of_another_site_cannot_read_either(self, client: httpx.Client, site: str) -> None:
        for path in ("/v1/students", "/v1/students/s1/picture", "/v1/me"):
            answer = client.get(path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        # Typed into the address bar, or asked by Muster's own page, it is answered.
        for own in ("none", "same-origin"):
            assert client.get("/v1/students", headers={"Sec-Fetch-Site": own}).status_code == 200

    def test_no_answer_can_be_loaded_by_a_page_of_another_site(self, client: httpx.Client) -> None:
        for path in ("/v1/students", "/v1/students/s1/picture", "/health", "/nowhere"):
            assert client.get(path).headers["cross-origin-resource-policy"] == "same-origin"

    @pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
    def test_a_request_that_came_through_a_proxy_is_refused(self, client: httpx.Client, header: str) -> None:
        answer = client.get("/v1/students", headers={header: "127.0.0.1"})
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_required")

    def test_its_own_page_can(self, client: httpx.Client) -> None:
        own = {"Origin": str(client.base_url), "Sec-Fetch-Site": "same-origin"}
        assert client.post("/v1/groups", json={"group_id": "7b", "name": "7b"}, headers=own).status_code == 201

    def test_claims_in_a_header_are_not_believed(self, client: httpx.Client, tokens: Tokens) -> None:
        claims = {"x-amzn-oidc-data": "admin", "cognito-groups": "admin", "x-forwarded-user": "admin"}
        assert client.get("/v1/students", headers=claims).status_code == 401
