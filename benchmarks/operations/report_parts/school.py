"""Schools to measure with, built in seconds by writing straight into the local store's tables."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import gettempdir

from muster.domain.attendance import MarkStatus
from muster.domain.identifiers import GroupId
from muster.storage.documents import time_text
from muster.storage.local import open_local
from muster.storage.local.schema import MIGRATIONS

TERM = datetime(2026, 9, 1, 6, 15, tzinfo=UTC)
MEASURED = GroupId("g000")
_STATUSES = [status.value for status in (MarkStatus.PRESENT, MarkStatus.LATE, MarkStatus.ABSENT, MarkStatus.EXCUSED)]
_SHARES = [90, 3, 5, 2]


@dataclass(frozen=True, slots=True)
class School:
    """How large a school is; the group `MEASURED` has `sessions`, each of the others `other_sessions`."""

    groups: int
    students: int
    sessions: int
    other_sessions: int

    @property
    def marks(self) -> int:
        """In the whole school."""
        return self.students * (self.sessions + (self.groups - 1) * self.other_sessions)


ONE_CLASS = School(groups=1, students=200, sessions=60, other_sessions=0)
LARGE = School(groups=100, students=200, sessions=60, other_sessions=101)
"""20,000 students and two million marks."""

ONE_YEAR = School(groups=1, students=30, sessions=200, other_sessions=0)
LARGE_YEARS = School(groups=340, students=30, sessions=200, other_sessions=200)
"""A school year of one class, and of 340: two million marks."""


def built(school: School) -> Path:
    """Return the store of a school, from the machine's temporary folder if it was built before."""
    layout = sha256(repr((MIGRATIONS, school)).encode()).hexdigest()[:12]
    place = Path(gettempdir()) / f"muster-school-{layout}"
    if not (place / "complete").exists():
        build(school, place)
        (place / "complete").touch()
    return place


def build(school: School, place: Path) -> None:
    """Fill a store, emptied first: the same school each time."""
    open_local(place)
    connection = sqlite3.connect(place / "muster.sqlite3", isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for table in ("marks", "sessions", "memberships", "students", "groups"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 our own names
    groups = [f"g{number:03}" for number in range(school.groups)]
    connection.executemany("INSERT INTO groups VALUES (?, ?, '[]', 1)", ((group, f"Class {group}") for group in groups))
    connection.executemany(
        "INSERT INTO students (number, id, name, version) VALUES (?, ?, ?, 1)",
        ((number + 1, f"{number:05}", f"Student {number}") for number in range(school.groups * school.students)),
    )
    connection.executemany(
        "INSERT INTO memberships VALUES (?, ?)",
        ((groups[number // school.students], number + 1) for number in range(school.groups * school.students)),
    )
    sessions = sorted(_sessions(school))
    connection.executemany(
        "INSERT INTO sessions (id, group_id, started_at) VALUES (?, ?, ?)",
        ((session, groups[group], started_at) for session, group, started_at in sessions),
    )
    connection.executemany(
        "INSERT INTO marks (session_id, student_id, status, source, marked_at) VALUES (?, ?, ?, 'photo', ?)",
        _marks(school.students, sessions),
    )
    connection.execute("COMMIT")
    connection.close()


def _sessions(school: School) -> Iterator[tuple[str, int, str]]:
    """Give each session a random id, its group and its time: sessions of all groups lie mixed, as in life."""
    random = Random(0)  # noqa: S311 nothing secret
    for group in range(school.groups):
        for number in range(school.other_sessions if group else school.sessions):
            yield random.randbytes(16).hex(), group, time_text(TERM + timedelta(days=number, minutes=group % 300))


def _marks(students: int, sessions: list[tuple[str, int, str]]) -> Iterator[tuple[str, str, str, str]]:
    random = Random(1)  # noqa: S311 nothing secret
    for session, group, started_at in sessions:
        for number, status in enumerate(random.choices(_STATUSES, _SHARES, k=students)):
            yield session, f"{group * students + number:05}", status, started_at
