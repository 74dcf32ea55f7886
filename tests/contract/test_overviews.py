"""Reports over several groups, on every store."""

from datetime import UTC, date

import pytest

from muster.domain.errors import GroupNotFound, InvalidRequest, ReportTooLarge
from muster.domain.group import Group
from muster.domain.identifiers import GroupId
from muster.domain.period import Period
from muster.reports.day import DayState
from muster.services.reporting import overviews as overviews_module
from muster.services.reporting.overviews import Overviews
from tests.contract.places import Stores
from tests.contract.test_reports import BERLIN, day, enrol, hold


@pytest.fixture
def school(stores: Stores) -> Overviews:
    """Two groups that share a student, over four days; nobody took the choir's last session."""
    stores.groups.add(Group(GroupId("7b"), "Class 7b"))
    stores.groups.add(Group(GroupId("choir"), "Choir"))
    enrol(stores, ada="7b choir", bea="7b", cy="choir")
    hold(stores, "one", day(1), {"ada": "P", "bea": "P"})
    hold(stores, "two", day(2), {"ada": "A", "bea": "A"})
    hold(stores, "sing", day(2, 16), {"ada": "P", "cy": "A"}, group="choir")
    hold(stores, "three", day(3), {"ada": "A", "bea": "A"})
    hold(stores, "four", day(4), {"ada": "A", "bea": "L"})
    now = day(4, 12).astimezone(UTC)
    return Overviews(stores.students, stores.sessions, stores.groups, BERLIN, lambda: now)


def test_sessions_of_several_groups_are_read_together(stores: Stores, school: Overviews) -> None:
    both = {GroupId("7b"), GroupId("choir"), GroupId("nowhere")}
    found = stores.sessions.roll_calls_of_groups(both)
    assert [call.session.id for call in found] == ["one", "two", "sing", "three", "four"]
    alone = [call for group in sorted(both) for call in stores.sessions.roll_calls(group)]
    assert sorted(found, key=lambda call: call.session.id) == sorted(alone, key=lambda call: call.session.id)
    period = Period(date(2026, 9, 2), date(2026, 9, 2)).moments(BERLIN)
    assert [call.session.id for call in stores.sessions.roll_calls_of_groups(both, *period)] == ["two", "sing"]
    assert stores.sessions.roll_calls_of_groups([]) == []


def test_absences_in_a_row_count_over_all_groups_that_the_caller_may_see(school: Overviews) -> None:
    everything = {line.id: (line.days_missed, line.sessions_missed) for line in school.missing(1, Period(), days=False)}
    # On the second day Ada sang in the afternoon.
    assert everything == {"ada": (2, 2), "cy": (1, 1)}
    of_class = school.missing(1, Period(), days=True, visible={GroupId("7b")})
    assert [(line.id, line.days_missed, line.groups) for line in of_class] == [("ada", 3, ("7b",))]
    assert school.missing(3, Period(), days=True) == []
    assert [line.id for line in school.missing(3, Period(), days=True, group_id=GroupId("7b"))] == ["ada"]


def test_low_attendance_counts_over_all_groups(school: Overviews) -> None:
    assert [(line.id, line.tally.rate) for line in school.low(60, Period())] == [("cy", 0), ("ada", 0.4), ("bea", 0.5)]
    assert [line.id for line in school.low(40, Period())] == ["cy"]
    assert [line.id for line in school.low(60, Period(), visible={GroupId("choir")})] == ["cy"]


def test_a_day_shows_groups_without_a_register(school: Overviews) -> None:
    found = school.of_day()
    assert {student.id: student.state for student in found.students} == {
        "ada": DayState.ABSENT,
        "bea": DayState.PRESENT,
        "cy": DayState.UNKNOWN,
    }
    assert found.without_register == ("choir",)
    earlier = school.of_day(date(2026, 9, 2))
    assert {student.id: student.state for student in earlier.students} == {
        "ada": DayState.PARTLY,
        "bea": DayState.ABSENT,
        "cy": DayState.ABSENT,
    }
    own = school.of_day(visible={GroupId("choir")})
    assert [(student.id, student.groups) for student in own.students] == [("ada", ("choir",)), ("cy", ("choir",))]


def test_a_sheet_has_the_roster_and_as_many_columns_as_asked(school: Overviews) -> None:
    sheet = school.blank_sheet(GroupId("7b"), columns=5)
    assert (sheet.group, sheet.columns, [id for id, _ in sheet.students]) == ("Class 7b", ("",) * 5, ["ada", "bea"])
    assert school.blank_sheet(GroupId("7b"), date(2026, 9, 2)).columns == ("08:15",)


def test_impossible_questions_are_refused(school: Overviews, monkeypatch: pytest.MonkeyPatch) -> None:
    for ask in (
        lambda: school.missing(0, Period(), days=True),
        lambda: school.low(0, Period()),
        lambda: school.low(101, Period()),
        lambda: school.blank_sheet(GroupId("7b"), columns=41),
    ):
        with pytest.raises(InvalidRequest):
            ask()
    for ask in (
        lambda: school.low(50, Period(), group_id=GroupId("nowhere")),
        lambda: school.blank_sheet(GroupId("nowhere")),
    ):
        with pytest.raises(GroupNotFound):
            ask()
    monkeypatch.setattr(overviews_module, "MAX_MARKS", 9)
    with pytest.raises(ReportTooLarge):
        school.low(50, Period())
