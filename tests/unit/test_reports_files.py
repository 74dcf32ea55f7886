"""A report as CSV, as a workbook and as a page."""

import csv
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from muster.domain.attendance import MarkSource
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.period import Period
from muster.reports.attendance import AttendanceReport, RosterEntry, Scope, build_report
from muster.reports.csv_file import csv_file
from muster.reports.heat_map import SESSIONS_PER_SHEET
from muster.reports.html_page import html_page
from muster.reports.wording import file_stem, percent
from muster.reports.xlsx_file import xlsx_file
from tests.unit.reports import BERLIN, NOW, STATUS, roll_call, term

NAMES = ["Ada Lovelace", "Zoë Öztürk", "山田 太郎", "محمد بن سلمان", "अमिताभ शर्मा", "김민준", 'O\'Neil, "Jack"']
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    '=HYPERLINK("http://x","y")',
    "＝1+1",
    "Ada;=1+1",
    'Ada",=1+1',
    " =1+1",
]


def rows_of_csv(report: AttendanceReport) -> list[list[str]]:
    content = csv_file(report)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))


def sheets_of(report: AttendanceReport) -> Any:
    return load_workbook(BytesIO(xlsx_file(report)))


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back_from_every_form(name: str) -> None:
    report = term({"s1": "P"}, names={"s1": name})
    assert rows_of_csv(report)[1][1] == name
    assert sheets_of(report)["Attendance"]["B2"].value == name
    assert name in Page(html_page(report)).text


def test_the_csv_of_a_group_has_a_row_a_student_and_a_column_a_session() -> None:
    figures = ["present", "late", "absent", "excused", "to_review", "attendance_rate"]
    figures += ["longest_absence", "current_absence"]
    assert rows_of_csv(term({"s1": "PLAE", "s2": "  AA"})) == [
        ["student_id", "name", *figures, *(f"2026-09-0{day} 08:15" for day in range(1, 5))],
        ["s1", "Student s1", "1", "1", "1", "1", "0", "0.6667", "1", "1", "present", "late", "absent", "excused"],
        ["s2", "Student s2", "0", "0", "2", "0", "0", "0.0000", "2", "2", "", "", "absent", "absent"],
    ]


def test_the_csv_of_a_student_has_a_row_a_session() -> None:
    assert rows_of_csv(term({"s1": "PA"}, scope=Scope.STUDENT)) == [
        ["date", "time", "group_id", "session_id", "status"],
        ["2026-09-01", "08:15", "7b", "s0", "present"],
        ["2026-09-02", "08:15", "7b", "s1", "absent"],
    ]


def test_the_csv_of_a_session_has_a_row_a_student() -> None:
    assert rows_of_csv(term({"s1": "P", "s2": "E"}, scope=Scope.SESSION)) == [
        ["student_id", "name", "status"],
        ["s1", "Student s1", "present"],
        ["s2", "Student s2", "excused"],
    ]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_of_a_csv_begins_a_formula_whatever_it_is_split_at(name: str) -> None:
    content = csv_file(term({"s1": "P"}, names={"s1": name})).decode("utf-8-sig")
    for separator in ",;\t|":
        cells = [cell for row in csv.reader(StringIO(content, newline=""), delimiter=separator) for cell in row]
        assert not [cell for cell in cells if re.match(r"\s*[=+\-@＝＋－＠]", cell)]
    assert name.replace("'", "") in rows_of_csv(term({"s1": "P"}, names={"s1": name}))[1][1].replace("'", "")


@pytest.mark.parametrize("id", ["007", "7", "1e5", "1-2", "2026-09-01", "12.30", "Mar1", "7am", "TRUE", "3-oct-07"])
def test_an_id_that_a_spreadsheet_would_change_is_written_as_a_text(id: str) -> None:
    assert rows_of_csv(term({id: "P"}))[1][0] == f'="{id}"'


@pytest.mark.parametrize("id", ["s1", "7b", "2023CS101", "ada", "e-mail", "x007"])
def test_an_id_that_is_safe_stays_as_it_is(id: str) -> None:
    assert rows_of_csv(term({id: "P"}))[1][0] == id


