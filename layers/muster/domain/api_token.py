"""Tokens with which other systems, such as a school's information system, use the API."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from muster.domain.identifiers import GroupId, UserId

TOKEN_PREFIX: Final = "mst_"  # noqa: S105 - public
"""The beginning of every API token, so that a leaked one can be recognised and searched for."""

AUDIT_PREFIX: Final = "token:"
"""Changes are recorded as made by `token:NAME`. No user's id contains a colon."""


class Scope(StrEnum):
    """What a token may be used for. Registration, photos, consent and erasure are open to people only."""

    ROSTER_READ = "roster:read"
    ROSTER_WRITE = "roster:write"
    ATTENDANCE_READ = "attendance:read"
    ATTENDANCE_WRITE = "attendance:write"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token without its secret, of which only the digest is stored.

    Attributes:
        name: its id, which the audit shows; never used again after the token is revoked.
        groups: the groups that it may be used for; None for all.
        created_at, expires_at: UTC.
        revoked_at: UTC; None while it is valid.
        last_used_at: UTC, exact to the hour; None if it was never used.
    """

    name: str
    scopes: frozenset[Scope]
    groups: frozenset[GroupId] | None
    created_at: datetime
    created_by: UserId
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the token can be used."""
        return self.revoked_at is None and now < self.expires_at

    @property
    def user_id(self) -> UserId:
        """The id under which changes are recorded."""
        return UserId(f"{AUDIT_PREFIX}{self.name}")
