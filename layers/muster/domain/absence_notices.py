"""Notices of absences: what is due for a student on a day, given what was sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

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
    UNCLEAR = "unclear"
    """Nobody knows whether some addresses have it: a mail server did not answer, or the process was killed. It is not
    sent to them again."""


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
        unclear: addresses that may have it; they are not written to again.
        reason: why the last attempt failed or is unclear; at most `MAX_REASON` characters.
        name: of the student, when it was sent.
        tried_at: UTC, of the last attempt.
        office: what became of the office's message, by its addresses.
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
    unclear: frozenset[str] = frozenset()
    reason: str = ""
    name: str = ""
    tried_at: datetime | None = None
    office: Mapping[str, NoticeState] = field(default_factory=dict)

    def may_be_tried(self, now: datetime) -> bool:
        """Return whether a notice that was not sent to everyone is tried again now."""
        if self.state not in (NoticeState.FAILED, NoticeState.SENDING) or self.attempts >= MAX_ATTEMPTS:
            return False
        return now - (self.tried_at or self.at) >= RETRY_AFTER[self.attempts - 1]

    def abandoned(self, now: datetime) -> bool:
        """Return whether the process that began to send it was killed."""
        return self.state is NoticeState.SENDING and now - (self.tried_at or self.at) > ABANDONED_AFTER


MAX_ATTEMPTS: Final = 5
"""Runs in which a notice is tried."""

RETRY_AFTER: Final = (timedelta(0), timedelta(minutes=10), timedelta(minutes=30), timedelta(minutes=90))
"""Waits after each attempt but the last: a mail server that is down for two hours loses nothing."""

MAX_REASON: Final = 200

ABANDONED_AFTER: Final = timedelta(hours=1)
"""One notice takes a few minutes if ten addresses and the webhook time out."""


def final_marks(roll_calls: Iterable[RollCall]) -> dict[SessionId, dict[StudentId, MarkStatus]]:
    """Return the marks of sessions about which notices can be sent: closed, and without open questions."""
    return {
        roll_call.session.id: {mark.student_id: mark.status for mark in roll_call.marks}
        for roll_call in roll_calls
        if roll_call.session.is_closed and not any(mark.status is MarkStatus.REVIEW for mark in roll_call.marks)
    }


def absent_in(student_id: StudentId, marks: dict[SessionId, dict[StudentId, MarkStatus]]) -> tuple[SessionId, ...]:
    """Return the sessions in which a student is absent."""
    return tuple(session for session, statuses in marks.items() if statuses.get(student_id) is MarkStatus.ABSENT)


def due_kind(
    student_id: StudentId,
    marks: dict[SessionId, dict[StudentId, MarkStatus]],
    earlier: Sequence[SentNotice],
    now: datetime,
) -> NoticeKind | None:
    """Return the notice that is due for a student and day, or None.

    There is one notice a day, and one correction. A correction is due once the registers that the notice was about are
    closed again without an absence. A notice whose process was killed is due again, for the receivers that recognise a
    repeated delivery.

    Args:
        marks: of the day's sessions, from `final_marks`.
        earlier: the notices of that student and day, oldest first.
    """
    absent = absent_in(student_id, marks)
    if not earlier:
        return NoticeKind.ABSENT if absent else None
    last = earlier[-1]
    if last.state is NoticeState.SENDING and not last.abandoned(now):
        return None
    again = last.may_be_tried(now)
    if last.kind is NoticeKind.CORRECTION:
        return NoticeKind.CORRECTION if again and not absent else None
    if absent:
        return NoticeKind.ABSENT if again else None
    told = last.state is not NoticeState.FAILED or bool(last.done | last.unclear)
    settled = all(session in marks for session in last.sessions)
    return NoticeKind.CORRECTION if told and settled else None
