"""Guests of sessions."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from muster.domain.guests import Guest, GuestBook, GuestChange
from muster.domain.identifiers import UserId


class NewGuest(BaseModel):
    """Somebody who is there, but not in the group."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        default="", max_length=400, examples=["Mia Berg"], description="By default the name of the student."
    )
    student_id: str | None = Field(
        default=None, description="The guest's record in another group, which the caller must be allowed to see."
    )


class GuestDocument(BaseModel):
    """One guest of a session."""

    guest_id: str
    name: str
    linked: bool = Field(description="Whether the guest is linked to the record of a student.")
    by: str = Field(description="Id of the user who added the guest.")
    by_name: str | None = Field(description="Name of the user, if known.")
    at: datetime

    @classmethod
    def of(cls, guest: Guest, users: Mapping[UserId, str] | None = None) -> "GuestDocument":
        """Describe a guest.

        Args:
            users: names of users.
        """
        return cls(
            guest_id=guest.id,
            name=guest.name,
            linked=guest.student_id is not None,
            by=guest.by,
            by_name=(users or {}).get(guest.by),
            at=guest.at,
        )


class GuestChangeDocument(BaseModel):
    """A guest was added or removed."""

    at: datetime
    by: str
    by_name: str | None
    added: bool = Field(description="False: removed.")
    guest_id: str
    name: str

    @classmethod
    def of(cls, change: GuestChange, users: Mapping[UserId, str]) -> "GuestChangeDocument":
        """Describe a change."""
        return cls(
            at=change.at,
            by=change.by,
            by_name=users.get(change.by),
            added=change.added,
            guest_id=change.guest.id,
            name=change.guest.name,
        )


class GuestsDocument(BaseModel):
    """The guests of a session; they count in no figure of the group."""

    guests: list[GuestDocument] = Field(description="In the order in which they were added.")
    changes: list[GuestChangeDocument] = Field(description="Oldest first.")

    @classmethod
    def of(cls, book: GuestBook, users: Mapping[UserId, str]) -> "GuestsDocument":
        """Describe the guests of a session."""
        return cls(
            guests=[GuestDocument.of(guest, users) for guest in book.guests],
            changes=[GuestChangeDocument.of(change, users) for change in book.changes],
        )
