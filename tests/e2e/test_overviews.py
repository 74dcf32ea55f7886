"""Breakdowns, absences, days, evacuation lists and blank sheets over HTTP and at the command line."""

import csv
import json
import zipfile
from io import BytesIO, StringIO
from pathlib import Path

import httpx
import pytest
from openpyxl import load_workbook

from muster.composition.local import LocalServices
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Role, User
from tests import processes
from tests.e2e import test_reports
from tests.e2e.test_reports import XLSX, folder

system = test_reports.system
__all__ = ["folder", "system"]

REPORTS = {
    "breakdown": {"group_id": "7b", "by": "weekday"},
    "absences": {"sessions": "1", "since": "2026-01-01"},
    "low-attendance": {"below": "60"},
    "day": {"day": "2026-04-01"},
    "evacuation": {},
    "changes": {"since": "2026-01-01"},
    "sheet": {"group_id": "7b", "columns": "3"},
}


def get(client: httpx.Client, name: str, token: str | None = None, **query: str) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.get(f"/v1/reports/{name}", params={**REPORTS[name], **query}, headers=headers)


def students(answer: httpx.Response) -> list[str]:
    return [student["student_id"] for student in answer.json()["students"]]


def test_each_report_has_each_format(client: httpx.Client) -> None:
    for name in REPORTS:
        for form, kind in {"json": "application/json", "csv": "text/csv", "xlsx": XLSX, "html": "text/html"}.items():
            answer = get(client, name, format=form)
            assert answer.status_code == 200, (name, form, answer.text)
            assert answer.headers["content-type"].split(";")[0] == kind
            assert answer.headers["cache-control"] == "private, no-store"
            if form == "html":
                assert answer.headers["content-security-policy"].startswith("default-src 'none'")
                assert "<b>Zoë</b>" not in answer.text
            if form == "xlsx":
                assert load_workbook(BytesIO(answer.content)).sheetnames


def test_figures_are_those_of_the_sessions(client: httpx.Client) -> None:
    lines = get(client, "breakdown").json()["lines"]
    assert [(line["key"], line["label"], line["totals"]["rate"]) for line in lines] == [
        ("3", "Wednesday", 0.5),
        ("7", "Sunday", 0.5),
    ]
    of_student = get(client, "breakdown", group_id="", student_id="007")
    assert of_student.status_code == 422
    missing = get(client, "absences").json()["students"]
    assert [(line["student_id"], line["sessions_missed"], line["missing_since"]) for line in missing] == [
        ("s1", 2, "2026-03-29"),
        ("007", 1, "2026-04-01"),
    ]
    assert students(get(client, "low-attendance")) == ["s1"]
    states = {student["student_id"]: student["state"] for student in get(client, "day").json()["students"]}
    assert states == {"007": "partly", "s1": "absent", "s2": "present"}
    rows = list(csv.reader(StringIO(get(client, "day", format="csv").content.decode("utf-8-sig"), newline="")))
    assert [row[0] for row in rows[1:]] == ["s1", '="007"']
    unknown = get(client, "evacuation").json()
    assert ([group["group_id"] for group in unknown["groups"]], len(unknown["not_known"])) == ([], 3)
    assert get(client, "sheet").json()["columns"] == ["", "", ""]


