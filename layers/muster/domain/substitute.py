"""Access of substitutes: a teacher without an account keeps the registers of named groups for one day."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from muster.domain.identifiers import GroupId, UserId

SUBSTITUTE_PREFIX: Final = "mss_"
"""The beginning of every token that a code was exchanged for."""

AUDIT_PREFIX: Final = "substitute:"
"""Changes are recorded as made by `substitute:NAME`. No user's id contains a colon."""

MAX_TRIES: Final = 10
"""Wrong secrets after which a code is locked. There are 24 million secrets, so 10 tries succeed in 1 of 2.4 million."""

MAX_DEVICES: Final = 5
"""Devices on which one code can be used."""


class SubstituteState(StrEnum):
    """The state of a code. One that is locked admits no further device; those that use it already go on."""

    UNUSED = "unused"
    USED = "used"
    LOCKED = "locked"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """A code without its secret.

    Attributes:
        id: the first symbols of the code, which find it.
        name: given by an admin; the audit shows it.
        day: in the school's time zone; `starts_at` and `expires_at` are its first moment and the one after its last.
        devices: number of devices that use the code.
        tries: wrong secrets so far.
        used_at: when it was first used; None before.
    """

    id: str
    name: str
    groups: frozenset[GroupId]
    day: date
    starts_at: datetime
    expires_at: datetime
    created_at: datetime
    created_by: UserId
    devices: int = 0
    tries: int = 0
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: UserId | None = None

    @property
    def user_id(self) -> UserId:
        """The id under which changes are recorded.

        Two codes for one name act as one user, so photos that wait on a phone can be sent with a second code.
        """
        return UserId(f"{AUDIT_PREFIX}{self.name}")

    def is_valid(self, now: datetime) -> bool:
        """Return whether its tokens can be used."""
        return self.revoked_at is None and self.covers(now)

    def covers(self, moment: datetime) -> bool:
        """Return whether a time is on its day."""
        return self.starts_at <= moment < self.expires_at

    def state(self, now: datetime) -> SubstituteState:
        """Return the state of the code."""
        if self.revoked_at is not None:
            return SubstituteState.REVOKED
        if now >= self.expires_at:
            return SubstituteState.EXPIRED
        if self.tries >= MAX_TRIES:
            return SubstituteState.LOCKED
        return SubstituteState.USED if self.devices else SubstituteState.UNUSED
