"""Reports over HTTP and at the command line."""

import csv
import json
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from openpyxl import load_workbook

from muster.composition.local import LocalBackend, LocalServices
from muster.composition.settings import LocalSettings
from muster.domain.attendance import Mark, MarkSource, Session
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.student import Student
from muster.domain.user import Role, User
from muster.storage.local import LocalStores
from muster.vision.pipeline import VisionPipeline
from tests import processes
from tests.unit.reports import STATUS

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def system(tmp_path: Path, vision: VisionPipeline) -> LocalServices:
    """A school in Berlin with two groups and a student who is in both."""
    system = LocalBackend(tmp_path / "store", LocalSettings(time_zone="Europe/Berlin"), vision).services
    fill(system.stores)
    return system


def fill(stores: LocalStores) -> None:
    for id, name in (("7b", "Class 7b"), ("choir", "Choir")):
        stores.groups.add(Group(GroupId(id), name))
    for id, name, groups in (("007", "山田 太郎", "7b choir"), ("s1", "=1+1", "7b"), ("s2", "<b>Zoë</b>", "choir")):
        own = frozenset(GroupId(group) for group in groups.split())
        stores.students.enrol(Student(StudentId(id), name, own, None, None))
    hold(stores, "last-of-march", "2026-03-29T00:30", "7b", {"007": "P", "s1": "A"})
    hold(stores, "first-of-april", "2026-04-01T00:30", "7b", {"007": "L", "s1": "A"})
    hold(stores, "singing", "2026-04-01T16:00", "choir", {"007": "A", "s2": "P"})


def hold(stores: LocalStores, id: str, clock: str, group: str, marks: Mapping[str, str]) -> None:
    """Hold a session at a time of Berlin."""
    started_at = datetime.fromisoformat(clock).replace(tzinfo=BERLIN).astimezone(UTC)
    session = Session(SessionId(id), GroupId(group), started_at)
    stores.sessions.create(session, [StudentId(student) for student in marks])
    given = [
        Mark(StudentId(student), STATUS[letter], MarkSource.MANUAL, started_at) for student, letter in marks.items()
    ]
    stores.sessions.amend(session.id, 1, marks=given)


def get(client: httpx.Client, token: str | None = None, **query: str) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.get("/v1/reports/attendance", params=query, headers=headers)


def test_a_group_is_reported_as_a_document(client: httpx.Client) -> None:
    answer = get(client, group_id="7b")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    document = answer.json()
    assert (document["scope"], document["time_zone"]) == ("group", "Europe/Berlin")
    assert [session["started_at"] for session in document["sessions"]] == [
        "2026-03-29T00:30:00+01:00",
        "2026-04-01T00:30:00+02:00",
    ]
    assert [(line["day"], line["sessions"]) for line in document["days"]] == [("2026-03-29", 1), ("2026-04-01", 1)]
    assert {line["student_id"]: line["marks"] for line in document["students"]} == {
        "007": ["present", "late"],
        "s1": ["absent", "absent"],
    }
    assert document["totals"] == {"present": 1, "late": 1, "absent": 2, "excused": 0, "review": 0, "rate": 0.5}
    assert document["students"][1]["current_absence"] == 2


def test_days_are_those_of_the_school(client: httpx.Client) -> None:
    def sessions(**query: str) -> list[str]:
        return [session["session_id"] for session in get(client, group_id="7b", **query).json()["sessions"]]

    assert sessions(since="2026-03-29", until="2026-03-29") == ["last-of-march"]
    assert sessions(since="2026-04-01") == ["first-of-april"]
    assert sessions(until="2026-03-31") == ["last-of-march"]
    assert sessions(since="2026-03-30", until="2026-03-31") == []


