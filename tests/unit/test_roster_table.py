"""Roster files as people's spreadsheets write them."""

import re
import zipfile
from contextlib import suppress
from datetime import datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from muster.domain.errors import EmptyUpload, InvalidRequest, MusterError, RosterEmpty, UnsupportedTable
from muster.services.roster_import.headers import TITLES, plain_title
from muster.services.roster_import.table import MAX_ROWS, RosterRow, read_roster


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
        "roll no,last name,first name,courses\n 0042 ,Ловлейс,Ада,7b | math\n".encode(),
        workbook(["Student id", "Name", "Group"], ["0042", "Ада Ловлейс", "7b;math"]),
    ],
    ids=["csv", "excel-csv", "utf-16-tabs", "quoted", "first-and-last", "xlsx"],
)
def test_one_student_reads_alike_from_every_kind_of_file(content: bytes) -> None:
    assert read_roster(content).rows == (ADA,)


def test_rows_keep_their_numbers_past_empty_ones() -> None:
    table = read_roster(b"\n\nid,name\n\n1,Ada\n,\n2,Bob\n")
    assert [(row.number, row.student_id) for row in table.rows] == [(5, "1"), (7, "2")]


def codes(content: bytes) -> list[tuple[int, str]]:
    return [(found.row, found.code) for found in read_roster(content).findings]


def test_a_number_as_id_is_read_whole_and_noted() -> None:
    rows = read_roster(workbook(["id", "name"], [42, "Ada"], [43.0, "Bob"], ["044", "Cem"])).rows
    assert [(row.student_id, row.numeric_id) for row in rows] == [("42", True), ("43", True), ("044", False)]


def test_a_number_too_long_for_a_spreadsheet_is_an_error() -> None:
    assert codes(workbook(["id", "name"], [1234567890123456, "Ada"])) == [(2, "shortened_number")]
    assert codes(b"id,name\n1.23457E+11,Ada\n") == [(2, "shortened_number")]


def test_a_formula_is_not_taken_for_its_text() -> None:
    content = workbook(["id", "name"], ["1", "=A1"], ["=1+1", "Bob"], ["3", "Cem"])
    assert codes(content) == [(2, "formula_cell"), (3, "formula_cell")]
    assert read_roster(b'id,name\n="0042",="Ada"\n').rows == (RosterRow(2, "0042", "Ada", ()),)


def test_cells_with_an_error_of_the_spreadsheet_are_errors() -> None:
    assert codes(b"id,name,group\n1,#N/A,7b\n2,Bob,#REF!\n") == [(2, "error_cell"), (3, "error_cell")]


def test_windows_1252_is_assumed_only_where_utf_8_does_not_hold() -> None:
    table = read_roster("id;name\n1;Jürgen\n".encode("windows-1252"))
    assert (table.encoding, table.rows[0].name) == ("windows-1252", "Jürgen")
    assert read_roster("id;name\n1;Jürgen\n".encode()).encoding == "utf-8"


def test_dates_and_truth_values_are_shown_as_the_spreadsheet_shows_them() -> None:
    table = read_roster(workbook(["id", "name"], [datetime(2026, 1, 2), True], [time(7, 30), "Bob"]))
    assert [(row.student_id, row.name) for row in table.rows] == [("2026-01-02", "TRUE"), ("07:30:00", "Bob")]
    assert [(found.code, found.value) for found in table.findings] == [
        ("date_cell", "2026-01-02"),
        ("date_cell", "07:30:00"),
    ]


@pytest.mark.parametrize(
    ("titles", "row", "name"),
    [
        ("id,Name,Vorname", "1,Berg,Anna", "Anna Berg"),
        ("id,Nom,Prénom", "1,Berg,Anna", "Anna Berg"),
        ("id,Nombre,Apellidos", "1,Anna,Berg", "Anna Berg"),
        ("id,Name,First name", "1,Anna Berg,Anna", "Anna Berg"),
        ("id,Name,First name,Last name", "1,Anna Maria Berg,Anna,Berg", "Anna Maria Berg"),
        ("id,Full name,First name", "1,Anna Berg,Maria", "Anna Berg"),
        ("id,First name,Last name", "1,,Berg", "Berg"),
        ("STUDENT-ID,surname,FORENAME", "1,Berg,Anna", "Anna Berg"),
        ("Student ID (required),Full Name*", "1,Anna Berg", "Anna Berg"),
    ],
)
def test_a_name_in_two_columns_is_joined(titles: str, row: str, name: str) -> None:
    assert [(found.student_id, found.name) for found in read_roster(f"{titles}\n{row}\n".encode()).rows] == [
        ("1", name)
    ]


@pytest.mark.parametrize(
    ("titles", "taken"),
    [
        ("id,name,UPN,Student number", "Student number"),
        ("Email,name,Username", "Username"),
        ("S/N,Roll No,name", "Roll No"),
        ("Öğrenci No,Adı Soyadı", "Öğrenci No"),
        ("学号,姓名", "学号"),
        ("Номер студента,ФИО", "Номер студента"),
    ],
)
def test_the_best_title_gives_the_id(titles: str, taken: str) -> None:
    row = ",".join(f"x{number}" for number in range(titles.count(",") + 1))
    assert read_roster(f"{titles}\n{row}\n".encode()).columns.taken["student_id"] == [taken]


def test_a_better_title_over_an_empty_column_is_passed_over() -> None:
    table = read_roster(b"sourcedId,identifier,givenName,familyName\nU1,,Anna,Berg\nU2,,Bo,Carl\n")
    assert [row.student_id for row in table.rows] == ["U1", "U2"]


