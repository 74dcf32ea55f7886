"""Lessons of an iCalendar file (RFC 5545): events that are single, or recur daily or weekly.

Each event is expanded to its days, in its own time zone. Days with the same weekday, local time and text then become
one weekly lesson, so a file that lists every single lesson of a year and one with rules give the same timetable.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice, pairwise
from threading import Lock
from typing import Any, Final
from zoneinfo import ZoneInfo

from muster.domain.errors import UnsupportedTable
from muster.domain.identifiers import GroupId
from muster.domain.timetable import Lesson
from muster.services.timetable.validation import MAX_CANCELLED, MAX_TEXT, MAX_WEEKS, lesson_problem
from muster.services.timetable_import.parsed import MAX_ROWS, ParsedFile

_FREQUENCIES: Final = {"DAILY", "WEEKLY"}
_UNDERSTOOD: Final = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"}
_WEEKDAYS: Final = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

_WINDOW: Final = timedelta(days=800)
"""Days before and after today that are read: two school years to come, and a rule that began years ago."""

_MAX_ZONES: Final = 20
_ZONE_RULE = re.compile(r"FREQ=(?!YEARLY)[A-Z]+")
_FOLD = re.compile(r"\r?\n[ \t]")
_ZONES = Lock()
_MAX_OCCURRENCES: Final = 2_500
"""Of one event: daily, from twice the window before today."""

_MAX_TOTAL: Final = 30_000
"""Of all events, days that are left out included; a class has 3,000 lessons in two years."""

_Key = tuple[int, time, time, str, str, str]


def is_calendar(content: bytes) -> bool:
    """Return whether a file is an iCalendar file."""
    return content[:200].lstrip(b"\xef\xbb\xbf \r\n\t").upper().startswith(b"BEGIN:VCALENDAR")


def read_calendar_file(content: bytes, group_id: GroupId, zone: ZoneInfo, today: date) -> ParsedFile:
    """Read the lessons of an iCalendar file, all of one group.

    Args:
        zone: of the school; times without a zone are its local times.

    Raises:
        UnsupportedTable: the file is damaged, or larger than a timetable can be.
    """
    parsed = ParsedFile("icalendar")
    days: dict[_Key, set[date]] = defaultdict(set)
    rows: dict[_Key, int] = {}
    events = _events(content)
    moved, total = _moved(events), 0
    for number, event in enumerate(events, start=1):
        for occurrence in _occurrences(event, number, zone, today, parsed, moved):
            total += 1
            if total > _MAX_TOTAL:
                raise UnsupportedTable(f"The calendar has more than {_MAX_TOTAL} lessons: export one school year.")
            if occurrence is None:
                continue
            starts, ends = occurrence
            key = _key(event, starts, ends)
            if starts.date() != ends.date():
                parsed.note(number, "event_skipped", f"Event {number} ends on another day, so it is no lesson.")
                break
            days[key].add(starts.date())
            rows.setdefault(key, number)
    for key, dates in days.items():
        for lesson in _weekly(key, dates, group_id):
            problem = lesson_problem(lesson, with_id=False)
            if problem is None:
                parsed.lessons.append((rows[key], lesson))
            else:
                parsed.refuse(rows[key], "lesson_invalid", f"Event {rows[key]} is not valid: {problem}")
    return parsed


def _events(content: bytes) -> list[Any]:
    # Only callers that send a calendar wait for the library.
    from icalendar import Calendar
    from icalendar.timezone import tzp

    # Long lines are folded, and a fold may lie anywhere in what is looked for.
    text = _FOLD.sub("", content.decode("utf-8", "replace"))
    upper = text.upper()
    zones = [rest.partition("END:VTIMEZONE")[0] for rest in upper.split("BEGIN:VTIMEZONE")[1:]]
    if len(zones) > _MAX_ZONES or any(map(_ZONE_RULE.search, zones)):
        raise UnsupportedTable("The calendar defines time zones that cannot be read: export it with plain time zones.")
    if upper.count("BEGIN:VEVENT") > MAX_ROWS:
        raise UnsupportedTable(f"The calendar has more than {MAX_ROWS} events: export one school year.")
    try:
        with _ZONES:
            # The library keeps a file's own time zones by name, and would take them for those of the next file.
            tzp.use_zoneinfo()
            calendars = Calendar.from_ical(text, multiple=True)
        return [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UnsupportedTable("The calendar is damaged: export it again as iCalendar (.ics).") from error


def _moved(events: Iterable[Any]) -> dict[str, list[date]]:
    """Return the occurrences of recurring events that an event of their own replaces, by UID."""
    moved: dict[str, list[date]] = defaultdict(list)
    for event in events:
        recurrence = getattr(event.get("RECURRENCE-ID"), "dt", None)
        if isinstance(recurrence, date):
            moved[str(event.get("UID"))].append(recurrence)
    return moved


def _occurrences(
    event: Any, number: int, zone: ZoneInfo, today: date, parsed: ParsedFile, moved: dict[str, list[date]]
) -> Iterator[tuple[datetime, datetime] | None]:
    """Yield start and end of each day of an event, in the school's zone, and None for a day that is left out.

    Notes and errors go to `parsed`.
    """
    start = getattr(event.get("DTSTART"), "dt", None)
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    if not isinstance(start, datetime):
        parsed.note(number, "event_skipped", f"Event {number} has no time of day, so it is no lesson.")
        return
    length = _length(event, start)
    if length is None or not timedelta() < length < timedelta(days=1):
        parsed.note(number, "event_skipped", f"Event {number} has no end within a day, so it is no lesson.")
        return
    recurrence = event.get("RECURRENCE-ID")
    if recurrence is not None and "RANGE" in getattr(recurrence, "params", {}):
        detail = (
            f"Event {number} changes all later lessons of another event: export the calendar with events of their own."
        )
        parsed.refuse(number, "rule_unsupported", detail)
        return
    # A program may write an exception in another zone than the event. An event is at most once a day in its own zone.
    own = start.tzinfo or zone
    replaced = [] if recurrence is not None else moved.get(str(event.get("UID")), [])
    excluded = {_day(moment, own) for moment in (*_listed(event, "exdates"), *replaced)}
    found = _starts(event, start, number, today, parsed)
    for local in islice(found, _MAX_OCCURRENCES):
        if local.date() in excluded or abs(local.date() - today) > _WINDOW:
            yield None
            continue
        yield _at_school(local, zone), _at_school(local + length, zone)
    for moment, end in _listed(event, "rdates")[:_MAX_OCCURRENCES]:
        # A bare day is at the time of the event.
        local = moment if isinstance(moment, datetime) else datetime.combine(moment, start.timetz())
        if _day(local, own) in excluded or abs(local.date() - today) > _WINDOW:
            yield None
            continue
        yield _at_school(local, zone), _at_school(end if isinstance(end, datetime) else local + length, zone)


def _starts(event: Any, start: datetime, number: int, today: date, parsed: ParsedFile) -> Iterator[datetime]:
    rule = event.get("RRULE")
    if rule is None:
        yield start
        return
    problem = None if not isinstance(rule, list) else "has several rules"
    problem = problem or _rule_problem(rule, start, today)
    if problem is not None:
        parsed.refuse(number, "rule_unsupported", f"Event {number} {problem}: enter this lesson by hand.")
        return
    from dateutil.rrule import rrulestr

    # Local times: a lesson keeps its time of day when clocks change. The window ends rules without an end.
    naive = start.replace(tzinfo=None)
    until = rule.get("UNTIL", [None])[0]
    last = datetime.combine(today + _WINDOW, time.max)
    if isinstance(until, datetime):
        local = until.astimezone(start.tzinfo) if until.tzinfo and start.tzinfo else until
        last = min(last, local.replace(tzinfo=None))
    elif isinstance(until, date):
        last = min(last, datetime.combine(until, time.max))
    parts = {name: rule[name] for name in ("FREQ", "INTERVAL", "BYDAY", "WKST") if name in rule}
    text = ";".join(f"{name}={','.join(map(str, values))}" for name, values in parts.items())
    count = int(rule["COUNT"][0]) if "COUNT" in rule else None
    expanded = rrulestr(f"{text};UNTIL={last:%Y%m%dT%H%M%S}", dtstart=naive)
    for each in islice(iter(expanded), count):
        yield each.replace(tzinfo=start.tzinfo)


def _rule_problem(rule: Any, start: datetime, today: date) -> str | None:
    if str(rule.get("FREQ", [""])[0]).upper() not in _FREQUENCIES:
        return "recurs neither daily nor weekly"
    if not set(rule) <= _UNDERSTOOD or not {str(day).upper() for day in rule.get("BYDAY", [])} <= _WEEKDAYS:
        return "has a rule that a weekly timetable cannot express"
    interval, count = int(rule.get("INTERVAL", [1])[0]), int(rule.get("COUNT", [1])[0])
    if not 1 <= interval <= _MAX_OCCURRENCES or not 1 <= count <= _MAX_OCCURRENCES:
        return "repeats too often or too rarely"
    return "began too long ago" if start.date() < today - 2 * _WINDOW else None


def _length(event: Any, start: datetime) -> timedelta | None:
    end, duration = getattr(event.get("DTEND"), "dt", None), getattr(event.get("DURATION"), "dt", None)
    if isinstance(duration, timedelta):
        return duration
    if not isinstance(end, datetime):
        return None
    try:
        return (
            end.astimezone(UTC) - start.astimezone(UTC) if end.tzinfo and start.tzinfo else _naive(end) - _naive(start)
        )
    except OverflowError:
        return None


def _listed(event: Any, name: str) -> list[Any]:
    """Return a list of an event, such as its exceptions, as the library reads it."""
    try:
        return list(getattr(event, name))
    except (ValueError, TypeError, AttributeError) as error:
        raise UnsupportedTable("The calendar is damaged: export it again as iCalendar (.ics).") from error


def _day(moment: date, zone: tzinfo) -> date:
    """Return the day of a moment in a zone; a time without a zone is local."""
    if not isinstance(moment, datetime):
        return moment
    return moment.date() if moment.tzinfo is None else moment.astimezone(zone).date()


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _at_school(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _key(event: Any, starts: datetime, ends: datetime) -> _Key:
    def text(name: str) -> str:
        return " ".join(str(event.get(name, "")).split())[:MAX_TEXT]

    organizer = event.get("ORGANIZER")
    teacher = str(getattr(organizer, "params", {}).get("CN", ""))[:MAX_TEXT] if organizer is not None else ""
    clock = [moment.time().replace(second=0, microsecond=0, tzinfo=None) for moment in (starts, ends)]
    return starts.isoweekday(), clock[0], clock[1], text("SUMMARY"), text("LOCATION"), teacher


def _weekly(key: _Key, dates: set[date], group_id: GroupId) -> list[Lesson]:
    """Return the weekly lessons that take place on exactly these days, which have one weekday."""
    ordered = sorted(dates)
    weekday, starts, ends, subject, room, teacher = key
    lesson = Lesson(
        id="",
        group_id=group_id,
        weekday=weekday,
        starts=starts,
        ends=ends,
        subject=subject,
        room=room,
        teacher=teacher,
        first_day=ordered[0],
        last_day=ordered[-1],
    )
    gaps = Counter((later - earlier).days // 7 for earlier, later in pairwise(ordered))
    # The interval that most gaps have, so that a holiday in the middle is only a cancelled day.
    weeks = min(max(gaps, key=lambda gap: (gaps[gap], -gap)) if gaps else 1, MAX_WEEKS)
    for interval in (weeks, 1):
        regular = replace(lesson, every_weeks=interval)
        every = [ordered[0] + timedelta(weeks=at) for at in range((ordered[-1] - ordered[0]).days // 7 + 1)]
        held = {day for day in every if regular.is_on(day)}
        if dates <= held and len(held - dates) <= MAX_CANCELLED:
            return [replace(regular, cancelled=frozenset(held - dates))]
    return [replace(lesson, first_day=day, last_day=day) for day in ordered]
