"""Weekdays, times and days as people write them in tables, in English and German."""

import re
from datetime import date, time
from typing import Final

from muster.services.roster_import.headers import plain_title

_WEEKDAYS: Final = (
    "monday mon mo montag",
    "tuesday tue tues tu dienstag di die",
    "wednesday wed we mittwoch mi mit",
    "thursday thu thur thurs th donnerstag do don",
    "friday fri fr freitag fre",
    "saturday sat sa samstag sam sonnabend",
    "sunday sun su sonntag so son",
)
_BY_NAME: Final = {name: number for number, names in enumerate(_WEEKDAYS, 1) for name in (*names.split(), str(number))}

_TIME = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))?(?::\d{2})?\s*(am|pm|a\.m\.|p\.m\.)?(?:\s*uhr)?", re.IGNORECASE)
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00)?)?")
_GERMAN_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_NOON = 12


def read_weekdays(text: str) -> list[int] | None:
    """Read one or several weekdays, such as `Mon`, `Dienstag` or `Mo, Mi`; None if a word is no weekday."""
    words = [plain_title(word) for word in re.split(r"[,;/+&\s]+", text) if plain_title(word)]
    numbers = [_BY_NAME.get(word) for word in words if word not in ("and", "und")]
    return None if not numbers or None in numbers else sorted({number for number in numbers if number is not None})


def read_time(text: str) -> time | None:
    """Read a time such as `8:00`, `08.00 Uhr`, `0800` or `2:15 pm`; None if the text is no time."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower().replace(".", "")
    if half and not 1 <= hours <= _NOON:
        return None
    if half:
        hours = hours % _NOON + (_NOON if half == "pm" else 0)
    try:
        return time(hours, minutes)
    except ValueError:
        return None


def read_times(text: str) -> tuple[time, time] | None:
    """Read a start and an end in one cell, such as `8:00-8:45` or `8:00 bis 8:45`."""
    parts = re.split(r"\s*(?:-|–|—|\bto\b|\buntil\b|\bbis\b)\s*", text.strip())
    if len(parts) != 2:
        return None
    starts, ends = map(read_time, parts)
    return None if starts is None or ends is None else (starts, ends)


def read_day(text: str) -> date | None:
    """Read a day such as `2026-09-01` or `1.9.2026`; None otherwise: `01/09/2026` is another day in each country."""
    text = text.strip()
    try:
        if found := _ISO_DAY.fullmatch(text):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _GERMAN_DAY.fullmatch(text):
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        # No calendar has such a day.
        pass
    return None
