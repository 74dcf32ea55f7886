"""Totals of marks in attendance reports."""

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.domain.attendance import MarkSource, RollCall
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.period import Period
from muster.domain.taken import is_taken, visible_marks
from muster.reports.attendance import RosterEntry, Scope, Tally, build_report, streaks
from tests.unit.reports import BERLIN, NOW, STATUS, at, roll_call, term

MARKS = st.text(alphabet="PLAE? ", max_size=30)


def of_letters(letters: str) -> list[object]:
    return [STATUS.get(letter) for letter in letters]


def test_a_student_in_review_is_in_no_rate_and_ends_no_streak() -> None:
    student = term({"a": "P?A?A"}).students[0]
    assert student.tally == Tally(present=1, absent=2, review=2)
    assert student.tally.rate == 1 / 3
    assert (student.longest_absence, student.current_absence) == (2, 2)


PHOTO = MarkSource.PHOTO


@pytest.mark.parametrize(
    ("marks", "source", "erased", "taken"),
    [
        ({}, PHOTO, "", False),
        ({"a": "A", "b": "A"}, PHOTO, "", False),
        ({"a": "?", "b": "A"}, PHOTO, "", False),
        ({"a": "A"}, PHOTO, "AE", False),
        ({"a": "P", "b": "A"}, PHOTO, "", True),
        ({"a": "A"}, PHOTO, "P", True),
        ({"a": "A"}, MarkSource.MANUAL, "", True),
        ({"a": "E"}, MarkSource.MANUAL, "", True),
    ],
)
def test_a_session_is_taken_once_somebody_was_seen_or_everybody_marked_by_hand(
    marks: dict[str, str], source: MarkSource, erased: str, taken: bool
) -> None:
    started_at = at("2026-09-01T06:15")
    call = roll_call("s", started_at, marks, erased=erased, source=source)
    assert is_taken(call.session, call.marks, started_at) is taken
    # Not before it starts, except for a phone whose clock is a little ahead.
    assert is_taken(call.session, call.marks, started_at - timedelta(minutes=4)) is taken
    assert not is_taken(call.session, call.marks, started_at - timedelta(days=1))


@pytest.mark.parametrize("status", ["E", "A"])
@pytest.mark.parametrize("hours", [-1, 1])
def test_one_student_who_is_marked_by_hand_makes_no_other_absent(status: str, hours: int) -> None:
    started_at = at("2026-09-01T06:15")
    call = roll_call("s", started_at, {"a": "A", "b": "A"}, source=PHOTO)
    by_hand = replace(
        call.marks[1],
        status=STATUS[status],
        source=MarkSource.MANUAL,
        marked_at=started_at + timedelta(hours=hours),
    )
    assert not is_taken(call.session, [call.marks[0], by_hand], NOW)
    # People still see what they set; the others are not absent.
    assert visible_marks(RollCall(call.session, (call.marks[0], by_hand)), NOW) == (by_hand,)


def test_a_session_that_is_not_taken_is_listed_and_counts_for_nothing() -> None:
    calls = [
        roll_call("held", at("2026-09-01T06:15"), {"a": "P"}),
        roll_call("empty", at("2026-09-02T06:15"), {"a": "A"}, source=PHOTO, erased="A"),
        roll_call("ahead", at("2027-09-03T06:15"), {"a": "P"}),
    ]
    report = build_report(
        Scope.GROUP, calls, [RosterEntry(StudentId("a"), "Ada")], {GroupId("7b"): "7b"}, Period(), BERLIN, NOW
    )
    assert [(session.id, session.taken) for session in report.sessions] == [
        ("held", True),
        ("empty", False),
        ("ahead", False),
    ]
    assert report.tally == Tally(present=1)
    assert report.erased == Tally()
    assert report.students[0].marks == (STATUS["P"], None, None)
    assert report.students[0].current_absence == 0
    assert [line.sessions for line in report.groups] == [1]
    assert [line.day for line in report.days] == [date(2026, 9, 1)]


def test_late_counts_as_there_and_excused_counts_for_nothing() -> None:
    student = term({"a": "PPLAE"}).students[0]
    assert student.tally == Tally(present=2, late=1, absent=1, excused=1)
    assert student.tally.rate == 3 / 4


@pytest.mark.parametrize("letters", ["", "   ", "EEE"])
def test_without_a_mark_that_counts_there_is_no_rate(letters: str) -> None:
    assert term({"a": letters}).students[0].tally.rate is None


