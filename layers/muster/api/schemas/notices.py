"""Notices of absences, and the contacts of students."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from muster.domain.absence_notices import Contact, NoticeKind, NoticeState, SentNotice
from muster.services.notices.sending import WEBHOOK, DueNotice


class ContactDocument(BaseModel):
    """An address that receives notices about a student."""

    address: str = Field(max_length=128, examples=["parent@example.org"])
    language: Literal["en", "de"] = "en"

    def contact(self) -> Contact:
        """Return the contact."""
        return Contact(self.address, self.language)


class ContactList(BaseModel):
    """The contacts of a student."""

    items: list[ContactDocument] = Field(max_length=10)

    @classmethod
    def of(cls, contacts: tuple[Contact, ...]) -> "ContactList":
        """Describe contacts."""
        return cls.model_validate(
            {"items": [{"address": each.address, "language": each.language} for each in contacts]}
        )


class NoticeDocument(BaseModel):
    """A notice and what became of it."""

    student_id: str = Field(examples=["0042"])
    day: date
    kind: NoticeKind
    state: NoticeState = Field(description="`sending`: begun, and nobody knows whether it went out.")
    delivery_id: str
    at: datetime
    session_ids: list[str]
    addresses: list[str] = Field(description="Addresses that were written to.")
    webhook: bool = Field(description="Whether the webhook accepted it.")
    attempts: int

    @classmethod
    def of(cls, notice: SentNotice) -> "NoticeDocument":
        """Describe a notice."""
        return cls(
            student_id=notice.student_id,
            day=notice.day,
            kind=notice.kind,
            state=notice.state,
            delivery_id=notice.delivery_id,
            at=notice.at,
            session_ids=list(notice.sessions),
            addresses=sorted(notice.done - {WEBHOOK}),
            webhook=WEBHOOK in notice.done,
            attempts=notice.attempts,
        )


class NoticeList(BaseModel):
    """Notices, oldest first."""

    items: list[NoticeDocument]


class DueNoticeDocument(BaseModel):
    """A notice that is due."""

    student_id: str = Field(examples=["0042"])
    name: str
    day: date
    kind: NoticeKind
    lessons: str
    addresses: list[str]

    @classmethod
    def of(cls, due: DueNotice) -> "DueNoticeDocument":
        """Describe a notice."""
        return cls(
            student_id=due.student.id,
            name=due.student.name,
            day=due.day,
            kind=due.kind,
            lessons=due.lessons,
            addresses=[contact.address for contact in due.contacts],
        )


class DueNoticeList(BaseModel):
    """Notices that are due now.

    Attributes:
        enabled: whether notices are switched on.
    """

    enabled: bool
    items: list[DueNoticeDocument]
