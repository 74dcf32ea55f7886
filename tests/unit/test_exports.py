"""Exports to Moodle and by a mapping."""

import csv
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO, StringIO

import pytest

from muster.domain.attendance import LessonDetails, Mark, MarkSource, MarkStatus, RollCall
from muster.domain.codes import DEFAULT_TABLE, PRESETS, CodeTable
from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import StudentId
from muster.reports.mapped_file import FIELDS, mapped_file, read_mapping
from muster.reports.mark_rows import MarkRow, mark_rows
from muster.reports.moodle import UserField, moodle_archive, moodle_marks, moodle_sessions
from tests.unit.reports import BERLIN, NOW, at, roll_call

NAMES = {StudentId(id): name for id, name in (("007", "=1+1"), ("ada", "Ada, K."), ("bea", "Béa"), ("cy", "Cy"))}


def rows(codes: CodeTable = DEFAULT_TABLE) -> list[MarkRow]:
    """Two sessions that are taken, one of them a lesson that was opened early, and one that is not."""
    maths = roll_call("s1", at("2026-09-07T06:12"), {"007": "P", "ada": "L", "bea": "A", "cy": "E", "gone": "P"})
    lesson = LessonDetails(
        lesson_id="m1", subject="Maths", room="12", starts_at=at("2026-09-07T06:15"), ends_at=at("2026-09-07T07:00")
    )
    late = Mark(
        StudentId("ada"), MarkStatus.LATE, MarkSource.MANUAL, at("2026-09-07T06:30"), minutes_late=9, remark="Bus"
    )
    marks = tuple(late if mark.student_id == "ada" else mark for mark in maths.marks)
    calls = [
        RollCall(replace(maths.session, lesson=lesson), marks),
        roll_call("s2", at("2026-09-08T10:30"), {"007": "P", "ada": "?"}, source=MarkSource.PHOTO),
        roll_call("s3", at("2026-09-09T10:30"), {"007": "A"}, source=MarkSource.PHOTO),
    ]
    return mark_rows(calls, NAMES, "Class 7b", codes, BERLIN, NOW)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode(), newline="")))


def moodle_import_of_sessions(content: bytes) -> list[Mapping[str, object]]:
    """Read the file as `classes/import/sessions.php` of mod_attendance does within a course: by position."""
    keys = (
        *("groups", "sessiondate", "from", "to", "description", "repeaton", "repeatevery", "repeatuntil"),
        *("studentscanmark", "allowupdatestatus", "passwordgrp", "randompassword", "subnet", "automark"),
        *("autoassignstatus", "absenteereport", "preventsharedip", "preventsharediptime", "calendarevent"),
        *("includeqrcode", "rotateqrcode", "studentsearlyopentime"),
    )
    header, *lines = csv.reader(StringIO(content.decode(), newline=""))
    assert all(len(line) == len(header) == len(keys) for line in lines)
    sessions: list[Mapping[str, object]] = []
    for line in lines:
        found = dict(zip(keys, line, strict=True))
        day = datetime.strptime(found["sessiondate"], "%Y-%m-%d").date()
        start, end = (tuple(int(part) for part in found[key].split(":")) for key in ("from", "to"))
        sessions.append({**found, "day": day.isoformat(), "start": start, "end": end})
    return sessions


def moodle_import_of_marks(content: bytes, users: set[str], acronyms: set[str]) -> dict[str, str]:
    """Read the file as `classes/import/marksessions.php` does; refuse what it reports as a problem."""
    found: dict[str, str] = {}
    header, *lines = csv.reader(StringIO(content.decode(), newline=""))
    user, status = next(header.index(name) for name in UserField if name in header), header.index("status")
    for line in lines:
        assert line[user].lower() in users
        assert line[user].lower() not in found
        assert line[status] in acronyms
        found[line[user].lower()] = line[status]
    return found