@pytest.mark.parametrize(
    ("letters", "longest", "current"),
    [
        ("", 0, 0),
        ("PPP", 0, 0),
        ("AAP", 2, 0),
        ("AAPA", 2, 1),
        ("AALAAA", 3, 3),
        ("AEA", 2, 2),
        ("EAAE", 2, 2),
        ("A A", 2, 2),
        ("EEE", 0, 0),
        ("A?A", 2, 2),
    ],
)
def test_an_excused_session_neither_counts_nor_ends_a_streak(letters: str, longest: int, current: int) -> None:
    assert streaks(of_letters(letters)) == (longest, current)  # type: ignore[arg-type]


@given(MARKS)
def test_streaks_are_the_runs_that_stay_when_the_excused_are_taken_out(letters: str) -> None:
    runs = letters.replace("E", "").replace("?", "").replace(" ", "").replace("L", "P").split("P")
    assert streaks(of_letters(letters)) == (max(map(len, runs)), len(runs[-1]))  # type: ignore[arg-type]


@given(st.lists(st.text(alphabet="PLAE? ", min_size=4, max_size=4), max_size=6))
def test_students_sessions_days_and_groups_add_up_to_the_same(rows: list[str]) -> None:
    report = term({f"s{number}": row for number, row in enumerate(rows)})
    everything = Tally.of(STATUS[letter] for row in rows for letter in row if letter != " ")
    assert report.tally == everything
    for lines in (report.students, report.sessions, report.days, report.groups):
        assert sum((line.tally for line in lines), Tally()) == everything


def test_who_came_to_the_roster_late_has_no_marks_before() -> None:
    report = term({"a": "PP", "b": " A"})
    assert report.students[1].marks == (None, STATUS["A"])
    assert report.sessions[0].tally == Tally(present=1)


def test_marks_of_erased_students_stay_in_the_totals_without_a_line() -> None:
    calls = [roll_call("s", at("2026-09-01T06:15"), {"a": "P", "gone": "A"}, erased="PAA")]
    report = build_report(
        Scope.GROUP, calls, [RosterEntry(StudentId("a"), "Ada")], {GroupId("7b"): "7b"}, Period(), BERLIN, NOW
    )
    assert [student.id for student in report.students] == ["a"]
    assert report.erased == Tally(present=1, absent=3)
    assert report.tally == Tally(present=2, absent=3)


def test_a_report_of_one_student_says_nothing_about_others() -> None:
    calls = [roll_call("s", at("2026-09-01T06:15"), {"a": "P"}, erased="AAA")]
    report = build_report(
        Scope.STUDENT, calls, [RosterEntry(StudentId("a"), "Ada")], {GroupId("7b"): "7b"}, Period(), BERLIN, NOW
    )
    assert report.tally == Tally(present=1)
    assert report.erased == Tally()


@pytest.mark.parametrize(
    ("zone", "started_at", "day", "clock"),
    [
        # Half past midnight, before and after clocks went forward by an hour.
        ("Europe/Berlin", "2026-03-28T23:30", date(2026, 3, 29), "00:30"),
        ("Europe/Berlin", "2026-03-29T22:30", date(2026, 3, 30), "00:30"),
        # The hour that comes twice when they go back.
        ("Europe/Berlin", "2026-10-25T00:30", date(2026, 10, 25), "02:30"),
        ("Europe/Berlin", "2026-10-25T01:30", date(2026, 10, 25), "02:30"),
        ("America/New_York", "2026-03-08T05:30", date(2026, 3, 8), "00:30"),
        ("America/New_York", "2026-03-09T04:30", date(2026, 3, 9), "00:30"),
        ("Asia/Kolkata", "2026-03-28T19:00", date(2026, 3, 29), "00:30"),
    ],
)
def test_a_session_belongs_to_the_day_that_the_clock_on_the_wall_showed(
    zone: str, started_at: str, day: date, clock: str
) -> None:
    report = build_report(
        Scope.GROUP,
        [roll_call("s", at(started_at), {"a": "P"})],
        [],
        {GroupId("7b"): "7b"},
        Period(),
        ZoneInfo(zone),
        NOW,
    )
    assert report.days[0].day == day
    assert f"{report.sessions[0].started_at:%H:%M}" == clock


def test_the_hour_that_comes_twice_keeps_the_order_of_time() -> None:
    calls = [
        roll_call("a-later", at("2026-10-25T01:15"), {"a": "A"}),
        roll_call("b-earlier", at("2026-10-25T00:30"), {"a": "P"}),
    ]
    report = build_report(
        Scope.GROUP, calls, [RosterEntry(StudentId("a"), "Ada")], {GroupId("7b"): "7b"}, Period(), BERLIN, NOW
    )
    assert [session.id for session in report.sessions] == ["b-earlier", "a-later"]
    assert report.students[0].current_absence == 1
    assert [(line.day, line.sessions) for line in report.days] == [(date(2026, 10, 25), 2)]
