"""Rules for lessons, terms and holidays that people enter or import."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from muster.domain.errors import InvalidRequest
from muster.domain.timetable import Lesson, SchoolCalendar, Span

MAX_LESSONS: Final = 200
"""Weekly lessons of one group; a full timetable has about 40, and may change in each term."""

MAX_SPANS: Final = 100
MAX_WEEKS: Final = 8
MAX_CANCELLED: Final = 200
MAX_TEXT: Final = 100

_FIRST, _LAST = date(1970, 1, 1), date(2999, 12, 31)
_LAST_WEEKDAY = 7


def check_lessons(lessons: Sequence[Lesson]) -> None:
    """Check the lessons of one group.

    Raises:
        InvalidRequest: there are too many, two have one id, or a lesson is not valid; the message names it.
    """
    check_number(lessons)
    for lesson in lessons:
        problem = lesson_problem(lesson)
        if problem is not None:
            raise InvalidRequest(f"The lesson {describe(lesson)} is not valid: {problem}")
    twice = [id for id, number in Counter(lesson.id for lesson in lessons).items() if number > 1]
    if twice:
        raise InvalidRequest(f"Several lessons have the id {twice[0]!r}: give each lesson its own.")


def check_number(lessons: Sequence[Lesson]) -> None:
    """Check the number of lessons of one group.

    Raises:
        InvalidRequest: there are too many.
    """
    if len(lessons) > MAX_LESSONS:
        raise InvalidRequest(f"A group can have at most {MAX_LESSONS} weekly lessons, not {len(lessons)}.")


def lesson_problem(lesson: Lesson, *, with_id: bool = True) -> str | None:
    """Return what is wrong with a lesson, as a sentence with advice, or None.

    Args:
        with_id: whether it must have an id.
    """
    if not 1 <= lesson.weekday <= _LAST_WEEKDAY:
        return "the weekday must be 1 for Monday to 7 for Sunday."
    if lesson.ends <= lesson.starts:
        return f"it ends at {lesson.ends:%H:%M}, not after its start at {lesson.starts:%H:%M}."
    if not 1 <= lesson.every_weeks <= MAX_WEEKS:
        return f"it can take place every 1 to {MAX_WEEKS} weeks."
    if lesson.every_weeks > 1 and lesson.first_day is None:
        return "a lesson that is not held every week needs a first day, from which the weeks are counted."
    days = [day for day in (lesson.first_day, lesson.last_day, *lesson.cancelled) if day is not None]
    if any(not _FIRST <= day <= _LAST for day in days):
        return "its days must be from 1970 to 2999."
    if lesson.first_day is not None and lesson.last_day is not None and lesson.last_day < lesson.first_day:
        return "its last day is before its first."
    if len(lesson.cancelled) > MAX_CANCELLED:
        return f"at most {MAX_CANCELLED} days can be cancelled."
    if any(len(text) > MAX_TEXT for text in (lesson.id, lesson.subject, lesson.room, lesson.teacher)):
        return f"subject, room and teacher can have at most {MAX_TEXT} characters."
    return "it has no id." if with_id and not lesson.id else None


def check_calendar(calendar: SchoolCalendar) -> None:
    """Check terms and holidays.

    Raises:
        InvalidRequest: there are too many, one is not valid, or two terms overlap.
    """
    for kind, spans in (("term", calendar.terms), ("holiday", calendar.holidays)):
        if len(spans) > MAX_SPANS:
            raise InvalidRequest(f"There can be at most {MAX_SPANS} {kind}s, not {len(spans)}.")
        for span in spans:
            _check_span(kind, span)
    terms = sorted(calendar.terms, key=lambda term: term.first_day)
    for earlier, later in pairwise(terms):
        if later.first_day <= earlier.last_day:
            raise InvalidRequest(f"The terms {earlier.name} and {later.name} overlap: change one of them.")


def describe(lesson: Lesson) -> str:
    """Return the weekday, time and subject of a lesson, for messages."""
    name = WEEKDAYS[lesson.weekday - 1] if 1 <= lesson.weekday <= _LAST_WEEKDAY else f"weekday {lesson.weekday}"
    return f"{name} {lesson.starts:%H:%M} {lesson.subject}".strip()


WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _check_span(kind: str, span: Span) -> None:
    if not span.name.strip() or len(span.name) > MAX_TEXT:
        raise InvalidRequest(f"Give each {kind} a name of at most {MAX_TEXT} characters.")
    if not (_FIRST <= span.first_day <= _LAST and _FIRST <= span.last_day <= _LAST):
        raise InvalidRequest(f"The days of the {kind} {span.name} must be from 1970 to 2999.")
    if span.last_day < span.first_day:
        raise InvalidRequest(f"The {kind} {span.name} ends before it starts: swap the days.")
