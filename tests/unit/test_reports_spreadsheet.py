"""Exported reports as LibreOffice opens them."""

import csv
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from muster.reports.attendance import AttendanceReport
from muster.reports.csv_file import csv_file
from muster.reports.xlsx_file import xlsx_file
from tests.unit.reports import term

pytestmark = pytest.mark.office

# Ids that spreadsheets like to change, and names that would be formulas, beside names in many scripts.
NAMES = {
    "007": "Ada Lovelace",
    "0012": "=1+1",
    "12345678901234567890": "山田 太郎",
    "1e5": "+1+1",
    "1-2": "-1+1",
    "2026-09-01": "@SUM(A1:A9)",
    "Mar1": '=HYPERLINK("http://127.0.0.1/","click")',
    "s1": "محمد بن سلمان",
    "s2": "अमिताभ शर्मा",
    "s3": "O'Neil; =1+1",
    "s4": 'Zoë "Zo" Öztürk, jr.',
    "true": "김민준",
}
IDS = sorted(NAMES)
# UTF-8, commas, quotes; what its import dialogue proposes for such a file.
_CSV_IN = "CSV:44,34,76,1"
_CSV_OUT = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true"


@pytest.fixture
def report() -> AttendanceReport:
    """Everyone came, was late, was away and was excused."""
    return term(dict.fromkeys(NAMES, "PLAE"), names=NAMES)


def convert(source: Path, to: str, *options: str) -> Path:
    """Let LibreOffice open a file and save it in another form."""
    target = source.parent / "converted"
    profile = f"-env:UserInstallation={(source.parent / 'profile').as_uri()}"
    done = subprocess.run(
        ["soffice", profile, "--headless", *options, "--convert-to", to, "--outdir", str(target), str(source)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    (converted,) = target.glob(f"{source.stem}*")
    assert done.returncode == 0, done.stderr
    return converted


def test_a_csv_opens_with_ids_and_names_as_they_are(report: AttendanceReport, tmp_path: Path) -> None:
    source = tmp_path / "report.csv"
    source.write_bytes(csv_file(report))
    converted = convert(source, "xlsx", f"--infilter={_CSV_IN}")

    shown = list(load_workbook(converted, data_only=True).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert shown[0][:2] == ("student_id", "name")
    assert [row[0] for row in shown[1:]] == IDS
    assert [str(row[1]).replace("'", "") for row in shown[1:]] == [NAMES[id].replace("'", "") for id in IDS]
    assert {row[2:6] for row in shown[1:]} == {(1, 1, 1, 1)}
    assert {row[10:] for row in shown[1:]} == {("present", "late", "absent", "excused")}

    formulas = [
        cell.value
        for row in load_workbook(converted).active.iter_rows()  # type: ignore[union-attr]
        for cell in row
        if cell.data_type == "f"
    ]
    # The only ones are texts: the ids that it would otherwise have changed.
    assert set(formulas) == {f'="{id}"' for id in IDS if not id.startswith("s")}


def test_a_workbook_opens_with_ids_and_names_as_they_are(report: AttendanceReport, tmp_path: Path) -> None:
    source = tmp_path / "report.xlsx"
    source.write_bytes(xlsx_file(report))
    converted = convert(source, _CSV_OUT)

    with converted.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[:2] for row in rows[1:]] == [[id, NAMES[id]] for id in IDS]
    assert {tuple(row[2:10]) for row in rows[1:]} == {("1", "1", "1", "1", "0", "66.7%", "1", "1")}
    assert {tuple(row[10:]) for row in rows[1:]} == {("P", "L", "A", "E")}


def test_every_sheet_of_a_workbook_survives_being_saved_anew(report: AttendanceReport, tmp_path: Path) -> None:
    source = tmp_path / "report.xlsx"
    source.write_bytes(xlsx_file(report))
    ours, theirs = load_workbook(source), load_workbook(convert(source, "xlsx"))
    assert theirs.sheetnames == ours.sheetnames
    for sheet in ours.worksheets:
        saved = theirs[sheet.title]
        assert not [cell for row in saved.iter_rows() for cell in row if cell.data_type in "fe"]
        for ours_row, saved_row in zip(
            sheet.iter_rows(values_only=True), saved.iter_rows(values_only=True), strict=True
        ):
            # It keeps fifteen digits of a number.
            assert [_rounded(value) for value in saved_row] == [_rounded(value) for value in ours_row]
    assert theirs["Days"]["A2"].value == datetime(2026, 9, 1)
    absent = theirs["Attendance"]["M2"]
    assert (absent.value, absent.fill.start_color.rgb, absent.font.color.rgb) == ("A", "FFC0392B", "FFFFFFFF")


def _rounded(value: object) -> object:
    return round(value, 12) if isinstance(value, float) else value