@pytest.mark.parametrize("name", [*FORMULAS, "=cmd|' /C calc'!A0", "007", "#N/A", "1e5"])
def test_nothing_in_a_workbook_is_a_formula(name: str) -> None:
    workbook = sheets_of(term({"007": "P"}, names={"007": name}, group=name))
    for sheet in workbook.worksheets:
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type in "fe"]
    sheet = workbook["Attendance"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("007", "s")
    assert (sheet["B2"].value, sheet["B2"].data_type) == (name, "s")


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40))
def test_any_printable_name_comes_back_from_a_workbook(name: str) -> None:
    sheet = sheets_of(term({"s1": "P"}, names={"s1": name}, scope=Scope.SESSION))["Attendance"]
    assert sheet["B2"].value == name


def test_the_workbook_of_a_group_has_its_totals_by_session_and_by_day() -> None:
    workbook = sheets_of(term({"s1": "PLAE", "s2": "  AA"}))
    assert workbook.sheetnames == ["Attendance", "Sessions", "Days", "About"]
    sheet = workbook["Attendance"]
    assert [cell.value for cell in sheet[2]][2:] == [1, 1, 1, 1, 0, 2 / 3, 1, 1, "P", "L", "A", "E"]
    assert sheet["H2"].number_format == "0.0%"
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("C2", "$1:$1")
    assert [cell.value for cell in workbook["Days"][4]] == [datetime(2026, 9, 3), 1, 0, 0, 2, 0, 0, 0]
    assert [cell.value for cell in workbook["Sessions"][2]][1:5] == ["08:15", "7b", "s0", "yes"]
    colours = [cell.fill.start_color.rgb for cell in sheet[2][10:]]
    assert len(set(colours)) == 4


def test_two_sessions_of_one_moment_have_columns_of_their_own() -> None:
    moment = datetime(2026, 9, 1, 6, 15, tzinfo=UTC)
    calls = [roll_call(id, moment, {"a": letter}) for id, letter in (("left", "P"), ("right", "A"))]
    roster = [RosterEntry(StudentId("a"), "Ada")]
    report = build_report(Scope.GROUP, calls, roster, {GroupId("7b"): "7b"}, Period(), BERLIN, NOW)
    assert rows_of_csv(report)[0][-2:] == ["2026-09-01 08:15 (left)", "2026-09-01 08:15 (right)"]


