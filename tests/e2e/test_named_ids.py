"""No field of a request lets a teacher reach into another group: every id in queries, bodies, forms and archives."""

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from muster.api.app import PUBLIC_PATHS, create_app
from muster.composition.local import LocalServices
from muster.domain.attendance import Session, SessionPhoto
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PhotoId, SessionId, StudentId, UserId
from muster.domain.user import Role, User
from muster.entrypoints.openapi import openapi_text
from tests.e2e.test_access import ACCESS_RULES, MAPPING

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
NOT_AN_IMAGE = ("photo.jpg", b"not a photo")

IDS = frozenset({"student_id", "student_ids", "group_id", "group_ids", "session_id"})
"""Fields by which a request names a student, a group or a session."""

NOT_IDS = frozenset(
    {
        *("name", "consent", "renew_consent", "allow_lookalike", "image", "images", "file", "archive"),
        *("limit", "cursor", "since", "until", "started_at", "format", "dry_run", "Idempotency-Key", "if-match"),
        *("marks", "status", "learn", "learn_anyway", "kind", "content_type", "size", "version"),
        *("use_anyway", "delimiter", "encoding", "make_ids", "replace_groups"),
        *("by", "days", "sessions", "below", "day", "columns", "user_field", "codes"),
        *("faces", "face_id"),  # faces of the session in the path, tested below
        *("code", "reason"),  # of a planned absence; its lessons select among those of the student in the path
        "teachers",  # user ids, which only an admin may send
        *("lessons", "terms", "holidays", "day", "by", "first_day", "last_day"),  # of a timetable
        *("lesson_id", "weekday", "starts", "ends", "subject", "room", "teacher", "every_weeks", "cancelled"),
        *("code", "minutes_late", "remark", "reason", "unanswered"),  # of marks and registers
        *("codes", "preset", "meaning", "colour", "retired", "afternoon", "in_building"),  # of attendance codes
        *("role", "address"),  # of a new user, which only an admin may send
        *("mapping", "field", "header", "title", "text", "values", "statuses"),  # columns of an export
        *("date_format", "time_format"),
        *("school", "school_ids", "allow_removals", "scopes", "items", "language"),  # which only an admin may send
        "leave_group_id",  # with a roster, which only an admin may send
    }
)
"""Fields that name nobody. `archive` is tested below; `file` is a roster, which only an admin may send."""

NEW_ID = frozenset(
    {
        ("POST /register/register-student", "student_id"),
        ("POST /v1/students", "student_id"),
        ("POST /v1/sessions", "session_id"),
        ("POST /mark/detect", "session_id"),
    }
)
"""Fields that also accept an unused id, which creates a record."""


@dataclass(frozen=True)
class Request:
    """A request that a teacher of 8a may send, except that `{}` names something of class 7b."""

    foreign: str
    arguments: dict[str, Any] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)


def _form(**fields: str) -> dict[str, Any]:
    own = {"student_id": "s9", "name": "New", "group_id": "8a", "consent": "true"}
    return {"data": {**own, **fields}, "files": {"image": NOT_AN_IMAGE}}


def _roll_call(**fields: str) -> dict[str, Any]:
    return {"data": {"group_id": "8a", **fields}, "files": {"images": NOT_AN_IMAGE}}


def _enrolment(**fields: Any) -> dict[str, Any]:
    return {"json": {"student_id": "s9", "name": "Bob", "group_ids": ["8a"], **fields}}


ANY_VERSION = {"headers": {"If-Match": "*"}}
ARCHIVE = {"archive": ("photos.zip", b"no archive")}

