"""Whether a session was taken, and which of its marks count; derived here and nowhere else.

A session is taken once somebody was present or late, or everybody was marked by hand. Until then nobody is absent: a
session that was opened ahead, whose photos show nobody of the group, or in which one student was excused in advance,
says nothing about the others.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from muster.domain.attendance import Mark, MarkSource, MarkStatus, RollCall, Session

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a phone's clock may be ahead of the server's before its roll call counts as one of the future."""

_SEEN = frozenset({MarkStatus.PRESENT, MarkStatus.LATE})


def is_taken(session: Session, marks: Iterable[Mark], now: datetime) -> bool:
    """Tell whether a session was taken.

    It has started, and somebody was present or late, erased students included, or every mark was set by hand.
    """
    if session.started_at > now + CLOCK_TOLERANCE:
        return False
    if any(session.erased.get(status, 0) for status in _SEEN):
        return True
    marks = tuple(marks)
    by_hand = bool(marks) and all(mark.source is MarkSource.MANUAL for mark in marks)
    return by_hand or any(mark.status in _SEEN for mark in marks)


def visible_marks(roll_call: RollCall, now: datetime) -> tuple[Mark, ...]:
    """Return the marks that people see: of a session that is not taken, without the absences that no person set."""
    if is_taken(roll_call.session, roll_call.marks, now):
        return roll_call.marks
    return tuple(
        mark for mark in roll_call.marks if mark.source is MarkSource.MANUAL or mark.status is not MarkStatus.ABSENT
    )