def test_moodle_reads_the_sessions_that_are_taken() -> None:
    sessions = moodle_import_of_sessions(moodle_sessions(rows()))
    assert [(session["day"], session["start"], session["end"], session["description"]) for session in sessions] == [
        ("2026-09-07", (8, 15), (9, 0), "Class 7b, Maths"),
        ("2026-09-08", (12, 30), (13, 30), "Class 7b"),
    ]
    assert {session["groups"] for session in sessions} == {""}, "for all students of the course"
    # -1 stands for the default of the site; nothing is repeated, and nobody may mark themselves because of an export.
    assert {session["studentscanmark"] for session in sessions} == {"-1"}
    assert {session["repeaton"] for session in sessions} == {""}


def test_moodle_reads_the_marks_of_each_session() -> None:
    with zipfile.ZipFile(BytesIO(moodle_archive(rows()))) as archive:
        names = archive.namelist()
        assert names == ["sessions.csv", "marks/2026-09-07-0815-s1.csv", "marks/2026-09-08-1230-s2.csv"]
        first, second = (
            moodle_import_of_marks(archive.read(name), set(NAMES), {"P", "L", "A", "E"}) for name in names[1:]
        )
    assert first == {"007": "P", "ada": "L", "bea": "A", "cy": "E"}
    assert second == {"007": "P"}, "an open question is no mark"
    england = CodeTable(PRESETS["england-2024"])
    marks = [row for row in rows(england) if row.session.id == "s1"]
    assert moodle_marks(marks, UserField.USERNAME, codes=True).decode().splitlines() == [
        "username,status",
        "007,/",
        "ada,L",
        "bea,N",
        "cy,X",
    ]


MAPPING = {
    "columns": [
        {"title": "Kennung", "field": "student_id"},
        {"title": "Datum", "field": "date"},
        {"title": "Stunde", "field": "start"},
        {"title": "Fach", "field": "subject", "values": {"": "-", "Maths": "MA"}},
        {"title": "Art", "field": "status", "values": {"absent": "F", "late": "V"}},
        {"title": "Min", "field": "minutes_late"},
        {"title": "Bemerkung", "field": "remark"},
        {"title": "Quelle", "text": "Muster"},
    ],
    "statuses": ["absent", "late"],
    "delimiter": "semicolon",
    "encoding": "windows-1252",
    "date_format": "%d.%m.%Y",
}


def test_a_mapping_names_columns_and_values() -> None:
    content = mapped_file(rows(), read_mapping(json.dumps(MAPPING))).decode("windows-1252")
    assert content.splitlines() == [
        "Kennung;Datum;Stunde;Fach;Art;Min;Bemerkung;Quelle",
        "ada;07.09.2026;08:15;MA;V;9;Bus;Muster",
        "bea;07.09.2026;08:15;MA;F;;;Muster",
    ]


def test_every_field_can_be_a_column() -> None:
    mapping = read_mapping({"columns": [{"title": name, "field": name} for name in FIELDS]})
    first, *others = table(mapped_file(rows(), mapping))
    assert first == {
        "student_id": "007",
        "student": "=1+1",
        "group_id": "7b",
        "group": "Class 7b",
        "session_id": "s1",
        "date": "2026-09-07",
        "start": "08:15",
        "end": "09:00",
        "subject": "Maths",
        "teacher": "",
        "room": "12",
        "status": "present",
        "code": "P",
        "minutes_late": "",
        "remark": "",
    }
    assert [row["status"] for row in others] == ["late", "absent", "excused", "present"]


@pytest.mark.parametrize(
    ("mapping", "place"),
    [
        ("{", "the file"),
        ({"columns": []}, "columns"),
        ({"columns": [{"title": "a", "field": "nickname"}]}, "columns.0.field"),
        ({"columns": [{"title": "a"}]}, "columns.0"),
        ({"columns": [{"title": "a", "text": "b"}], "encoding": "utf-7"}, "encoding"),
        ({"columns": [{"title": "a", "text": "b", "colour": "red"}]}, "columns.0.colour"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(mapping: object, place: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"not valid at {place}:"):
        read_mapping(mapping)


def test_sessions_without_a_lesson_last_an_hour() -> None:
    row = rows()[-1]
    assert row.ends_at - row.starts_at == timedelta(hours=1)
