"""Breakdowns, absences in a row and days, computed from roll calls."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO, StringIO

from openpyxl import load_workbook

from muster.domain.attendance import LessonDetails, MarkSource, RollCall
from muster.domain.codes import PRESETS, CodeTable
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.period import Period
from muster.domain.student import Student
from muster.reports.absences import Attendance, attendances, below, missing_in_a_row
from muster.reports.attendance import AttendanceReport, RosterEntry, Scope, Tally, build_report
from muster.reports.blank_sheet import BlankSheet
from muster.reports.breakdown import Dimension, break_down
from muster.reports.day import DayReport, DayState, day_report
from muster.reports.evacuation import evacuation_listing, evacuation_page, gatherings, not_known
from muster.reports.listings import breakdown_listing, day_listing, missing_listing
from muster.reports.mark_rows import mark_rows
from tests.unit.reports import BERLIN, NOW, roll_call

MONDAY = date(2026, 9, 7)


def lesson(
    day: int, clock: str, marks: Mapping[str, str], subject: str | None = None, *, group: str = "7b", taken: bool = True
) -> RollCall:
    """Make a session on a day of September 2026; without a subject it has no lesson."""
    started_at = datetime.fromisoformat(f"2026-09-{day:02}T{clock}").replace(tzinfo=BERLIN).astimezone(UTC)
    source = MarkSource.MANUAL if taken else MarkSource.PHOTO
    call = roll_call(f"{group}-{day}-{clock[:2]}", started_at, marks, group=group, source=source)
    if subject is None:
        return call
    teacher = {"Art": "Bo", "Maths": "Cy"}.get(subject, "")
    details = LessonDetails(lesson_id=f"{subject}-{clock}", subject=subject, teacher=teacher)
    return RollCall(replace(call.session, lesson=details), call.marks)


def student(id: str, groups: str = "7b") -> Student:
    return Student(StudentId(id), f"Student {id}", frozenset(map(GroupId, groups.split())), None, None)


def reported(*calls: RollCall) -> AttendanceReport:
    roster = [RosterEntry(StudentId(id), f"Student {id}") for id in ("ada", "bea")]
    return build_report(Scope.GROUP, calls, roster, {GroupId("7b"): "Class 7b"}, Period(), BERLIN, NOW)


def week() -> AttendanceReport:
    return reported(
        lesson(7, "08:15", {"ada": "P", "bea": "A"}, "Maths"),
        lesson(7, "09:15", {"ada": "L", "bea": "A"}, "Art"),
        lesson(8, "08:15", {"ada": "P", "bea": "P"}, "Maths"),
        lesson(9, "08:15", {"ada": "A", "bea": "?"}, "Maths", taken=False),
        lesson(9, "10:20", {"ada": "P", "bea": "E"}),
    )


def rows(*calls: RollCall) -> dict[str, Attendance]:
    return {line.id: line for line in attendances(calls, [student("ada"), student("bea")], BERLIN, NOW)}


def test_a_breakdown_adds_up_to_the_report() -> None:
    report = week()
    by_subject = break_down(report, Dimension.SUBJECT)
    assert [(line.key, line.sessions, line.not_taken, line.questions) for line in by_subject.lines] == [
        ("Art", 1, 0, 0),
        ("Maths", 2, 1, 1),
        (None, 1, 0, 0),
    ]
    assert by_subject.lines[1].tally == Tally(present=3, absent=1)
    assert by_subject.students[1].tallies == (Tally(absent=1), Tally(present=1, absent=1), Tally(excused=1))
    labels = {by: [line.label(by) for line in break_down(report, by).lines] for by in Dimension}
    assert labels == {
        Dimension.SUBJECT: ["Art", "Maths", "no lesson"],
        Dimension.TEACHER: ["Bo", "Cy", "no lesson"],
        Dimension.WEEKDAY: ["Monday", "Tuesday", "Wednesday"],
        Dimension.PERIOD: ["08:15", "09:15", "no lesson"],
    }
    for by in Dimension:
        found = break_down(report, by)
        assert sum((line.tally for line in found.lines), Tally()) == report.tally
        assert sum((tally for student in found.students for tally in student.tallies), Tally()) == report.tally


def test_a_breakdown_has_every_format() -> None:
    listing = breakdown_listing(break_down(week(), Dimension.SUBJECT))
    table = list(csv.DictReader(StringIO(listing.csv().decode("utf-8-sig"), newline="")))
    assert [(row["subject"], row["sessions"], row["attendance_rate"]) for row in table] == [
        ("Art", "1", "0.5000"),
        ("Maths", "2", "0.7500"),
        ("no lesson", "1", "1.0000"),
    ]
    assert load_workbook(BytesIO(listing.xlsx())).sheetnames == ["By subject", "Students", "About"]
    page = listing.html()
    assert 'style="width:75.0%"' in page
    assert "1 session not taken" in page
    assert "<script" not in page


def test_absences_in_a_row_go_on_over_excused_days_and_end_with_presence() -> None:
    found = rows(
        lesson(7, "08:15", {"ada": "P", "bea": "A"}),
        lesson(8, "08:15", {"ada": "A", "bea": "P"}),
        lesson(8, "09:15", {"ada": "A", "bea": "A"}),
        lesson(9, "08:15", {"ada": "E", "bea": "A"}),
        lesson(10, "08:15", {"ada": "A", "bea": "L"}),
    )
    ada, bea = found["ada"], found["bea"]
    assert (ada.sessions_missed, ada.days_missed) == (3, 2)
    assert (ada.missing_since, ada.last_seen) == (date(2026, 9, 8), MONDAY)
    assert (bea.sessions_missed, bea.days_missed, bea.missing_since) == (0, 0, None)
    assert [line.id for line in missing_in_a_row(found.values(), 3, days=False)] == ["ada"]
    assert missing_in_a_row(found.values(), 3, days=True) == []


def test_an_open_question_and_a_register_not_taken_are_no_absences() -> None:
    found = rows(
        lesson(7, "08:15", {"ada": "A", "bea": "P"}),
        lesson(8, "08:15", {"ada": "A", "bea": "P"}),
        lesson(8, "09:15", {"ada": "?", "bea": "P"}, taken=True),
        lesson(9, "08:15", {"ada": "A", "bea": "A"}, taken=False),
    )["ada"]
    # On Tuesday the student may have been there, and on Wednesday nobody looked.
    assert (found.sessions_missed, found.days_missed, found.questions) == (2, 1, 1)
    listing = missing_listing([found], 1, "days", "7b", Period(), BERLIN)
    assert listing.remarks == ("1 student with open questions: they may have been present.",)


def test_low_attendance_is_sorted_and_leaves_out_students_without_a_rate() -> None:
    calls = [lesson(day, "08:15", {"ada": "PPPA"[day - 7], "bea": "AAPE"[day - 7]}) for day in range(7, 11)]
    found = attendances(calls, [student("ada"), student("bea"), student("new")], BERLIN, NOW)
    assert [line.id for line in below(found, 90)] == ["bea", "ada"]
    assert [line.id for line in below(found, 75)] == ["bea"]


def a_day() -> DayReport:
    """One day of two groups: an early register, a later one of the choir, and one that nobody took."""
    roster = [student(id) for id in ("ada", "bea", "cy", "dot", "eve", "fay")]
    roster += [student("gus", "7b choir"), student("hal", "choir"), student("ian", "8a")]
    calls = [
        lesson(
            7, "08:15", {"ada": "P", "bea": "A", "cy": "A", "dot": "?", "eve": "E", "fay": "P", "gus": "P"}, "Maths"
        ),
        lesson(7, "09:15", {"ada": "L", "bea": "A", "cy": "P", "dot": "A", "eve": "E", "fay": "A"}),
        lesson(7, "10:15", {"gus": "A", "hal": "P"}, group="choir"),
        lesson(7, "11:15", {"ian": "A"}, group="8a", taken=False),
    ]
    names = {GroupId(id): f"Group {id}" for id in ("7b", "8a", "choir")}
    return day_report(MONDAY, calls, roster, names, BERLIN, datetime(2026, 9, 7, 12, tzinfo=UTC))


def test_a_day_separates_the_absent_from_those_who_may_be_there() -> None:
    found = a_day()
    assert {student.id: student.state for student in found.students} == {
        "ada": DayState.PRESENT,
        "bea": DayState.ABSENT,
        "cy": DayState.PARTLY,
        "dot": DayState.REVIEW,
        "eve": DayState.EXCUSED,
        "fay": DayState.PARTLY,
        "gus": DayState.PARTLY,
        "hal": DayState.PRESENT,
        "ian": DayState.UNKNOWN,
    }
    assert [register.group_id for register in found.not_taken] == ["8a"]
    assert found.without_register == ("8a",)
    listing = day_listing(found)
    assert [row[0] for row in listing.tables[0].rows] == ["bea", "cy", "fay", "gus"]
    assert [row[0] for row in listing.tables[1].rows] == ["dot"]
    assert listing.remarks == (
        "1 student with an open question: they may be present, and are not listed as absent.",
        "1 register not taken: nobody is absent there.",
        "Groups without a register on this day: Group 8a.",
    )
    assert "Open questions, perhaps present" in listing.html()


def test_the_evacuation_list_follows_each_student_to_their_last_register() -> None:
    found = a_day()
    inside = {gathering.group_id: [student.id for student in gathering.students] for gathering in gatherings(found)}
    # Fay and Gus left after their first register. Ian has no register, and Dot's question is open.
    assert inside == {"7b": ["ada", "cy"], "choir": ["hal"]}
    assert [student.id for student in not_known(found)] == ["dot", "ian"]
    page = evacuation_page(found)
    assert "<strong>3</strong> in the building · <strong>2</strong> not known" in page
    assert "Group 7b</bdi>: 2, last register 09:15" in page
    assert page.count('class="box"') == 5
    assert "<script" not in page
    states = [(row[0], row[-1]) for row in evacuation_listing(found).tables[0].rows]
    assert states == [(id, "in the building") for id in ("ada", "cy", "hal")] + [
        ("dot", "not known"),
        ("ian", "not known"),
    ]


def test_a_planned_trip_that_counts_as_present_is_not_in_the_building() -> None:
    early, later = lesson(7, "08:15", {"ada": "P", "bea": "P"}), lesson(7, "09:15", {"ada": "P", "bea": "P"})
    later = RollCall(later.session, tuple(replace(mark, source=MarkSource.PLANNED) for mark in later.marks[:1]))
    trip = RollCall(later.session, (*later.marks, early.marks[1]))
    found = day_report(MONDAY, [early, trip], [student("ada"), student("bea")], {GroupId("7b"): "7b"}, BERLIN, NOW)
    assert [[inside.id for inside in gathering.students] for gathering in gatherings(found)] == [["bea"]]
    assert not_known(found) == ()
    assert "Student ada</bdi> (present by plan 09:15)" in evacuation_page(found)


def test_the_code_of_the_last_mark_says_who_is_in_the_building() -> None:
    call = lesson(7, "08:15", {"ada": "P", "bea": "P", "cy": "A", "dot": "A"})
    chosen = {"ada": "V", "cy": "U", "dot": "I"}
    marks = tuple(replace(mark, code=chosen.get(mark.student_id)) for mark in call.marks)
    roster, codes = [student(id) for id in ("ada", "bea", "cy", "dot")], CodeTable(PRESETS["england-2024"])
    call = RollCall(call.session, marks)
    found = day_report(MONDAY, [call], roster, {GroupId("7b"): "7b"}, BERLIN, NOW, codes)
    assert [[inside.id for inside in gathering.students] for gathering in gatherings(found)] == [["bea", "cy"]]
    assert [student.state for student in found.students] == [DayState.PRESENT] * 2 + [DayState.ABSENT] * 2
    page = evacuation_page(found)
    assert "Student ada</bdi> (V Attending an educational visit or trip 08:15)" in page
    assert "U Arrived after the register closed (unauthorised) 08:15" in page


def test_the_default_code_follows_the_lesson_of_a_register_that_is_opened_early() -> None:
    call = lesson(7, "11:50", {"ada": "P"})
    noon = LessonDetails(lesson_id="art", starts_at=datetime(2026, 9, 7, 10, tzinfo=UTC))
    calls = [call, RollCall(replace(call.session, id=SessionId("noon"), lesson=noon), call.marks)]
    codes = CodeTable(PRESETS["england-2024"])
    roster, names = [RosterEntry(StudentId("ada"), "Ada")], {GroupId("7b"): "7b"}
    report = build_report(Scope.GROUP, calls, roster, names, Period(), BERLIN, NOW, codes)
    assert report.code_counts(report.students[0]) == {"/": 1, "\\": 1}
    exported = mark_rows(calls, {StudentId("ada"): "Ada"}, "7b", codes, BERLIN, NOW)
    assert sorted(row.code for row in exported) == ["/", "\\"]


def test_a_blank_sheet_has_empty_columns_beside_the_roster() -> None:
    sheet = BlankSheet(
        group_id="7b",
        group="<7b>",
        day=MONDAY,
        columns=("08:15 Maths", "08:15 Maths", ""),
        students=((StudentId("ada"), "Ada"), (StudentId("bea"), "Bea")),
    )
    page = sheet.html()
    assert page.count("<td></td>") == 6
    assert "&lt;7b&gt;" in page
    assert "<7b>" not in page
    listing = sheet.listing()
    assert [column.title for column in listing.tables[0].columns[2:]] == ["08:15 Maths 1", "08:15 Maths 2", "3"]
    assert listing.stem == "sheet-7b-2026-09-07"
