"""Guests of a session: people who are there, but not in the group."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from muster.domain.identifiers import SessionId, StudentId, UserId

MAX_GUESTS: Final = 100
"""Most guests of one session."""

MAX_CHANGES: Final = 400
"""Most changes of the guests of one session: a document holds 300 kB, and a change of a long name takes 0.7 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One guest.

    Attributes:
        student_id: the record of a guest from another group; None if there is none, or nobody linked it.
        by, at: the user who added the guest, and when (UTC).
    """

    id: str
    name: str
    student_id: StudentId | None = None
    by: UserId
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        linked = {} if self.student_id is None else {"student_id": self.student_id}
        return {"id": self.id, "name": self.name, "by": self.by, "at": self.at.isoformat(), **linked}

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "Guest":
        """Read the stored form."""
        linked = stored.get("student_id")
        return cls(
            id=stored["id"],
            name=stored["name"],
            student_id=None if linked is None else StudentId(linked),
            by=UserId(stored["by"]),
            at=datetime.fromisoformat(stored["at"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestChange:
    """A guest was added or removed.

    Attributes:
        guest: as added; `by` and `at` there tell of the addition.
        by, at: of this change.
    """

    at: datetime
    by: UserId
    added: bool
    guest: Guest

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"at": self.at.isoformat(), "by": self.by, "added": self.added, **_flat(self.guest)}

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "GuestChange":
        """Read the stored form."""
        guest = Guest.of_json({**stored, "id": stored["guest_id"], "by": stored["guest_by"], "at": stored["guest_at"]})
        return cls(at=datetime.fromisoformat(stored["at"]), by=UserId(stored["by"]), added=stored["added"], guest=guest)


def _flat(guest: Guest) -> dict[str, Any]:
    # The student's id stands beside the name, so that an erasure removes the whole change.
    stored = guest.to_json()
    return {f"guest_{key}": stored.pop(key) for key in ("id", "by", "at")} | stored


@dataclass(frozen=True, slots=True)
class GuestBook:
    """The guests of one session.

    Attributes:
        guests: in the order in which they were added.
        changes: oldest first; guests who were erased as students are in neither.
    """

    guests: tuple[Guest, ...] = ()
    changes: tuple[GuestChange, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the body of the document."""
        return {
            "guests": [guest.to_json() for guest in self.guests],
            "changes": [change.to_json() for change in self.changes],
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "GuestBook":
        """Read the body of the document; an empty one has no guests."""
        return cls(
            tuple(Guest.of_json(guest) for guest in stored.get("guests", ())),
            tuple(GuestChange.of_json(change) for change in stored.get("changes", ())),
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """What is kept about a student as a guest of a session: the entry, and the changes."""

    session_id: SessionId
    guest: Guest | None
    changes: tuple[GuestChange, ...]
