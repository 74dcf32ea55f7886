"""Codes, minutes late, remarks and reasons over HTTP, and registers that are closed and reopened."""

from typing import Any

import httpx
import pytest

from muster.domain.attendance import Mark, MarkSource, MarkStatus
from muster.domain.identifiers import PhotoId, SessionId, StudentId
from tests.contract.examples import NOW, a_face, a_session_photo
from tests.e2e.test_sessions import code_of

GROUP = "7b"
ANY = {"If-Match": "*"}
AFTERNOON, MORNING = "2026-09-01T14:00:00+00:00", "2026-09-01T07:00:00+00:00"


@pytest.fixture
def school(client: httpx.Client) -> httpx.Client:
    """Three students, and a session in the morning."""
    for student_id in ("ada", "bob", "cy"):
        new = {"student_id": student_id, "name": student_id.title(), "group_ids": [GROUP]}
        assert client.post("/v1/students", json=new).status_code == 201
    open_session(client, "monday", MORNING)
    return client


def open_session(client: httpx.Client, session: str, started_at: str) -> None:
    new = {"group_id": GROUP, "session_id": session, "started_at": started_at}
    assert client.post("/v1/sessions", json=new).status_code == 201


def set_marks(client: httpx.Client, *marks: dict[str, Any], session: str = "monday", **more: Any) -> httpx.Response:
    return client.patch(f"/v1/sessions/{session}/marks", json={"marks": marks, **more}, headers=ANY)


def details(document: dict[str, Any]) -> dict[str, tuple[str, str | None, int | None, str]]:
    return {
        mark["student_id"]: (mark["status"], mark["code"], mark["minutes_late"], mark["remark"])
        for mark in document["marks"]
    }


def test_marks_by_code_have_minutes_remarks_and_reasons_in_the_audit(school: httpx.Client) -> None:
    assert school.get("/v1/codes").json()["preset"] == "plain"
    switched = school.put("/v1/codes", json={"preset": "england-2024"}, headers={"If-Match": '"0"'})
    assert switched.status_code == 200, switched.text
    assert switched.headers["ETag"] == '"1"'
    answer = set_marks(
        school,
        {"student_id": "ada", "code": "L", "minutes_late": 12, "remark": " Bus "},
        {"student_id": "bob", "code": "I"},
        {"student_id": "cy", "status": "present"},
        reason="The parents called.",
    )
    assert answer.status_code == 200, answer.text
    # The default code of a status is not stored with a mark.
    assert details(answer.json()) == {
        "ada": ("late", None, 12, "Bus"),
        "bob": ("absent", "I", None, ""),
        "cy": ("present", None, None, ""),
    }
    # A remark that is left out stays.
    assert details(set_marks(school, {"student_id": "ada", "code": "/"}).json())["ada"] == (
        "present",
        None,
        None,
        "Bus",
    )
    change = school.get("/v1/sessions/monday/changes").json()["items"][-1]
    assert (change["details_before"], change["details_after"]) == (
        {"code": None, "minutes_late": 12, "remark": "Bus"},
        {"code": None, "minutes_late": None, "remark": "Bus"},
    )
    first = school.get("/v1/sessions/monday/changes").json()["items"][0]
    assert first["reason"] == "The parents called."
    data = school.get("/v1/students/bob/data").json()
    assert (data["marks"][0]["code"], data["changes"][0]["reason"]) == ("I", "The parents called.")

    open_session(school, "afternoon", AFTERNOON)
    marks = ({"student_id": "ada", "code": "\\"}, {"student_id": "bob", "code": "/"})
    afternoon = set_marks(school, *marks, session="afternoon").json()
    assert [mark[1] for id, mark in details(afternoon).items() if id != "cy"] == [None, "/"]

    used = [code["code"] for code in school.get("/v1/codes").json()["codes"] if code["used"]]
    assert used == ["/", "I"]
    assert code_of(school.put("/v1/codes", json={"preset": "plain"}, headers={"If-Match": '"1"'}), 412) == (
        "version_conflict"
    )
    kept = school.put("/v1/codes", json={"preset": "plain"}, headers=ANY).json()["codes"]
    assert [code["code"] for code in kept] == ["P", "L", "A", "E", "/", "I"]
    assert [code["retired"] for code in kept[-2:]] == [True, True]


def test_marks_that_make_no_sense_are_refused(school: httpx.Client) -> None:
    for mark, code in (
        ({"code": "X"}, "code_not_found"),
        ({}, "invalid_request"),
        ({"code": "L", "status": "absent"}, "invalid_request"),
        ({"status": "present", "minutes_late": 5}, "invalid_request"),
        ({"status": "late", "minutes_late": 0}, "invalid_request"),
        ({"status": "late", "remark": "x" * 301}, "invalid_request"),
    ):
        answer = set_marks(school, {"student_id": "ada", **mark})
        assert code_of(answer, 422) == code, mark
    table = school.get("/v1/codes").json()["codes"]
    for code in table:
        del code["used"]
    assert school.put("/v1/codes", json={"codes": table}).status_code == 428
    for bad in ({}, {"codes": table, "preset": "plain"}, {"preset": "mars"}, {"codes": table[:3]}):
        assert code_of(school.put("/v1/codes", json=bad, headers=ANY), 422) == "invalid_request"


