"""Lessons, terms and holidays as bodies of documents."""

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

from muster.domain.identifiers import GroupId
from muster.domain.timetable import Lesson, SchoolCalendar, Span


def lessons_body(lessons: Iterable[Lesson]) -> dict[str, Any]:
    """Write the lessons of a group."""
    return {"lessons": [_lesson(lesson) for lesson in lessons]}


def read_lessons(group_id: GroupId, body: Mapping[str, Any]) -> tuple[Lesson, ...]:
    """Read lessons that `lessons_body` wrote."""
    return tuple(
        Lesson(
            id=entry["id"],
            group_id=group_id,
            weekday=entry["weekday"],
            starts=time.fromisoformat(entry["starts"]),
            ends=time.fromisoformat(entry["ends"]),
            subject=entry.get("subject", ""),
            room=entry.get("room", ""),
            teacher=entry.get("teacher", ""),
            first_day=_optional_day(entry.get("first_day")),
            last_day=_optional_day(entry.get("last_day")),
            every_weeks=entry.get("every_weeks", 1),
            cancelled=frozenset(date.fromisoformat(day) for day in entry.get("cancelled", [])),
        )
        for entry in body.get("lessons", [])
    )


def calendar_body(calendar: SchoolCalendar) -> dict[str, Any]:
    """Write terms and holidays."""
    return {"terms": [_span(term) for term in calendar.terms], "holidays": [_span(day) for day in calendar.holidays]}


def read_calendar(body: Mapping[str, Any]) -> SchoolCalendar:
    """Read terms and holidays that `calendar_body` wrote."""
    terms, holidays = (tuple(_read_span(entry) for entry in body.get(kind, [])) for kind in ("terms", "holidays"))
    return SchoolCalendar(terms, holidays)


def _lesson(lesson: Lesson) -> dict[str, Any]:
    return {
        "id": lesson.id,
        "weekday": lesson.weekday,
        "starts": lesson.starts.strftime("%H:%M"),
        "ends": lesson.ends.strftime("%H:%M"),
        "subject": lesson.subject,
        "room": lesson.room,
        "teacher": lesson.teacher,
        "first_day": None if lesson.first_day is None else lesson.first_day.isoformat(),
        "last_day": None if lesson.last_day is None else lesson.last_day.isoformat(),
        "every_weeks": lesson.every_weeks,
        "cancelled": sorted(day.isoformat() for day in lesson.cancelled),
    }


def _span(span: Span) -> dict[str, str]:
    body = {"name": span.name, "first_day": span.first_day.isoformat(), "last_day": span.last_day.isoformat()}
    return body | {"source": span.source} if span.source else body


def _read_span(entry: Mapping[str, Any]) -> Span:
    return Span(
        entry["name"],
        date.fromisoformat(entry["first_day"]),
        date.fromisoformat(entry["last_day"]),
        entry.get("source", ""),
    )


def _optional_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
