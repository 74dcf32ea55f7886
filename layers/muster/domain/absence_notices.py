"""Notices of absences: what is due for a student on a day, given what was sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from muster.domain.attendance import MarkStatus, RollCall
from muster.domain.identifiers import SessionId, StudentId


class NoticeKind(StrEnum):
    """What a notice says."""

    ABSENT = "absent"
    CORRECTION = "correction"
    """The student was not absent after all."""


class NoticeState(StrEnum):
    """How far a notice got."""

    SENDING = "sending"
    """It was begun. If it stays so, the process was killed, and nobody knows whether the mail went out."""
    SENT = "sent"
    FAILED = "failed"
    """Something was not sent; it is tried again."""


@dataclass(frozen=True, slots=True)
class Contact:
    """An address that receives notices about a student, and the language of its reader."""

    address: str
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNotice:
    """One notice and what became of it.

    Attributes:
        delivery_id: unique; repeated attempts have the same.
        at: UTC, of the first attempt.
        sessions: in which the student was absent.
        done: the addresses that were written to, and `webhook`.
        attempts: how often it was tried.
    """

    student_id: StudentId
    day: date
    kind: NoticeKind
    state: NoticeState
    delivery_id: str
    at: datetime
    sessions: tuple[SessionId, ...] = ()
    done: frozenset[str] = frozenset()
    attempts: int = 0


MAX_ATTEMPTS = 5
"""Runs in which a notice is tried."""


def final_marks(roll_calls: Iterable[RollCall]) -> dict[SessionId, dict[StudentId, MarkStatus]]:
    """Return the marks of sessions about which notices can be sent: closed, and without open questions."""
    return {
        roll_call.session.id: {mark.student_id: mark.status for mark in roll_call.marks}
        for roll_call in roll_calls
        if roll_call.session.closed is not None
        and not any(mark.status is MarkStatus.REVIEW for mark in roll_call.marks)
    }


def absent_in(student_id: StudentId, marks: dict[SessionId, dict[StudentId, MarkStatus]]) -> tuple[SessionId, ...]:
    """Return the sessions in which a student is absent."""
    return tuple(session for session, statuses in marks.items() if statuses.get(student_id) is MarkStatus.ABSENT)


def due_kind(
    student_id: StudentId,
    marks: dict[SessionId, dict[StudentId, MarkStatus]],
    earlier: Sequence[SentNotice],
) -> NoticeKind | None:
    """Return the notice that is due for a student and day, or None.

    There is one notice a day, and one correction. A correction is due once the registers that the notice was about are
    closed again without an absence.

    Args:
        marks: of the day's sessions, from `final_marks`.
        earlier: the notices of that student and day, oldest first.
    """
    absent = absent_in(student_id, marks)
    if not earlier:
        return NoticeKind.ABSENT if absent else None
    last = earlier[-1]
    if last.state is NoticeState.SENDING:
        return None
    if last.kind is NoticeKind.CORRECTION:
        retry = last.state is NoticeState.FAILED and last.attempts < MAX_ATTEMPTS and not absent
        return NoticeKind.CORRECTION if retry else None
    if absent:
        retry = last.state is NoticeState.FAILED and last.attempts < MAX_ATTEMPTS
        return NoticeKind.ABSENT if retry else None
    told = last.state is NoticeState.SENT or bool(last.done)
    settled = all(session in marks for session in last.sessions)
    return NoticeKind.CORRECTION if told and settled else None