def test_a_closed_register_refuses_changes_until_it_is_reopened_with_a_reason(
    school: httpx.Client, system: Any
) -> None:
    close, reopen = "/v1/sessions/monday/closing", "/v1/sessions/monday/reopening"
    assert code_of(school.post(close, json={}), 409) == "register_not_taken"
    photo = a_session_photo(SessionId("monday"), a_face("ada"))
    review = Mark(StudentId("bob"), MarkStatus.REVIEW, MarkSource.PHOTO, NOW)
    shown = Mark(StudentId("ada"), MarkStatus.PRESENT, MarkSource.PHOTO, NOW)
    system.stores.sessions.record_photo(photo, b"photo", [shown, review])
    refused = school.post(close, json={})
    assert code_of(refused, 409) == "questions_open"
    assert refused.json()["detail"].startswith("1 question is open.")
    closed = school.post(close, json={"unanswered": "absent"})
    assert closed.status_code == 200, closed.text
    document = closed.json()
    assert document["closed_at"] is not None
    assert document["counts"] == {"present": 1, "absent": 2, "late": 0, "excused": 0, "review": 0}
    assert school.post(close, json={}).json() == document

    mark = {"student_id": "cy", "status": "late"}
    face = photo.faces[0].face_id
    faces = {"faces": [{"face_id": face, "student_id": "ada"}]}
    answers = [
        set_marks(school, mark),
        school.post("/v1/sessions/monday/marks/clear", json={"student_ids": ["bob"]}, headers=ANY),
        school.post(f"/v1/sessions/monday/faces/{face}/student", json={"student_id": None}, headers=ANY),
        school.post("/v1/sessions/monday/faces/confirmed", json=faces, headers=ANY),
        school.delete(f"/v1/sessions/monday/photos/{PhotoId('p1')}", headers=ANY),
        school.post("/v1/sessions/monday/guests", json={"name": "Gil"}),
        school.delete("/v1/sessions/monday", headers=ANY),
    ]
    assert [code_of(answer, 409) for answer in answers] == ["register_closed"] * 7
    assert school.get("/v1/sessions/monday").json() == document

    assert code_of(school.post(reopen, json={"reason": " "}), 422) == "invalid_request"
    reopened = school.post(reopen, json={"reason": "A bus was late."}).json()
    assert reopened["closed_at"] is None
    assert set_marks(school, mark).status_code == 200
    changes = school.get("/v1/sessions/monday/changes").json()["items"]
    assert [(change["closed"], change["reason"]) for change in changes if change["kind"] == "register"] == [
        (True, ""),
        (False, "A bus was late."),
    ]


def test_the_lessons_of_a_day_come_in_pages(school: httpx.Client) -> None:
    weekly = {"weekday": 1, "subject": "Maths"}
    starts = ("08:00", "08:00", "09:00")
    lessons = [{**weekly, "starts": start, "ends": "09:45"} for start in starts]
    assert school.put(f"/v1/groups/{GROUP}/lessons", json={"lessons": lessons}, headers=ANY).status_code == 200
    path = "/v1/lessons?day=2026-09-07"
    whole = school.get(path).json()
    assert (len(whole["lessons"]), whole["next_cursor"]) == (3, None)
    first = school.get(f"{path}&limit=2").json()
    second = school.get(f"{path}&limit=2&cursor={first['next_cursor']}").json()
    assert [*first["lessons"], *second["lessons"]] == whole["lessons"]
    assert second["next_cursor"] is None

    school.post("/v1/groups", json={"group_id": "8b", "name": "No timetable"}).raise_for_status()
    path = "/v1/reports/not-taken?by=08:30&day=2026-09-14"
    whole = school.get(path).json()
    assert (len(whole["lessons"]), [group["group_id"] for group in whole["groups"]][-1:]) == (2, ["8b"])
    read: list[str] = []
    cursor = ""
    while cursor is not None:
        part = school.get(f"{path}&limit=1{cursor and f'&cursor={cursor}'}").json()
        assert (part["due"], len(part["lessons"]) + len(part["groups"])) == (whole["due"], 1)
        read += [each["session_id"] for each in part["lessons"]] + [each["group_id"] for each in part["groups"]]
        cursor = part["next_cursor"]
    assert read == [*(each["session_id"] for each in whole["lessons"]), *(each["group_id"] for each in whole["groups"])]
