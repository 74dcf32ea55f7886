"""Days of a school's zone, as moments in UTC."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.domain.errors import InvalidRequest
from muster.domain.period import Period, parse_day, parse_zone

BERLIN, NEW_YORK, KOLKATA = (ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata"))
# Clocks leap from midnight to one o'clock there, so that these days have no midnight.
CAIRO, SANTIAGO = ZoneInfo("Africa/Cairo"), ZoneInfo("America/Santiago")


def hours_of(day: date, zone: ZoneInfo) -> float:
    since, until = Period(day, day).moments(zone)
    assert since is not None
    assert until is not None
    return (until - since) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        (NEW_YORK, date(2026, 3, 8), 23),
        (NEW_YORK, date(2026, 11, 1), 25),
        (KOLKATA, date(2026, 3, 29), 24),
        (CAIRO, date(2026, 4, 24), 23),
        (SANTIAGO, date(2026, 9, 6), 23),
    ],
)
def test_a_day_on_which_clocks_change_has_its_true_length(zone: ZoneInfo, day: date, hours: float) -> None:
    assert hours_of(day, zone) == hours


def test_a_day_begins_at_midnight_of_the_school() -> None:
    assert Period(date(2026, 1, 5)).moments(KOLKATA) == (datetime(2026, 1, 4, 18, 30, tzinfo=UTC), None)
    assert Period(until=date(2026, 1, 5)).moments(NEW_YORK) == (None, datetime(2026, 1, 6, 5, tzinfo=UTC))


@given(
    day=st.dates(date(1971, 1, 1), date(2900, 1, 1)),
    zone=st.sampled_from([BERLIN, NEW_YORK, KOLKATA, CAIRO, SANTIAGO]),
    offset=st.timedeltas(timedelta(days=-2), timedelta(days=2)),
)
def test_a_moment_lies_in_the_period_of_the_day_that_local_clocks_show(
    day: date, zone: ZoneInfo, offset: timedelta
) -> None:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + offset
    since, until = Period(day, day).moments(zone)
    assert since is not None
    assert until is not None
    assert (since <= moment < until) == (moment.astimezone(zone).date() == day)


@pytest.mark.parametrize("text", ["2026-9-1", "20260901", "2026-W36-2", "2026-02-30", "", "today", "２０２６-09-01"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="2026-09-01"):
        parse_day(text)


def test_days_are_read_as_they_are_written() -> None:
    assert parse_day("2026-09-01") == date(2026, 9, 1)
    assert parse_day(None) is None


@pytest.mark.parametrize(
    ("since", "until"),
    [(date(2026, 9, 2), date(2026, 9, 1)), (date(1, 1, 1), None), (None, date.max)],
)
def test_an_impossible_period_is_refused(since: date | None, until: date | None) -> None:
    with pytest.raises(InvalidRequest):
        Period(since, until)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "Europe", "x" * 300, "a\0b"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="Europe/Berlin"):
        parse_zone(name)
