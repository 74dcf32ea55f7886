"""The rules for whether a session was taken, and which of its marks count. No other module derives them.

A session is taken once somebody was present or late, or every mark was set by hand, apart from planned absences. Until
then nobody is absent. The session may have been opened ahead, its photos may show nobody of the group, or one student
may be excused in advance. A closed register is taken, since only a taken one can be closed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from muster.domain.attendance import Mark, MarkSource, MarkStatus, RollCall, Session

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a phone's clock may be ahead of the server's before its roll call counts as future."""

_SEEN = frozenset({MarkStatus.PRESENT, MarkStatus.LATE})


def is_taken(session: Session, marks: Iterable[Mark], now: datetime) -> bool:
    """Return whether a session was taken.

    It has started, and somebody (erased students included) was present or late, or every mark was set by hand, apart
    from planned absences. A closed register is taken.
    """
    if session.is_closed:
        return True
    if session.started_at > now + CLOCK_TOLERANCE:
        return False
    if any(session.erased.get(status, 0) for status in _SEEN):
        return True
    marks = tuple(marks)
    sources = {mark.source for mark in marks}
    by_hand = MarkSource.MANUAL in sources and MarkSource.PHOTO not in sources
    # A planned trip may count as present, and says nothing about whether the register was taken.
    return by_hand or any(mark.status in _SEEN and mark.source is not MarkSource.PLANNED for mark in marks)


def visible_marks(roll_call: RollCall, now: datetime) -> tuple[Mark, ...]:
    """Return the marks that people see: without absences that photos set, if the session is not taken."""
    if is_taken(roll_call.session, roll_call.marks, now):
        return roll_call.marks
    return tuple(
        mark for mark in roll_call.marks if mark.source is not MarkSource.PHOTO or mark.status is not MarkStatus.ABSENT
    )