def test_every_form_comes_with_its_type_and_a_safe_file_name(client: httpx.Client) -> None:
    table = get(client, group_id="7b", since="2026-03-01", format="csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="attendance-7b-2026-03-01.csv"'
    rows = list(csv.reader(StringIO(table.content.decode("utf-8-sig"), newline="")))
    assert [row[:2] for row in rows[1:]] == [['="007"', "山田 太郎"], ["s1", "'=1+1"]]

    workbook = get(client, group_id="7b", format="xlsx")
    assert workbook.headers["content-type"] == XLSX
    assert workbook.headers["content-disposition"] == 'attachment; filename="attendance-7b.xlsx"'
    sheet = load_workbook(BytesIO(workbook.content))["Attendance"]
    assert [(row[0].value, row[1].value, row[1].data_type) for row in sheet.iter_rows(min_row=2)] == [
        ("007", "山田 太郎", "s"),
        ("s1", "=1+1", "s"),
    ]

    page = get(client, group_id="choir", format="html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-disposition"] == 'inline; filename="attendance-choir.html"'
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "&lt;b&gt;Zoë&lt;/b&gt;" in page.text
    for answer in (table, workbook, page):
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("form", ["json", "csv", "xlsx", "html"])
@pytest.mark.parametrize("scope", [{"group_id": "7b"}, {"student_id": "007"}, {"session_id": "singing"}])
def test_every_scope_has_every_form(client: httpx.Client, scope: dict[str, str], form: str) -> None:
    answer = get(client, format=form, **scope)
    assert answer.status_code == 200
    assert answer.content


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"group_id": "7b", "student_id": "007"},
        {"session_id": "singing", "since": "2026-01-01"},
        {"group_id": "7b", "since": "2026-02-30"},
        {"group_id": "7b", "since": "1700000000"},
        {"group_id": "7b", "since": "2026-02-02", "until": "2026-02-01"},
        {"group_id": "7b", "until": "9999-12-31"},
        {"group_id": "../7b"},
        {"group_id": "7b", "format": "pdf"},
    ],
)
def test_an_impossible_question_is_refused(client: httpx.Client, query: dict[str, str]) -> None:
    answer = get(client, **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_teacher_sees_reports_of_their_groups_alone(client: httpx.Client, system: LocalServices) -> None:
    admin = system.users.add(User(UserId("head"), Role.ADMIN))
    teacher = system.users.add(User(UserId("conductor"), Role.TEACHER), [GroupId("choir")])

    assert get(client, group_id="choir").status_code == 401
    assert get(client, teacher, group_id="choir").status_code == 200
    assert get(client, teacher, session_id="singing").status_code == 200
    for query in ({"group_id": "7b"}, {"student_id": "s1"}, {"session_id": "last-of-march"}, {"group_id": "nowhere"}):
        assert (get(client, teacher, **query).status_code, get(client, teacher, **query).json()["code"]) == (
            403,
            "not_allowed",
        )
    for query in ({"group_id": "nowhere"}, {"student_id": "nobody"}, {"session_id": "never"}):
        assert get(client, admin, **query).status_code == 404

    of_teacher, of_admin = (get(client, token, student_id="007").json() for token in (teacher, admin))
    assert [group["group_id"] for group in of_teacher["groups"]] == ["choir"]
    assert of_teacher["students"][0]["marks"] == ["absent"]
    assert [group["group_id"] for group in of_admin["groups"]] == ["7b", "choir"]
    assert of_admin["students"][0]["marks"] == ["present", "late", "absent"]


def muster(system_folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.run(["-m", "muster", "attendance", *arguments, "--data", str(system_folder)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The store of a school, without any model."""
    from muster.storage.local import open_local

    fill(open_local(tmp_path / "school"))
    return tmp_path / "school"


def test_the_command_line_reports_in_the_zone_that_is_named(folder: Path) -> None:
    zones = {"Europe/Berlin": ["2026-03-29"], "America/New_York": ["2026-03-28"]}
    for zone, days in zones.items():
        done = muster(folder, "report", "--group", "7b", "--until", "2026-03-30", "--time-zone", zone, "--json")
        assert done.returncode == 0, done.stderr
        assert [line["day"] for line in json.loads(done.stdout)["days"]] == days
    table = muster(folder, "report", "--group", "7b", "--time-zone", "Europe/Berlin")
    assert re.search(r"007\t山田 太郎\t.*\t100%\t.*PL", table.stdout)


def test_an_export_is_written_whole_and_overwrites_nothing_unasked(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "term.xlsx"
    output.parent.mkdir()
    assert muster(folder, "export", "--group", "7b", "--output", str(output)).returncode == 0
    assert load_workbook(output).sheetnames[0] == "Attendance"
    first = output.read_bytes()

    again = muster(folder, "export", "--group", "choir", "--output", str(output), "--json")
    assert (again.returncode, json.loads(again.stdout)["code"]) == (1, "output_exists")
    assert output.read_bytes() == first

    forced = muster(folder, "export", "--group", "choir", "--output", str(output), "--format", "csv", "--force")
    assert forced.returncode == 0
    assert output.read_bytes().startswith(b"\xef\xbb\xbfstudent_id")
    assert [path.name for path in output.parent.iterdir()] == ["term.xlsx"]


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["report"], 2, None),
        (["report", "--group", "7b", "--student", "007"], 2, None),
        (["report", "--group", "nowhere"], 1, "group_not_found"),
        (["report", "--group", "7b", "--time-zone", "Mars/Olympus"], 1, "invalid_request"),
        (["report", "--group", "7b", "--since", "soon"], 1, "invalid_request"),
        (["export", "--group", "7b", "--output", "/nowhere/term.csv"], 1, "output_not_written"),
        (["export", "--group", "7b", "--output", "term.pdf"], 2, None),
    ],
)
def test_the_command_line_says_what_is_wrong(folder: Path, arguments: list[str], status: int, code: str | None) -> None:
    done = muster(folder, *arguments, "--json")
    assert done.returncode == status
    assert code is None or json.loads(done.stdout)["code"] == code
    assert "Traceback" not in done.stderr
