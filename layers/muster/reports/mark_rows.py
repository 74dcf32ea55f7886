"""Marks one by one, for exports to other programs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from muster.domain.attendance import Mark, MarkStatus, RollCall, Session
from muster.domain.codes import NOON, CodeTable
from muster.domain.identifiers import StudentId
from muster.domain.taken import is_taken

DEFAULT_LENGTH = timedelta(hours=1)
"""Length of a session without a lesson, for programs that need an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """One mark of a session that is taken.

    Attributes:
        starts_at, ends_at: in the school's zone; those of the lesson, if there is one.
        code: of the school's table; empty for a mark in review.
    """

    student_id: StudentId
    student: str
    group: str
    session: Session
    starts_at: datetime
    ends_at: datetime
    mark: Mark
    code: str


def mark_rows(
    roll_calls: Iterable[RollCall],
    students: Mapping[StudentId, str],
    group: str,
    codes: CodeTable,
    zone: ZoneInfo,
    now: datetime,
) -> list[MarkRow]:
    """Return the marks of sessions that are taken, by session and student; students without a name are erased."""
    ordered = sorted(roll_calls, key=lambda call: (call.session.started_at, call.session.id))
    return [
        _row(roll_call.session, mark, students[mark.student_id], group, codes, zone)
        for roll_call in ordered
        if is_taken(roll_call.session, roll_call.marks, now)
        for mark in roll_call.marks
        if mark.student_id in students
    ]


def _row(session: Session, mark: Mark, name: str, group: str, codes: CodeTable, zone: ZoneInfo) -> MarkRow:
    lesson = session.lesson
    starts_at = session.begins_at
    ends_at = (lesson.ends_at if lesson is not None else None) or starts_at + DEFAULT_LENGTH
    local = starts_at.astimezone(zone)
    code = codes.of_mark(mark, afternoon=local.hour >= NOON)
    return MarkRow(
        student_id=mark.student_id,
        student=name,
        group=group,
        session=session,
        starts_at=local,
        ends_at=ends_at.astimezone(zone),
        mark=mark,
        code="" if code is None or mark.status is MarkStatus.REVIEW else code.code,
    )
