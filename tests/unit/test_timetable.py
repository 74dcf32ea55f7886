"""Weekly lessons, terms and holidays, and the lessons of a day."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from muster.domain.identifiers import GroupId
from muster.domain.timetable import EARLY, Lesson, LessonState, SchoolCalendar, Span, occurrences, state_of
from muster.services.timetable.bodies import calendar_body, lessons_body, read_calendar, read_lessons

BERLIN = ZoneInfo("Europe/Berlin")
MATHS = Lesson(
    id="m", group_id=GroupId("7b"), weekday=1, starts=time(8), ends=time(8, 45), subject="Mathematics", room="12"
)
MONDAY = date(2026, 9, 7)


NO_CALENDAR = SchoolCalendar()


def on(day: date, *lessons: Lesson, calendar: SchoolCalendar = NO_CALENDAR) -> list[str]:
    return [each.lesson.id for each in occurrences(lessons, calendar, day, BERLIN)]


def test_a_weekly_lesson_is_on_its_weekday_between_its_days() -> None:
    lesson = replace(MATHS, first_day=MONDAY, last_day=MONDAY + timedelta(weeks=2))
    weeks = [on(MONDAY + timedelta(weeks=week), lesson) for week in (-1, 0, 1, 2, 3)]
    assert weeks == [[], ["m"], ["m"], ["m"], []]
    assert on(MONDAY + timedelta(days=1), lesson) == []


def test_a_lesson_of_every_other_week_counts_from_the_week_of_its_first_day() -> None:
    lesson = replace(MATHS, weekday=5, first_day=MONDAY, every_weeks=2)
    friday = MONDAY + timedelta(days=4)
    assert [bool(on(friday + timedelta(weeks=week), lesson)) for week in range(4)] == [True, False, True, False]


def test_cancelled_days_holidays_and_days_outside_of_terms_have_no_lessons() -> None:
    days = [MONDAY + timedelta(weeks=week) for week in range(4)]
    calendar = SchoolCalendar(
        terms=(Span("Autumn", days[0], days[2]),), holidays=(Span("Inset day", days[1], days[1]),)
    )
    lesson = replace(MATHS, cancelled=frozenset({days[2]}))
    assert [on(day, lesson, calendar=calendar) for day in days] == [["m"], [], [], []]
    assert on(days[3], lesson, calendar=replace(calendar, terms=())) == ["m"]


def test_a_lesson_stays_at_its_local_time_when_clocks_change() -> None:
    (before,) = occurrences([MATHS], SchoolCalendar(), date(2026, 10, 19), BERLIN)
    (after,) = occurrences([MATHS], SchoolCalendar(), date(2026, 10, 26), BERLIN)
    assert before.starts_at == datetime(2026, 10, 19, 6, tzinfo=UTC)
    assert after.starts_at == datetime(2026, 10, 26, 7, tzinfo=UTC)
    skipped = replace(MATHS, weekday=7, starts=time(2, 30), ends=time(3, 30))
    (night,) = occurrences([skipped], SchoolCalendar(), date(2026, 3, 29), BERLIN)
    assert night.starts_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_lessons_of_a_day_are_ordered_and_their_sessions_are_their_own() -> None:
    second = replace(MATHS, id="a", starts=time(7))
    other_group = replace(MATHS, group_id=GroupId("8a"))
    found = occurrences([MATHS, other_group, second], SchoolCalendar(), MONDAY, BERLIN)
    assert [(each.lesson.id, each.lesson.group_id) for each in found] == [("a", "7b"), ("m", "7b"), ("m", "8a")]
    next_week = occurrences([MATHS], SchoolCalendar(), MONDAY + timedelta(weeks=1), BERLIN)
    assert len({each.session_id for each in [*found, *next_week]}) == 4
    assert found == occurrences([other_group, second, MATHS], SchoolCalendar(), MONDAY, BERLIN)


@pytest.mark.parametrize(
    ("minutes", "taken", "closed", "state"),
    [
        (-60, False, False, LessonState.PLANNED),
        (20, False, False, LessonState.PLANNED),
        (20, True, False, LessonState.OPEN),
        (60, True, False, LessonState.OPEN),
        (60, True, True, LessonState.CLOSED),
        (45, False, False, LessonState.NOT_TAKEN),
    ],
)
def test_the_state_of_a_lesson(minutes: int, *, taken: bool, closed: bool, state: LessonState) -> None:
    (lesson,) = occurrences([MATHS], SchoolCalendar(), MONDAY, BERLIN)
    now = lesson.starts_at + timedelta(minutes=minutes)
    assert state_of(lesson, taken=taken, closed=closed, now=now) is state


def test_a_photo_belongs_to_a_lesson_from_a_little_before_its_start_until_its_end() -> None:
    (lesson,) = occurrences([MATHS], SchoolCalendar(), MONDAY, BERLIN)
    assert lesson.is_now(lesson.starts_at - EARLY)
    assert not lesson.is_now(lesson.starts_at - EARLY - timedelta(seconds=1))
    assert not lesson.is_now(lesson.ends_at)
    assert lesson.started_at(lesson.starts_at - timedelta(minutes=5)) == lesson.starts_at - timedelta(minutes=5)
    assert lesson.started_at(lesson.starts_at - timedelta(days=1)) == lesson.starts_at
    assert lesson.started_at(lesson.ends_at) == lesson.starts_at


def test_lessons_and_terms_are_read_back_as_they_were_written() -> None:
    lesson = replace(MATHS, first_day=MONDAY, every_weeks=2, cancelled=frozenset({MONDAY}), teacher="Ms Ada")
    assert read_lessons(MATHS.group_id, lessons_body([MATHS, lesson])) == (MATHS, lesson)
    calendar = SchoolCalendar((Span("Autumn", MONDAY, MONDAY),), (Span("Break", MONDAY, MONDAY),))
    assert read_calendar(calendar_body(calendar)) == calendar
    assert read_calendar({}) == SchoolCalendar()