REQUESTS = {
    ("POST /register/register-student", "student_id"): Request("s1", _form(student_id="{}")),
    ("POST /register/register-student", "group_id"): Request("7b", _form(group_id="{}")),
    ("POST /register/register-students", "group_id"): Request(
        "7b", {"data": {"group_id": "{}", "consent": "true"}, "files": ARCHIVE}
    ),
    ("POST /mark/detect", "group_id"): Request("7b", _roll_call(group_id="{}")),
    ("POST /mark/detect", "session_id"): Request("monday", _roll_call(session_id="{}")),
    ("GET /v1/students", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("POST /v1/students", "student_id"): Request("s1", _enrolment(student_id="{}")),
    ("POST /v1/students", "group_ids"): Request("7b", _enrolment(group_ids=["8a", "{}"])),
    ("PATCH /v1/students/{student_id}", "group_ids"): Request(
        "7b", {"json": {"group_ids": ["8a", "{}"]}, **ANY_VERSION}, {"student_id": "s8"}
    ),
    ("GET /v1/sessions", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("POST /v1/sessions", "group_id"): Request("7b", {"json": {"group_id": "{}"}}),
    ("POST /v1/sessions", "session_id"): Request("monday", {"json": {"group_id": "8a", "session_id": "{}"}}),
    ("PATCH /v1/sessions/{session_id}/marks", "student_id"): Request(
        "s1", {"json": {"marks": [{"student_id": "{}", "status": "late"}]}, **ANY_VERSION}, {"session_id": "tuesday"}
    ),
    ("POST /v1/sessions/{session_id}/marks/clear", "student_ids"): Request(
        "s1", {"json": {"student_ids": ["{}"]}, **ANY_VERSION}, {"session_id": "tuesday"}
    ),
    ("POST /v1/sessions/{session_id}/guests", "student_id"): Request(
        "s1", {"json": {"student_id": "{}"}}, {"session_id": "tuesday"}
    ),
    ("POST /v1/sessions/{session_id}/faces/{face_id}/student", "student_id"): Request(
        "s1", {"json": {"student_id": "{}"}, **ANY_VERSION}, {"session_id": "tuesday", "face_id": "f8"}
    ),
    ("POST /v1/sessions/{session_id}/faces/confirmed", "student_id"): Request(
        "s1", {"json": {"faces": [{"face_id": "f8", "student_id": "{}"}]}, **ANY_VERSION}, {"session_id": "tuesday"}
    ),
    ("GET /v1/reports/attendance", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("GET /v1/reports/attendance", "student_id"): Request("s1", {"params": {"student_id": "{}"}}),
    ("GET /v1/reports/attendance", "session_id"): Request("monday", {"params": {"session_id": "{}"}}),
    ("GET /v1/reports/breakdown", "group_id"): Request("7b", {"params": {"group_id": "{}", "by": "period"}}),
    ("GET /v1/reports/breakdown", "student_id"): Request("s1", {"params": {"student_id": "{}", "by": "period"}}),
    ("GET /v1/absences", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("GET /v1/reports/absences", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("GET /v1/reports/low-attendance", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("GET /v1/reports/day", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("GET /v1/reports/evacuation", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("GET /v1/exports/moodle", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
    ("GET /v1/exports/moodle", "session_id"): Request("monday", {"params": {"session_id": "{}"}}),
    ("POST /v1/exports/mapped", "group_id"): Request("7b", {"json": {"group_id": "{}", "mapping": MAPPING}}),
    ("POST /v1/exports/mapped", "session_id"): Request("monday", {"json": {"session_id": "{}", "mapping": MAPPING}}),
    ("GET /v1/reports/sheet", "group_id"): Request("7b", {"params": {"group_id": "{}"}}),
}
"""Each field, outside the path, by which a request that a teacher may send names somebody or something."""

SECRETS = ("Ada", "monday", "7b", "s1")
"""Words of class 7b, which no answer to a teacher of 8a holds."""


@pytest.fixture
def teacher(client: httpx.Client, system: LocalServices) -> Iterator[httpx.Client]:
    """The teacher of 8a, in which s8 is; s1 is in 7b. Each class has a session, that of 8a with a face."""
    for student, name, group, session in (("s1", "Ada", "7b", "monday"), ("s8", "Bob", "8a", "tuesday")):
        system.roster.enrol(StudentId(student), name, [GroupId(group)])
        system.stores.sessions.create(Session(SessionId(session), GroupId(group), NOW), [StudentId(student)])
    face = IdentifiedFace(FaceId("f8"), (1, 1, 9, 9), 0.9, 0.9, Decision.UNKNOWN, None, None, None, ())
    photo = SessionPhoto(PhotoId("p8"), SessionId("tuesday"), "ab" * 32, 20, 20, (face,), system.pack, None, NOW)
    system.stores.sessions.record_photo(photo, b"photo", [])
    token = system.users.add(User(UserId("teacher"), Role.TEACHER), [GroupId("8a")])
    system.users.add(User(UserId("other"), Role.TEACHER), [GroupId("7b")])
    with httpx.Client(base_url=client.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as teacher:
        yield teacher


def test_every_field_of_every_request_is_known_to_name_somebody_or_not(system: LocalServices) -> None:
    document = json.loads(openapi_text(system))
    for route, fields in _fields(document).items():
        assert fields <= IDS | NOT_IDS, f"{route} has new fields: say in this file whether they are ids"


def test_every_field_that_names_somebody_is_tried(system: LocalServices) -> None:
    fields = _fields(create_app(system).openapi())
    named = {
        (route, name)
        for route, names in fields.items()
        for name in names & IDS
        if route in ACCESS_RULES and ACCESS_RULES[route].minimum_role != "admin"
    }
    assert named == set(REQUESTS)


@pytest.mark.parametrize("case", REQUESTS, ids=" ".join)
def test_an_id_of_another_group_is_refused_like_one_that_does_not_exist(
    case: tuple[str, str], teacher: httpx.Client, tmp_path: Path
) -> None:
    before = _rows(tmp_path)
    request = REQUESTS[case]
    foreign = _send(teacher, case[0], request, request.foreign)
    assert _rows(tmp_path) == before
    assert not any(secret in foreign.text for secret in SECRETS if secret != request.foreign)
    if case in NEW_ID:
        assert (foreign.status_code, foreign.json()["code"]) == (403, "not_allowed"), foreign.text
        assert request.foreign not in foreign.text
        return
    absent = _send(teacher, case[0], request, "nowhere")
    assert foreign.status_code == absent.status_code
    assert 400 <= foreign.status_code < 500
    assert foreign.text.replace(request.foreign, "nowhere") == absent.text
    assert _rows(tmp_path) == before


def test_a_photo_in_an_archive_tells_nothing_of_a_student_of_another_group(
    teacher: httpx.Client, tmp_path: Path
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("s1.jpg", "nowhere.jpg"):
            archive.writestr(name, b"not a photo")
    before = _rows(tmp_path)
    data = {"group_id": "8a", "consent": "true"}
    answer = teacher.post("/register/register-students", data=data, files={"archive": file.getvalue()})
    absent, foreign = sorted(answer.json(), key=lambda row: row["photo"])
    assert foreign["code"] == absent["code"] == "student_not_found"
    assert foreign["detail"].replace("s1", "nowhere") == absent["detail"]
    assert _rows(tmp_path) == before


def _send(client: httpx.Client, route: str, request: Request, value: str) -> httpx.Response:
    method, path = route.split()
    return client.request(method, path.format(**request.path), **_filled(request.arguments, value))


def _filled(thing: Any, value: str) -> Any:
    if isinstance(thing, dict):
        return {key: _filled(item, value) for key, item in thing.items()}
    if isinstance(thing, list):
        return [_filled(item, value) for item in thing]
    return value if thing == "{}" else thing


def _rows(folder: Path) -> list[str]:
    """Everything in the database."""
    connection = sqlite3.connect(folder / "store" / "muster.sqlite3")
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def _fields(document: dict[str, Any]) -> dict[str, set[str]]:
    """Return the names of the query parameters, headers and body fields of each route that is not open."""
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path in PUBLIC_PATHS:
                continue
            names = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] != "path"}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                names |= _properties(content["schema"], document)
            found[f"{method.upper()} {path}"] = names
    return found


def _properties(schema: dict[str, Any], document: dict[str, Any]) -> set[str]:
    """Return the names of all fields of a schema, at any depth."""
    if "$ref" in schema:
        return _properties(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    names = set(schema.get("properties", {}))
    below = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("oneOf", [])]
    if "items" in schema:
        below.append(schema["items"])
    return names.union(*(_properties(schema, document) for schema in below))