def test_a_teacher_sees_their_groups_alone(client: httpx.Client, system: LocalServices) -> None:
    system.users.add(User(UserId("head"), Role.ADMIN))
    teacher = system.users.add(User(UserId("conductor"), Role.TEACHER), [GroupId("choir")])

    assert students(get(client, "absences", teacher)) == ["007"]
    assert students(get(client, "low-attendance", teacher)) == ["007"]
    answer = get(client, "day", teacher).json()
    assert [(student["student_id"], student["groups"]) for student in answer["students"]] == [
        ("s2", ["choir"]),
        ("007", ["choir"]),
    ]
    assert [register["session_id"] for register in answer["registers"]] == ["singing"]
    assert len(get(client, "evacuation", teacher).json()["not_known"]) == 2
    for name in REPORTS:
        assert get(client, name, teacher, group_id="7b").status_code == 403


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("breakdown", {"by": "room"}),
        ("breakdown", {"student_id": "s1"}),
        ("absences", {"days": "2"}),
        ("absences", {"sessions": "0"}),
        ("low-attendance", {"below": "nan"}),
        ("low-attendance", {"below": "101"}),
        ("day", {"day": "yesterday"}),
        ("sheet", {"columns": "0"}),
    ],
)
def test_an_impossible_question_is_refused(client: httpx.Client, name: str, query: dict[str, str]) -> None:
    answer = get(client, name, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_the_command_line_shows_and_writes_reports(folder: Path, tmp_path: Path) -> None:
    def muster(*arguments: str) -> str:
        zone = ("--time-zone", "Europe/Berlin", "--data", str(folder))
        done = processes.run(["-m", "muster", "reports", *arguments, *zone])
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "Wednesday" in muster("breakdown", "--group", "7b", "--by", "weekday")
    document = json.loads(muster("day", "--day", "2026-04-01", "--json"))
    assert [register["taken"] for register in document["registers"]] == [True, True]
    page = tmp_path / "evacuation.html"
    muster("evacuation", "--output", str(page), "--language", "de")
    text = page.read_text(encoding="utf-8")
    assert text.count('class="box"') == 3
    assert '<html lang="de" dir="ltr">' in text


def test_pages_are_in_the_language_of_the_request_and_files_are_not(client: httpx.Client) -> None:
    arabic = {"Accept-Language": "fr, ar-EG;q=0.9"}
    queries = {"breakdown": {"group_id": "7b", "by": "weekday"}, "sheet": {"group_id": "7b"}}
    for name in ("breakdown", "absences", "low-attendance", "day", "evacuation", "sheet", "attendance"):
        query = {**queries.get(name, {"group_id": "7b"}), "format": "html"}
        page = client.get(f"/v1/reports/{name}", params=query, headers=arabic)
        assert '<html lang="ar" dir="rtl">' in page.text, name
        page = client.get(f"/v1/reports/{name}", params={**query, "language": "hi"}, headers=arabic)
        assert '<html lang="hi" dir="ltr">' in page.text, name
        csv = [
            client.get(f"/v1/reports/{name}", params={**query, "format": "csv"}, headers=headers).text
            for headers in ({}, arabic)
        ]
        assert csv[0] == csv[1]
    refused = client.get("/v1/reports/day", params={"format": "html", "language": "tlh"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


def test_marks_are_exported_for_other_programs(client: httpx.Client, folder: Path, tmp_path: Path) -> None:
    archive = client.get("/v1/exports/moodle", params={"group_id": "7b"})
    assert (archive.status_code, archive.headers["content-type"]) == (200, "application/zip")
    assert len(zipfile.ZipFile(BytesIO(archive.content)).namelist()) == 3
    marks = client.get("/v1/exports/moodle", params={"session_id": "singing"})
    assert marks.text.splitlines() == ["idnumber,status", "007,A", "s2,P"]
    mapping = {"columns": [{"title": "Schüler", "field": "student"}], "encoding": "windows-1252"}
    request = {"session_id": "singing", "mapping": mapping}
    mapped = client.post("/v1/exports/mapped", json=request)
    assert mapped.content.decode("windows-1252").splitlines() == ["Schüler", "?? ??", "<b>Zoë</b>"]
    assert client.post("/v1/exports/mapped", json={**request, "mapping": {}}).status_code == 422
    assert client.get("/v1/exports/moodle").status_code == 422

    output, file = tmp_path / "marks.csv", tmp_path / "mapping.json"
    file.write_text(json.dumps(mapping))
    arguments = ("--session", "singing", "--output", str(output), "--mapping", str(file), "--data", str(folder))
    done = processes.run(["-m", "muster", "reports", "mapped", *arguments])
    assert done.returncode == 0, done.stderr
    assert output.read_bytes() == mapped.content
