"""The channels of notices, e-mail and events, and what they need to know of a notice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from muster.domain.absence_notices import Contact, NoticeKind, SentNotice
from muster.domain.identifiers import SessionId
from muster.domain.student import Student

WEBHOOK: Final = "webhook"
"""Stands for the receiver of events among the addresses of a notice."""


class Mail(Protocol):
    """Sends e-mail."""

    def send(self, address: str, subject: str, text: str, message_id: str) -> None:
        """Send one message to one address.

        Raises:
            NoticeNotSent: it was not sent.
            NoticeUnclear: nobody knows whether it was sent.
        """


class Events(Protocol):
    """Sends events to another system."""

    def post(self, event: Mapping[str, Any], delivery_id: str) -> None:
        """Deliver an event.

        Raises:
            NoticeNotSent: it was not accepted.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Where notices go.

    Attributes:
        mail: None sends no e-mail.
        sender: the address that messages come from.
        office: addresses of the school's office.
        language: of the office.
        events: None sends no events.
        receiver: host name of the receiver of events.
    """

    mail: Mail | None = None
    sender: str = ""
    office: tuple[str, ...] = ()
    language: str = "en"
    events: Events | None = None
    receiver: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueNotice:
    """A notice that is due.

    Attributes:
        sessions: in which the student is absent, or was for a correction.
        lessons: the same in words.
        contacts: addresses of the student's contacts.
    """

    student: Student
    day: date
    kind: NoticeKind
    sessions: tuple[SessionId, ...]
    lessons: str
    contacts: tuple[Contact, ...]


def event_of(due: DueNotice, notice: SentNotice) -> dict[str, Any]:
    """Return the event that a webhook receives; docs/integration.md describes it."""
    return {
        "id": notice.delivery_id,
        "type": f"attendance.{due.kind.value}",
        "day": due.day.isoformat(),
        "student_id": due.student.id,
        "name": due.student.name,
        "group_ids": sorted(due.student.groups),
        "session_ids": list(due.sessions),
    }
