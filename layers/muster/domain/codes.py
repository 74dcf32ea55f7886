"""The attendance codes of a school: what each means, and what it counts as."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from muster.domain.attendance import STATUSES_BY_HAND, Mark, MarkSource, MarkStatus
from muster.domain.errors import CodeInUse, InvalidRequest

MAX_CODES: Final = 60
"""Most codes of a table; England's table of 2024 has 34."""

MAX_CODE: Final = 4
"""Most characters of a code."""

MAX_MEANING: Final = 120
"""Most characters of a meaning."""

_ATTENDING: Final = frozenset({MarkStatus.PRESENT, MarkStatus.LATE})

NOON: Final = 12
"""Hour at the school from which a session is in the afternoon."""

_CODE = re.compile(r"[!-~\u00a1-\uffff]{1,4}")
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class AttendanceCode:
    """One code, such as `L`.

    Attributes:
        code: 1 to 4 visible characters; upper and lower case differ.
        meaning: shown beside the code.
        status: what a mark with this code counts as. Excused marks are not counted.
        colour: `#rrggbb` in lower case.
        retired: whether it is no longer offered; marks that have it keep it.
        afternoon: whether it replaces the default of its status in sessions that start at noon or later.
        in_building: whether a student with this code is in the building; None means present and late ones are. It
            decides who is on the evacuation list, and nothing else.
    """

    code: str
    meaning: str
    status: MarkStatus
    colour: str
    retired: bool = False
    afternoon: bool = False
    in_building: bool | None = None

    @property
    def is_in_building(self) -> bool:
        """Whether a student with this code is in the building."""
        return self.status in _ATTENDING if self.in_building is None else self.in_building


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The codes of a school in the order in which they are offered.

    Attributes:
        preset: name of the preset that the codes came from, or an empty string.
        used: codes that some mark has by name. They keep their status and cannot be removed.
    """

    codes: tuple[AttendanceCode, ...]
    preset: str = ""
    used: frozenset[str] = frozenset()

    def find(self, code: str) -> AttendanceCode | None:
        """Return a code of the table, retired ones included."""
        return next((known for known in self.codes if known.code == code), None)

    def default(self, status: MarkStatus, *, afternoon: bool = False) -> AttendanceCode | None:
        """Return the code of marks that have only a status: the first that is offered, or else the first.

        Returns:
            None for marks in review.
        """
        of_status = [code for code in self.codes if code.status is status]
        ordered = sorted(of_status, key=lambda code: (code.retired, code.afternoon is not afternoon))
        return ordered[0] if ordered else None

    def of_mark(self, mark: Mark, *, afternoon: bool = False) -> AttendanceCode | None:
        """Return the code of a mark, or None if the mark is in review."""
        named = None if mark.code is None else self.find(mark.code)
        return named or self.default(mark.status, afternoon=afternoon)

    def is_in_building(self, mark: Mark, *, afternoon: bool = False) -> bool:
        """Return whether a mark says that the student is in the building: seen there, and not only planned."""
        code = self.of_mark(mark, afternoon=afternoon)
        here = mark.status in _ATTENDING if code is None else code.is_in_building
        return here and mark.source is not MarkSource.PLANNED

    def completed(self, codes: Iterable[AttendanceCode]) -> list[AttendanceCode]:
        """Return codes that do not say whether a student is in the building as the table has them.

        Callers that do not know the field leave it out, and must not put a school trip into the building.
        """
        return [
            replace(code, in_building=known.in_building)
            if code.in_building is None and (known := self.find(code.code)) and known.status is code.status
            else code
            for code in codes
        ]

    def offered(self) -> tuple[AttendanceCode, ...]:
        """Return the codes that a person can choose."""
        return tuple(code for code in self.codes if not code.retired)

    def replaced_by(self, codes: Iterable[AttendanceCode], preset: str = "") -> "CodeTable":
        """Return the table with other codes.

        Raises:
            InvalidRequest: a code is malformed or appears twice, or no code is offered for a status.
            CodeInUse: a used code is missing, or counts as something else.
        """
        new = CodeTable(tuple(codes), preset, self.used)
        _check(new.codes)
        for old in self.codes:
            if old.code not in self.used:
                continue
            kept = new.find(old.code)
            if kept is None:
                raise CodeInUse(f"Marks have the code {old.code}, so it cannot be removed. Retire it instead.")
            if kept.status is not old.status:
                raise CodeInUse(
                    f"Marks have the code {old.code}, so it must go on counting as {old.status.value}. "
                    "Retire it, and add another code."
                )
        return new

    def switched_to(self, preset: str) -> "CodeTable":
        """Return the table with the codes of a preset, and with the used codes that it lacks, retired.

        Raises:
            InvalidRequest: there is no such preset.
            CodeInUse: a used code counts as something else in the preset.
        """
        if preset not in PRESETS:
            raise InvalidRequest(f"There is no preset {preset[:40]!r}. Choose one of {', '.join(PRESETS)}.")
        codes = PRESETS[preset]
        own = {code.code for code in codes}
        kept = [replace(code, retired=True) for code in self.codes if code.code in self.used - own]
        return self.replaced_by([*codes, *kept], preset)

    def with_used(self, codes: Collection[str]) -> "CodeTable":
        """Return the table in which these codes count as used."""
        return replace(self, used=self.used | set(codes))


def _check(codes: Collection[AttendanceCode]) -> None:
    if len(codes) > MAX_CODES:
        raise InvalidRequest(f"A table holds at most {MAX_CODES} codes, not {len(codes)}.")
    seen: set[str] = set()
    for code in codes:
        if not _CODE.fullmatch(code.code):
            raise InvalidRequest(f"{code.code[:20]!r} is not a code: write 1 to 4 characters without spaces.")
        if code.code in seen:
            raise InvalidRequest(f"The code {code.code} appears twice.")
        seen.add(code.code)
        if not code.meaning.strip() or len(code.meaning) > MAX_MEANING:
            raise InvalidRequest(f"Give the code {code.code} a meaning of 1 to {MAX_MEANING} characters.")
        if code.status not in STATUSES_BY_HAND:
            raise InvalidRequest(f"The code {code.code} must count as present, late, absent or excused.")
        if not _COLOUR.fullmatch(code.colour):
            raise InvalidRequest(f"Give the code {code.code} a colour such as #1a7f37.")
    for status in STATUSES_BY_HAND:
        if not any(code.status is status and not code.retired for code in codes):
            raise InvalidRequest(f"Offer at least one code that counts as {status.value}.")


_GREEN, _AMBER, _RED, _GREY, _BLUE = "#1a7f37", "#9a6700", "#b42318", "#57606a", "#0b63ce"


def _plain(letters: Mapping[MarkStatus, tuple[str, str]]) -> tuple[AttendanceCode, ...]:
    colours = {
        MarkStatus.PRESENT: _GREEN,
        MarkStatus.LATE: _AMBER,
        MarkStatus.ABSENT: _RED,
        MarkStatus.EXCUSED: _GREY,
    }
    return tuple(
        AttendanceCode(letter, meaning, status, colours[status]) for status, (letter, meaning) in letters.items()
    )


def _attending(code: str, meaning: str, *, afternoon: bool = False) -> AttendanceCode:
    return AttendanceCode(code, meaning, MarkStatus.PRESENT, _GREEN, afternoon=afternoon)


def _elsewhere(code: str, meaning: str) -> AttendanceCode:
    return AttendanceCode(code, meaning, MarkStatus.PRESENT, _BLUE, in_building=False)


def _authorised(code: str, meaning: str) -> AttendanceCode:
    return AttendanceCode(code, f"{meaning} (authorised)", MarkStatus.ABSENT, _AMBER)


def _unauthorised(code: str, meaning: str, *, in_building: bool | None = None) -> AttendanceCode:
    return AttendanceCode(code, f"{meaning} (unauthorised)", MarkStatus.ABSENT, _RED, in_building=in_building)


def _not_counted(code: str, meaning: str) -> AttendanceCode:
    return AttendanceCode(code, meaning, MarkStatus.EXCUSED, _GREY)


_ENGLAND_2024 = (
    _attending("/", "Present, morning"),
    _attending("\\", "Present, afternoon", afternoon=True),
    AttendanceCode("L", "Late, before the register closed", MarkStatus.LATE, _AMBER),
    _elsewhere("B", "Attending any other approved educational activity"),
    _elsewhere("K", "Attending education provision arranged by the local authority"),
    _elsewhere("P", "Participating in a sporting activity"),
    _elsewhere("V", "Attending an educational visit or trip"),
    _elsewhere("W", "Attending work experience"),
    _unauthorised("N", "Reason for absence not yet established"),
    _authorised("I", "Illness, not a medical or dental appointment"),
    _authorised("M", "Medical or dental appointment"),
    _authorised("C", "Leave of absence for exceptional circumstance"),
    _authorised("C1", "Leave of absence for a regulated performance or employment abroad"),
    _authorised("C2", "Leave of absence for a temporary part-time timetable"),
    _authorised("E", "Suspended or permanently excluded, no alternative provision"),
    _authorised("J1", "Leave of absence for an interview"),
    _authorised("R", "Religious observance"),
    _authorised("S", "Study leave"),
    _authorised("T", "Mobile child, parent travelling for work"),
    _unauthorised("G", "Holiday not granted by the school"),
    _unauthorised("O", "Absent in other or unknown circumstances"),
    _unauthorised("U", "Arrived after the register closed", in_building=True),
    _not_counted("X", "Non-compulsory school age, not required to attend"),
    _not_counted("D", "Dual registered, at the other school"),
    _not_counted("Q", "Unable to attend, lack of access arrangements"),
    _not_counted("Y1", "Unable to attend, transport not available"),
    _not_counted("Y2", "Unable to attend, widespread disruption to travel"),
    _not_counted("Y3", "Unable to attend, part of the premises closed"),
    _not_counted("Y4", "Unable to attend, whole site unexpectedly closed"),
    _not_counted("Y5", "Unable to attend, in criminal justice detention"),
    _not_counted("Y6", "Unable to attend, public health guidance or law"),
    _not_counted("Y7", "Unable to attend, other unavoidable cause"),
    _not_counted("Z", "Prospective pupil, not on the admission register"),
    _not_counted("#", "Planned whole school closure"),
)

PRESETS: Final[Mapping[str, tuple[AttendanceCode, ...]]] = MappingProxyType(
    {
        "plain": _plain(
            {
                MarkStatus.PRESENT: ("P", "Present"),
                MarkStatus.LATE: ("L", "Late"),
                MarkStatus.ABSENT: ("A", "Absent"),
                MarkStatus.EXCUSED: ("E", "Excused"),
            }
        ),
        "england-2024": _ENGLAND_2024,
        "moodle": _plain(
            {
                MarkStatus.PRESENT: ("P", "Present"),
                MarkStatus.LATE: ("L", "Late"),
                MarkStatus.EXCUSED: ("E", "Excused"),
                MarkStatus.ABSENT: ("A", "Absent"),
            }
        ),
    }
)
"""Codes to begin with, by name.

`england-2024` holds the codes of the School Attendance (Pupil Registration) (England) Regulations 2024 and of the
Department for Education's guidance "Working together to improve school attendance" of August 2024. Students with the
codes of regulation 10(3) attend a place other than the school, and those with U are in the school, although they count
as absent. `moodle` holds the default statuses of Moodle's attendance module.
"""

DEFAULT_TABLE: Final = CodeTable(PRESETS["plain"], "plain")
"""The table of a school that has chosen none."""


def place_in_presets(code: str, meaning: str, status: MarkStatus) -> bool | None:
    """Return `in_building` of the same code in a preset, for tables stored before codes had that field."""
    same = (known for codes in PRESETS.values() for known in codes)
    return next(
        (known.in_building for known in same if (known.code, known.meaning, known.status) == (code, meaning, status)),
        None,
    )
