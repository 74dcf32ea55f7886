"""Roll calls to report on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from muster.domain.attendance import Mark, MarkSource, MarkStatus, RollCall, Session
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.period import Period
from muster.reports.attendance import AttendanceReport, RosterEntry, Scope, build_report

BERLIN = ZoneInfo("Europe/Berlin")
STATUS = {
    "P": MarkStatus.PRESENT,
    "L": MarkStatus.LATE,
    "A": MarkStatus.ABSENT,
    "E": MarkStatus.EXCUSED,
    "?": MarkStatus.REVIEW,
}
NOW = datetime(2027, 1, 1, tzinfo=UTC)
"""After all sessions, unless a test says otherwise."""


def at(text: str) -> datetime:
    """Read a moment written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def roll_call(
    id: str,
    started_at: datetime,
    marks: Mapping[str, str],
    *,
    group: str = "7b",
    erased: str = "",
    source: MarkSource = MarkSource.MANUAL,
) -> RollCall:
    """Make a session; marks and those of erased students are letters of `STATUS`."""
    counts = {STATUS[letter]: erased.count(letter) for letter in set(erased)}
    session = Session(SessionId(id), GroupId(group), started_at, erased=counts)
    return RollCall(
        session,
        tuple(
            Mark(StudentId(student), STATUS[letter], source, started_at) for student, letter in sorted(marks.items())
        ),
    )


def term(
    marks: Mapping[str, str],
    *,
    names: Mapping[str, str] | None = None,
    scope: Scope = Scope.GROUP,
    group: str = "Class 7b",
) -> AttendanceReport:
    """Report on daily sessions from 1 September 2026, 08:15 in Berlin; a space is no mark.

    Args:
        marks: for each student id a string with one letter a session.
    """
    length = max((len(letters) for letters in marks.values()), default=0)
    sessions = [
        roll_call(
            f"s{number}",
            datetime(2026, 9, 1 + number, 8, 15, tzinfo=BERLIN).astimezone(UTC),
            {student: letters[number] for student, letters in marks.items() if letters[number] != " "},
        )
        for number in range(length)
    ]
    roster = [RosterEntry(StudentId(id), (names or {}).get(id, f"Student {id}")) for id in marks]
    return build_report(scope, sessions, roster, {GroupId("7b"): group}, Period(), BERLIN, NOW)