def test_groups_are_separated_at_marks_and_line_ends_and_joined_over_numbered_columns() -> None:
    table = read_roster(b'id,name,group1,group2\n1,Ada,"Year 7 B; 10 Art\n8c",math\n')
    assert table.rows[0].groups == ("Year 7 B", "10 Art", "8c", "math")


def test_titles_repeated_on_each_page_and_totals_are_no_students() -> None:
    content = b"Report,,\nid,name,group\n1,Ada,7b\nid,name,group\n2,Bob,7b\n,,\nTotal,2,\nPrinted: today,,\n"
    table = read_roster(content)
    assert ([row.number for row in table.rows], table.header_row) == ([3, 5], 2)
    assert [(found.row, found.code) for found in table.findings] == [(8, "row_skipped"), (7, "row_skipped")]


def test_a_last_row_that_lacks_its_name_is_not_taken_for_a_total() -> None:
    table = read_roster(b"id,name,group\n1,Ada,7b\n0043,,\n")
    assert [row.student_id for row in table.rows] == ["1", "0043"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zeros(encoding: str) -> None:
    table = read_roster("id\tname\n1\tЮлия Жук\n".encode(encoding))
    assert (table.encoding, table.rows[0].name) == (encoding, "Юлия Жук")


def test_a_name_decoded_wrongly_before_it_was_saved_is_an_error() -> None:
    assert codes("id,name\n1,MÃ¼ller\n".encode()) == [(2, "decoded_wrongly")]


def test_the_titles_found_and_what_is_missing_are_named() -> None:
    with pytest.raises(UnsupportedTable) as error:
        read_roster(b"Class list\nTelefon;Anschrift;Nachname\n1;2;3\n")
    message = str(error.value)
    assert "no column for the student id." in message
    assert "Telefon, Anschrift, Nachname" in message
    assert "docs/rosters.md" in message


@pytest.mark.parametrize(
    "content",
    [b"id,name,group\n", b"id,name\n,\n\n", b"id,name\nTotal: 0,\n", workbook(["id", "name"])],
    ids=["titles-only", "empty-rows", "total-only", "workbook"],
)
def test_a_roster_without_students_is_refused(content: bytes) -> None:
    with pytest.raises(RosterEmpty, match="names no student"):
        read_roster(content)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"id,name\n1,Ada\n", "fake.xlsx", "fake.xlsx is no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old.xls", "Excel 97-2003"),
        (b"<html><table><tr><td>id</td></tr></table></html>", "export.xls", "web page"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(content: bytes, name: str, message: str) -> None:
    with pytest.raises(UnsupportedTable, match=message):
        read_roster(content, name)


def test_a_hidden_sheet_is_not_read() -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["id", "name"])
    book.active.append(["1", "Hidden"])
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("Class")
    shown.append(["id", "name"])
    shown.append(["2", "Shown"])
    stream = BytesIO()
    book.save(stream)
    table = read_roster(stream.getvalue())
    assert (table.sheet, [row.name for row in table.rows]) == ("Class", ["Shown"])


def test_a_named_encoding_is_used_or_refused() -> None:
    content = "id,name\n1,Ayşe\n".encode("windows-1254")
    assert read_roster(content, encoding="windows-1254").rows[0].name == "Ayşe"
    assert read_roster(content, encoding="cp1254").findings == ()
    with pytest.raises(InvalidRequest, match="not in the encoding utf-8"):
        read_roster(content, encoding="UTF-8")
    for encoding in ("klingon", "unicode_escape", "rot13", "../x"):
        with pytest.raises(InvalidRequest, match="unknown"):
            read_roster(content, encoding=encoding)


@pytest.mark.parametrize(
    "content",
    [
        b"ada\nbob\n",
        b"name,group\nAda,7b\n",
        b"id,group\n1,7b\n",
        b'id,name\n1,"Ada\n',
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PK\x03\x04 not a zip at all",
        b"id,name\n" + b"".join(b"%d,Ada\n" % number for number in range(MAX_ROWS + 1)),
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


def test_the_documentation_lists_the_titles_that_are_understood() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rosters.md").read_text(encoding="utf-8")
    for kind, titles in TITLES.items():
        (listed,) = re.findall(rf"\*\*{kind}\*\*:\s(.+?)\n\n", text, re.IGNORECASE | re.DOTALL)
        expected = [title.strip() for title in titles.replace("\n", " ").split(",")]
        assert re.findall("`([^`]+)`", listed.replace("\n", " ")) == expected
        assert len({plain_title(title) for title in expected}) > 30


@pytest.mark.parametrize(
    "content",
    [
        b"id,name\n1,Ada\n" + b"a" * 120_000 + b",\n",
        b"(" * 120_000 + b",\nid,name\n1,Ada\n",
        b"id,name\n1,Ada\n" + b"," * 3_000_000,
        b"id,name\n1,Ada\xfc" + b"\xe9\xe8" * 2_000_000 + b"\n",
        b"id,name\n" + b"1,\xe9\xfc\xc4 \xd0b\n" * 300_000,
    ],
    ids=["long-cell", "long-title", "many-columns", "long-word", "many-words"],
)
def test_a_large_odd_file_is_read_or_refused_without_long_searches(content: bytes) -> None:
    with suppress(MusterError):
        read_roster(content)


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
    rows = [[f"s{number}", f"Name {number}", "7b", *["x"] * 17] for number in range(MAX_ROWS)]
    assert len(read_roster(workbook(header, *rows)).rows) == MAX_ROWS
