"""Our own exports come back as rosters."""

import csv
from collections.abc import Callable
from functools import partial
from io import StringIO

import pytest

from muster.reports.attendance import AttendanceReport, Scope
from muster.reports.csv_file import Delimiter, csv_file
from muster.reports.xlsx_file import xlsx_file
from muster.services.roster_import.table import read_roster
from tests.unit.reports import term

NAMES = {
    "007": "Zoë Björk",
    "1e5": "=SUM(A1)",
    "s1": "@Ada, Lovelace; -Byron",
    "s2": "Jeanne d'-Arc",
    "s3": "علی\u200cرضا",
}
FORMS: dict[str, Callable[[AttendanceReport], bytes]] = {
    **{delimiter.value: partial(csv_file, delimiter=delimiter) for delimiter in Delimiter},
    "xlsx": xlsx_file,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scope", [Scope.GROUP, Scope.SESSION])
def test_an_export_is_a_roster_with_the_same_ids_and_names(form: str, scope: Scope) -> None:
    report = term(dict.fromkeys(NAMES, "P"), names=NAMES, scope=scope)
    table = read_roster(FORMS[form](report))
    assert {row.student_id: row.name for row in table.rows} == NAMES
    assert [found for row in table.rows for found in row.findings] == []


def test_a_csv_with_semicolons_has_decimal_commas() -> None:
    content = csv_file(term({"s1": "PPA"}), Delimiter.SEMICOLON)
    titles, row, *_ = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    assert row[titles.index("attendance_rate")] == "0,6667"
    assert content.startswith(b"\xef\xbb\xbfstudent_id;name;")


def test_commas_stay_the_default() -> None:
    report = term({"s1": "PPA"})
    assert csv_file(report) == csv_file(report, Delimiter.COMMA)
    assert b"s1,Student s1,2,0,1,0,0,0.6667" in csv_file(report)
