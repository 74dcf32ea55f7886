"""A week of lessons up to now, for tests of reports."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from muster.domain.attendance import LessonDetails, Mark, MarkSource, Session
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.domain.student import Student
from muster.storage.local import LocalStores
from tests.unit.reports import STATUS

_STUDENTS = {"ada": "Ada", "bea": "Bea", "cy": "Cy", "dot": "Dot", "eve": "Eve"}


def hold_week(stores: LocalStores) -> None:
    """Hold lessons of 7b on the last four days and today: Bea misses the last three days, and Dot has an open
    question."""
    for id, name in _STUDENTS.items():
        stores.students.enrol(Student(StudentId(id), name, frozenset({GroupId("7b")}), None, None))
    stores.students.enrol(Student(StudentId("fay"), "Fay", frozenset({GroupId("choir")}), None, None))
    now = datetime.now(UTC)
    today = {"ada": "P", "bea": "A", "cy": "L", "dot": "?", "eve": "E"}
    days = [dict.fromkeys(_STUDENTS, "P")] * 2 + [{**dict.fromkeys(_STUDENTS, "P"), "bea": "A"}] * 2 + [today]
    for ago, marks in zip(range(4, -1, -1), days, strict=True):
        subject = "Maths" if ago % 2 else "Art"
        _hold(stores, f"day-{ago}", now - timedelta(days=ago, minutes=1), subject, marks)
    stores.sessions.create(Session(SessionId("song"), GroupId("choir"), now), [StudentId("fay")])


def _hold(stores: LocalStores, id: str, started_at: datetime, subject: str, marks: Mapping[str, str]) -> None:
    lesson = LessonDetails(lesson_id=subject, subject=subject, teacher=f"Teacher of {subject}", starts_at=started_at)
    session = Session(SessionId(id), GroupId("7b"), started_at, lesson=lesson)
    stores.sessions.create(session, [StudentId(student) for student in marks])
    given = [
        Mark(StudentId(student), STATUS[letter], MarkSource.PHOTO, started_at) for student, letter in marks.items()
    ]
    stores.sessions.amend(session.id, 1, marks=given)
