"""Notices of absences, and the contacts of students."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from muster.domain.absence_notices import Contact, NoticeKind, NoticeState, SentNotice
from muster.services.notices.sending import WEBHOOK, DueNotice


class ContactDocument(BaseModel):
    """An address that receives notices about a student."""

    address: str = Field(max_length=128, examples=["parent@example.org"])
    language: Literal["en", "de", "hi", "ar"] = "en"

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
    day: date = Field(examples=["2026-09-01"])
    kind: NoticeKind
    state: NoticeState = Field(description="`sending`: begun, and nobody knows whether it went out.")
    delivery_id: str = Field(examples=["9f1c2d3e4b5a69788796a5b4c3d2e1f0"])
    at: datetime = Field(description="UTC.", examples=["2026-09-01T07:30:00Z"])
    session_ids: list[str] = Field(examples=[["7b-2026-09-01"]])
    addresses: list[str] = Field(description="Addresses that were written to.", examples=[["parent@example.org"]])
    webhook: bool = Field(description="Whether the webhook accepted it.", examples=[False])
    attempts: int = Field(examples=[1])

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
    name: str = Field(examples=["Ida Berg"])
    day: date = Field(examples=["2026-09-01"])
    kind: NoticeKind
    lessons: str = Field(description="Lessons with their times.", examples=["Mathematics, 08:15"])
    addresses: list[str] = Field(examples=[["parent@example.org"]])

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
