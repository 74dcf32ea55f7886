"""Periods of days in the school's time zone; everything is stored in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from muster.domain.errors import InvalidRequest

# `fromisoformat` also accepts ISO week dates, which Muster does not support.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIRST, _LAST = date(1970, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `since` to `until`, both included; None leaves that end open."""

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        """Check the days.

        Raises:
            InvalidRequest: the last day is before the first, or a day is before 1970 or after 2999.
        """
        for day in (self.since, self.until):
            if day is not None and not _FIRST <= day <= _LAST:
                raise InvalidRequest(f"The day {day.isoformat()} is out of range: use a day from 1970 to 2999.")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise InvalidRequest(f"The period ends on {self.until}, before it starts on {self.since}: swap the days.")

    def moments(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """Return the first moment of the period and the first moment after it, in UTC; None where it is open.

        A day starts at local midnight, or when clocks skip midnight, at the moment they do. So a day has 23 or 25 hours
        when clocks change.
        """
        after = None if self.until is None else self.until + timedelta(days=1)
        return tuple(None if day is None else _midnight(day, zone) for day in (self.since, after))  # type: ignore[return-value]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # A midnight that clocks skip is read with the offset before the change (PEP 495, fold=0), the moment of the change.
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def parse_day(text: str | None) -> date | None:
    """Read a day written as `2026-09-01`; None stays None.

    Raises:
        InvalidRequest: the text is not a day.
    """
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        # No calendar has such a day.
        pass
    raise InvalidRequest(f"The day {text[:20]!r} is not valid: write it like 2026-09-01.")


def parse_zone(name: str) -> ZoneInfo:
    """Read the IANA name of a time zone, such as `Europe/Berlin`.

    Raises:
        InvalidRequest: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidRequest(f"There is no time zone {name[:80]!r}: use a name like Europe/Berlin or UTC.") from error
