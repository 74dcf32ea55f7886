"""Notices of absences, and the contacts of students."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from muster.domain.absence_notices import Contact, NoticeKind, NoticeState, SentNotice
from muster.domain.user import parse_email
from muster.services.notices.channels import WEBHOOK, Channels, DueNotice
from muster.services.notices.texts import samples


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


class OfficeReceipt(BaseModel):
    """What became of the message to one address of the office."""

    address: str = Field(examples=["office@example.edu"])
    state: NoticeState = Field(
        description="`failed`: it comes with the next message of the day. `sending` that stays: nobody knows."
    )


class NoticeDocument(BaseModel):
    """A notice and what became of it."""

    student_id: str = Field(examples=["0042"])
    day: date = Field(examples=["2026-09-01"])
    kind: NoticeKind
    state: NoticeState = Field(
        description="`sending`: begun, and if it stays so, nobody knows whether it went out. `unclear`: some addresses "
        "may have it."
    )
    delivery_id: str = Field(examples=["9f1c2d3e4b5a69788796a5b4c3d2e1f0"])
    at: datetime = Field(description="UTC.", examples=["2026-09-01T07:30:00Z"])
    session_ids: list[str] = Field(examples=[["7b-2026-09-01"]])
    addresses: list[str] = Field(description="Addresses that were written to.", examples=[["parent@example.org"]])
    webhook: bool = Field(description="Whether the webhook accepted it.", examples=[False])
    attempts: int = Field(examples=[1])
    name: str = Field("", description="The student's, when it was sent.", examples=["Ida Berg"])
    unclear_addresses: list[str] = Field(
        [], description="Addresses that may have it. They are not written to again.", examples=[[]]
    )
    reason: str = Field("", description="Why the last attempt failed or is unclear.", examples=[""])

    office: list[OfficeReceipt] = Field(
        [], description="Addresses of the office, which get one message about all new notices; empty for old notices."
    )

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
            name=notice.name,
            unclear_addresses=sorted(notice.unclear),
            reason=notice.reason,
            office=[OfficeReceipt(address=address, state=notice.office[address]) for address in sorted(notice.office)],
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


class NoticeText(BaseModel):
    """A message about an invented student."""

    language: str = Field(examples=["en"])
    kind: NoticeKind
    subject: str = Field(examples=["Absence on 01/09/2026"])
    text: str = Field(examples=["Ada Lovelace was marked absent on 01/09/2026: Mathematics, 08:15."])


class NoticeSetup(BaseModel):
    """How notices are set up.

    Attributes:
        enabled: whether notices are switched on.
    """

    enabled: bool
    sender: str = Field(description="Messages come from it; empty without e-mail.", examples=["school@example.edu"])
    office: list[str] = Field(description="Addresses of the office.", examples=[["office@example.edu"]])
    office_language: str = Field(examples=["en"])
    receiver: str = Field(description="Host name of the receiver of events; empty without one.", examples=[""])
    texts: list[NoticeText]

    @classmethod
    def of(cls, channels: Channels | None, day: date) -> "NoticeSetup":
        """Describe the channels, and the texts as if sent on a day."""
        known = channels or Channels()
        texts = [
            NoticeText(language=language, kind=kind, subject=subject, text=text)
            for language, kinds in samples(day).items()
            for kind, (subject, text) in kinds.items()
        ]
        return cls(
            enabled=channels is not None,
            sender=known.sender,
            office=list(known.office),
            office_language=known.language,
            receiver=known.receiver,
            texts=texts,
        )


class TestNotice(BaseModel):
    """A request for a test message."""

    address: str = Field(max_length=128, examples=["head@example.edu"])
    language: Literal["en", "de", "hi", "ar"] = "en"

    def checked_address(self) -> str:
        """Return the address.

        Raises:
            InvalidRequest: it is not an address.
        """
        return parse_email(self.address)
