"""Reports of a school with its own attendance codes: in the grid, the legend, the columns and the counts."""

import csv
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

from openpyxl import load_workbook

from muster.api.schemas.reports import ReportDocument
from muster.domain.attendance import RollCall
from muster.domain.codes import DEFAULT_TABLE, CodeTable
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.period import Period
from muster.reports.attendance import AttendanceReport, RosterEntry, Scope, build_report
from muster.reports.csv_file import csv_file
from muster.reports.html_page import html_page
from muster.reports.xlsx_file import xlsx_file
from tests.unit.reports import roll_call

ENGLAND = DEFAULT_TABLE.switched_to("england-2024")


def school(scope: Scope = Scope.GROUP, codes: CodeTable = ENGLAND) -> AttendanceReport:
    """A morning and an afternoon: s1 is ill in the morning; s2 is present, then 12 minutes late."""
    morning = roll_call("m", datetime(2026, 9, 1, 7, tzinfo=UTC), {"s1": "A", "s2": "P"})
    ill = replace(morning, marks=(replace(morning.marks[0], code="I"), morning.marks[1]))
    afternoon = roll_call("n", datetime(2026, 9, 1, 13, tzinfo=UTC), {"s1": "P", "s2": "L"})
    late = replace(afternoon.marks[1], minutes_late=12, remark="Bus <1>")
    calls = [ill, RollCall(afternoon.session, (afternoon.marks[0], late))]
    roster = [RosterEntry(StudentId(id), id.upper()) for id in ("s1", "s2")]
    calls = calls[1:] if scope is Scope.SESSION else calls
    names = {GroupId("7b"): "Class 7b"}
    zone, now = ZoneInfo("Europe/London"), datetime(2026, 9, 2, tzinfo=UTC)
    return build_report(scope, calls, roster, names, Period(), zone, now, codes)


def rows(report: AttendanceReport) -> list[list[str]]:
    return list(csv.reader(StringIO(csv_file(report).decode("utf-8-sig"))))


def test_cells_of_the_grid_are_the_codes_of_the_school() -> None:
    report = school()
    assert [row[-2:] for row in rows(report)[1:]] == [["I", "\\"], ["/", "L"]]
    workbook = load_workbook(BytesIO(xlsx_file(report)))
    grid = workbook["Attendance"]
    assert [[cell.value for cell in row][-2:] for row in grid.iter_rows(min_row=2)] == [["I", "\\"], ["/", "L"]]
    assert grid.cell(2, grid.max_column - 1).fill.start_color.rgb != grid.cell(3, grid.max_column).fill.start_color.rgb
    page = html_page(report)
    line = 'style="border-bottom: 3px solid #9a6700"'
    assert f'<td class="absent" title="Illness, not a medical or dental appointment (authorised)" {line}>I</td>' in page
    assert f'<span class="key absent" {line}>I</span>' in page
    assert "Present, afternoon" in page
    assert "Study leave" not in page, "the legend has the codes of the report only"


def test_codes_are_counted_per_student_and_totals_stay_by_status() -> None:
    report = school()
    sheet = load_workbook(BytesIO(xlsx_file(report)))["Codes"]
    titles, *lines = [[cell.value for cell in row] for row in sheet.iter_rows()]
    counts = [{title: count for title, count in zip(titles[2:], line[2:], strict=True) if count} for line in lines]
    assert counts == [{"\\": 1, "I": 1}, {"/": 1, "L": 1}]
    students = ReportDocument.of(report).students
    assert [student.codes for student in students] == counts
    assert [student.mark_codes for student in students] == [["I", "\\"], ["/", "L"]]
    assert (report.tally.present, report.tally.late, report.tally.absent, report.tally.rate) == (2, 1, 1, 0.75)


def test_a_session_lists_code_minutes_and_remark() -> None:
    report = school(Scope.SESSION)
    assert rows(report) == [
        ["student_id", "name", "status", "code", "minutes_late", "remark"],
        ["s1", "S1", "present", "\\", "", ""],
        ["s2", "S2", "late", "L", "12", "Bus <1>"],
    ]
    assert "12 min late, <bdi>Bus &lt;1&gt;</bdi>" in html_page(report)


def test_a_school_without_codes_of_its_own_keeps_words_and_letters() -> None:
    report = school(codes=DEFAULT_TABLE)
    assert [row[-2:] for row in rows(report)[1:]] == [["absent", "present"], ["present", "late"]]
