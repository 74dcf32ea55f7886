"""Roster files as people's spreadsheets write them."""

import zipfile
from contextlib import suppress
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from muster.domain.errors import EmptyUpload, MusterError, UnsupportedTable
from muster.services.roster_table import MOST_ROWS, RosterRow, read_roster


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


ADA = RosterRow(2, "0042", "Ада Ловлейс", ("7b", "math"))


@pytest.mark.parametrize(
    "content",
    [
        "student_id,name,group\n0042,Ада Ловлейс,7b;math\n".encode(),
        "Student ID;Name;Groups\r\n0042;Ада Ловлейс;7b|math\r\n".encode("utf-8-sig"),
        "id\tfull name\tclass\n0042\tАда Ловлейс\t7b, math\n".encode("utf-16"),
        'name,group,number\n"Ада Ловлейс","7b,math",0042'.encode(),
        "roll no,last name,first name,courses\n 0042 ,Ловлейс,Ада,7b math\n".encode(),
        workbook(["Student id", "Name", "Group"], ["0042", "Ада Ловлейс", "7b;math"]),
    ],
    ids=["csv", "excel-csv", "utf-16-tabs", "quoted", "first-and-last", "xlsx"],
)
def test_one_student_reads_alike_from_every_kind_of_file(content: bytes) -> None:
    assert read_roster(content).rows == (ADA,)


def test_rows_keep_their_numbers_past_empty_ones() -> None:
    table = read_roster(b"\n\nid,name\n\n1,Ada\n,\n2,Bob\n")
    assert [(row.number, row.student_id) for row in table.rows] == [(5, "1"), (7, "2")]


def test_a_number_as_id_is_read_whole_and_said() -> None:
    rows = read_roster(workbook(["id", "name"], [42, "Ada"], [43.0, "Bob"], ["044", "Cem"])).rows
    assert [(row.student_id, row.numeric_id) for row in rows] == [("42", True), ("43", True), ("044", False)]


def test_a_formula_is_not_taken_for_its_text() -> None:
    rows = read_roster(workbook(["id", "name"], ["1", "=A1"], ["=1+1", "Bob"], ["3", "Cem"])).rows
    assert [row.formula for row in rows] == [True, True, False]


def test_windows_1252_is_assumed_only_where_utf_8_does_not_hold() -> None:
    table = read_roster("id;name\n1;Jürgen\n".encode("windows-1252"))
    assert (table.encoding, table.rows[0].name) == ("windows-1252", "Jürgen")
    assert read_roster("id;name\n1;Jürgen\n".encode()).encoding == "utf-8"


def test_other_cells_read_as_text() -> None:
    assert read_roster(workbook(["id", "name"], [date(2026, 1, 2), True])).rows[0].name == "True"


@pytest.mark.parametrize(
    "content",
    [
        b"ada\nbob\n",
        b"name,group\nAda,7b\n",
        b"id,group\n1,7b\n",
        b'id,name\n1,"Ada\n',
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PK\x03\x04 not a zip at all",
        b"id,name\n" + b"".join(b"%d,Ada\n" % number for number in range(MOST_ROWS + 1)),
        b"id,name\n" + b"x" * 6_000_000,
    ],
    ids=["no-header", "no-id", "no-name", "open-quote", "picture", "broken-zip", "too-many-rows", "too-large"],
)
def test_what_is_no_roster_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedTable):
        read_roster(content)


def test_a_workbook_that_unpacks_to_far_more_is_refused() -> None:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 60_000_000)
    with pytest.raises(UnsupportedTable, match="larger than a roster"):
        read_roster(stream.getvalue())


def test_a_zip_of_something_else_is_refused() -> None:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("photo.jpg", b"\xff\xd8")
    with pytest.raises(UnsupportedTable):
        read_roster(stream.getvalue())


@pytest.mark.parametrize("content", [b"", b"  \r\n "])
def test_an_empty_file_is_said_to_be_empty(content: bytes) -> None:
    with pytest.raises(EmptyUpload):
        read_roster(content)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: f"id,name\n{text}".encode()))
def test_any_bytes_are_read_or_refused_in_words(content: bytes) -> None:
    with suppress(MusterError):
        assert all(row.number > 0 for row in read_roster(content).rows)


def test_a_small_workbook_that_unpacks_to_millions_of_cells_is_refused_unparsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sheet = b"<worksheet><sheetData>" + (b"<row>" + b"<c/>" * 100 + b"</row>") * 9_000 + b"</sheetData></worksheet>"
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    assert len(stream.getvalue()) < 50_000
    monkeypatch.setattr("openpyxl.load_workbook", lambda *_, **__: pytest.fail("parsed"))
    with pytest.raises(UnsupportedTable, match="far larger"):
        read_roster(stream.getvalue())


def test_a_workbook_of_as_many_students_and_columns_as_a_school_has_is_read() -> None:
    header = ["student_id", "name", "group", *(f"column {number}" for number in range(17))]
    rows = [[f"s{number}", f"Name {number}", "7b", *["x"] * 17] for number in range(MOST_ROWS)]
    assert len(read_roster(workbook(header, *rows)).rows) == MOST_ROWS
