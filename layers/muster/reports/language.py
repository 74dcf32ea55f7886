"""The language of a printed page: its texts, dates, numbers and direction."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from muster.domain.attendance import MarkStatus

Text = str | Mapping[str, str]
"""A text with `{name}` for values; or one for the `count` 1 (`one`) and one for the others (`other`)."""

_LATIN: Final = "0123456789"

WESTERN_DIGITS: Final = frozenset({"AE", "DZ", "EH", "LY", "MA", "TN"})
"""Regions of Arabic that write 0 to 9; the others write the Arabic-Indic digits (Unicode CLDR, numbering systems)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language.

    Attributes:
        code: of the page's `lang`.
        direction: `ltr` or `rtl`.
        texts: by key.
        weekdays, weekdays_short: names, Monday first.
        months_short: names, January first.
        day: format of a date.
        decimal: decimal separator.
        percent: format of a percentage.
        digits: the ten digits.
    """

    code: str
    direction: str = "ltr"
    texts: Mapping[str, Text] = field(repr=False)
    weekdays: tuple[str, ...]
    weekdays_short: tuple[str, ...]
    months_short: tuple[str, ...]
    day: str
    decimal: str
    percent: str
    digits: str = _LATIN

    def text(self, key: str, **values: object) -> str:
        """Return a text with its values; numbers are written with the language's digits.

        Raises:
            KeyError: there is no such text.
        """
        text = self.texts[key]
        if not isinstance(text, str):
            text = text["one" if values.get("count") == 1 else "other"]
        shown = {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}
        return text.format(**shown)

    def has(self, key: str) -> bool:
        """Return whether there is such a text."""
        return key in self.texts

    def status(self, status: MarkStatus) -> str:
        """Return the word for a status."""
        return self.text(f"status.{status.value}")

    def number(self, value: float) -> str:
        """Write a whole number."""
        return self.in_digits(str(value))

    def in_digits(self, text: str) -> str:
        """Write a text of digits, such as a time, with the language's digits."""
        return text if self.digits == _LATIN else text.translate(str.maketrans(_LATIN, self.digits))

    def percentage(self, rate: float | None) -> str:
        """Write a rate in percent, or a dash for None. Only exactly 1 is shown as 100 %, and only 0 as 0 %."""
        if rate is None:
            return "–"
        shown = f"{rate * 100:.0f}" if rate in (0, 1) else f"{min(max(rate, 0.001), 0.999) * 100:.1f}"
        return self.percent.format(self.in_digits(shown.replace(".", self.decimal)))

    def date(self, day: datetime.date) -> str:
        """Write a day in digits."""
        return self.in_digits(day.strftime(self.day))

    def long_date(self, day: datetime.date) -> str:
        """Write a day with its weekday."""
        return self.text("long_date", weekday=self.weekdays[day.weekday()], day=self.date(day))

    def short_date(self, day: datetime.date) -> str:
        """Write a day with its weekday, abbreviated."""
        return f"{self.weekdays_short[day.weekday()]} {self.date(day)}"

    def time(self, moment: datetime.datetime) -> str:
        """Write the time of day."""
        return self.in_digits(f"{moment:%H:%M}")

    def date_time(self, moment: datetime.datetime) -> str:
        """Write day and time."""
        return f"{self.date(moment.date())} {self.time(moment)}"

    def month(self, day: datetime.date) -> str:
        """Write a month with its year."""
        return f"{self.months_short[day.month - 1]} {self.in_digits(str(day.year))}"

    def with_latin_digits(self) -> "Language":
        """Return the same language with the digits 0 to 9."""
        return replace(self, digits=_LATIN, decimal=".", percent="{}%")