def test_a_page_asks_for_nothing_and_runs_nothing() -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    page = Page(html_page(term({"s1": "PLAE"}, names={"s1": hostile}, group=hostile)))
    assert hostile in page.text
    assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object", "base", "form"}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert "url(" not in page.text
    assert "@import" not in page.text
    policy = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_a_page_shows_every_mark_as_a_letter_of_its_own_class() -> None:
    page = html_page(term({"s1": "PLAE", "s2": "?  A"}))
    for letter, count in {"P": 1, "L": 1, "A": 2, "E": 1, "?": 1}.items():
        assert page.count(f'<td class="{STATUS[letter]}">{letter}</td>') == count


def not_taken_and_in_review() -> AttendanceReport:
    """A session that is taken, with a student in review, then one that is not taken, with an open question."""
    moments = [datetime(2026, 9, day, 6, 15, tzinfo=UTC) for day in (1, 2)]
    calls = [
        roll_call("held", moments[0], {"a": "P", "b": "?"}, source=MarkSource.PHOTO),
        roll_call("not-held", moments[1], {"a": "A", "b": "?"}, source=MarkSource.PHOTO),
    ]
    roster = [RosterEntry(StudentId(id), id.title()) for id in "ab"]
    return build_report(Scope.GROUP, calls, roster, {GroupId("7b"): "7b"}, Period(), BERLIN, NOW)


def test_every_form_of_a_report_tells_not_taken_and_to_review_from_absent() -> None:
    report = not_taken_and_in_review()
    assert [row[2:] for row in rows_of_csv(report)[1:]] == [
        ["1", "0", "0", "0", "0", "1.0000", "0", "0", "present", "not taken"],
        ["0", "0", "0", "0", "1", "", "0", "0", "to review", "to review"],
    ]
    workbook = sheets_of(report)
    assert [[cell.value for cell in row[10:]] for row in workbook["Attendance"].iter_rows(min_row=2)] == [
        ["P", "–"],
        ["?", "?"],
    ]
    assert [cell.value for cell in workbook["Sessions"]["E"]] == ["taken", "yes", "not taken"]
    assert [cell.value for cell in workbook["Days"]["A"]] == ["date", datetime(2026, 9, 1)]
    remarks = [
        "2 open questions (to review), not counted in any rate.",
        "1 session not taken, not counted in any figure.",
    ]
    assert [row[1].value for row in workbook["About"].iter_rows() if row[0].value == "remark"] == remarks
    page = html_page(report)
    assert page.count('<td class="not-taken">–</td>') == 1
    assert page.count('<td class="review">?</td>') == 2
    assert ", not taken" in page
    text = Page(page).text
    assert all(remark in text for remark in remarks)
    assert "1 session on 1 day" in text
    assert "0\xa0absent · 0\xa0excused · 1\xa0to review" in text


@pytest.mark.parametrize("scope", [Scope.STUDENT, Scope.SESSION])
def test_a_session_that_is_not_taken_shows_as_such_in_every_scope(scope: Scope) -> None:
    call = roll_call("s", datetime(2026, 9, 1, 6, 15, tzinfo=UTC), {"a": "A"}, source=MarkSource.PHOTO)
    report = build_report(
        scope, [call], [RosterEntry(StudentId("a"), "Ada")], {GroupId("7b"): "7b"}, Period(), BERLIN, NOW
    )
    assert rows_of_csv(report)[1][-1] == "not taken"
    assert "1 session not taken" in Page(html_page(report)).text


def test_who_missed_the_last_sessions_is_named_on_top() -> None:
    text = Page(html_page(term({"s1": "PAAA", "s2": "AAAP"}, names={"s1": "Away", "s2": "Back"}))).text
    assert "Missed their last 3 sessions or more: Away\xa0(3)." in text


def test_a_long_term_is_spread_over_tables_that_fit_a_page() -> None:
    letters = "P" * 28
    sessions = {f"s{number:03}": letters for number in range(2)}
    report = term(sessions)
    assert html_page(report).count('<table class="map">') == 1
    many = AttendanceReport(
        report.scope,
        report.period,
        report.zone,
        report.groups,
        report.sessions * 5,
        tuple(
            type(student)(
                student.id,
                student.name,
                True,
                student.marks * 5,
                student.tally,
                student.longest_absence,
                student.current_absence,
            )
            for student in report.students
        ),
    )
    page = html_page(many)
    assert page.count('<table class="map">') == -(-28 * 5 // SESSIONS_PER_SHEET) == 3
    assert page.count('<td class="present">') == 2 * 28 * 5
    widths = [int(width) for width in re.findall(r'<col span="(\d+)">', page)]
    assert sum(widths) == 28 * 5
    assert max(widths) - min(widths) < 3


@pytest.mark.parametrize("scope", Scope)
def test_a_period_without_marks_has_every_form(scope: Scope) -> None:
    report = term({"s1": " "}, scope=scope)
    assert rows_of_csv(report)[0]
    assert sheets_of(report)["Attendance"]["A1"].value
    assert "no mark" in html_page(report)


def test_the_file_is_named_by_what_it_holds() -> None:
    report = term({"s1": "P"})
    assert file_stem(report) == "attendance-7b"
    days = Period(date(2026, 9, 1), date(2026, 12, 20))
    named = AttendanceReport(report.scope, days, report.zone, report.groups, report.sessions, report.students)
    assert file_stem(named) == "attendance-7b-2026-09-01-2026-12-20"


def test_nobody_waits_for_the_spreadsheet_library_who_asks_for_no_workbook() -> None:
    code = "import sys, muster.api.routes.reports; sys.exit('openpyxl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=600).returncode == 0


@pytest.mark.parametrize(
    ("rate", "text"),
    [(None, "–"), (0.0, "0%"), (0.0001, "0.1%"), (0.5, "50.0%"), (0.9999, "99.9%"), (1.0, "100%")],
)
def test_only_all_is_a_hundred_percent_and_only_none_is_nought(rate: float | None, text: str) -> None:
    assert percent(rate) == text
