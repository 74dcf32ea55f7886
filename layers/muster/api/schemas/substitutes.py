"""Codes of substitutes."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from muster.domain.substitute import Substitute, SubstituteState
from muster.services.exchange.substitutes import MAX_DAYS_AHEAD, MAX_GROUPS, MAX_NAME


class NewSubstitute(BaseModel):
    """A code to make."""

    name: str = Field(min_length=1, max_length=MAX_NAME, description="The audit shows it.", examples=["Jo Park"])
    group_ids: list[str] = Field(min_length=1, max_length=MAX_GROUPS, examples=[["7b"]])
    day: date | None = Field(
        default=None, description=f"In the school's time zone, at most {MAX_DAYS_AHEAD} days ahead; by default today."
    )


class SubstituteDocument(BaseModel):
    """A code, without its secret."""

    substitute_id: str = Field(description="The first symbols of the code.", examples=["K7P"])
    name: str = Field(examples=["Jo Park"])
    group_ids: list[str] = Field(examples=[["7b"]])
    day: date = Field(examples=["2026-09-01"])
    state: SubstituteState = Field(description="`locked` after ten wrong tries: no further device can use it.")
    starts_at: datetime = Field(description="The beginning of the day.", examples=["2026-08-31T22:00:00+00:00"])
    expires_at: datetime
    devices: int = Field(description="Number of devices that use the code.", examples=[1])
    used_at: datetime | None = Field(description="When it was first used.", examples=["2026-09-01T05:50:00+00:00"])
    created_at: datetime
    created_by: str = Field(examples=["admin"])
    revoked_at: datetime | None
    revoked_by: str | None = Field(examples=["admin"])

    @classmethod
    def of(cls, substitute: Substitute, now: datetime) -> "SubstituteDocument":
        """Describe a code."""
        return cls(
            substitute_id=substitute.id,
            name=substitute.name,
            group_ids=sorted(substitute.groups),
            day=substitute.day,
            state=substitute.state(now),
            starts_at=substitute.starts_at,
            expires_at=substitute.expires_at,
            devices=substitute.devices,
            used_at=substitute.used_at,
            created_at=substitute.created_at,
            created_by=substitute.created_by,
            revoked_at=substitute.revoked_at,
            revoked_by=substitute.revoked_by,
        )


class SubstituteList(BaseModel):
    """The codes of the last week, and those to come."""

    items: list[SubstituteDocument]


class CreatedSubstitute(SubstituteDocument):
    """A new code."""

    code: str = Field(description="Shown only once.", examples=["K7P4-XQ9M"])


class SubstituteSignIn(BaseModel):
    """A code to exchange for a token."""

    code: str = Field(max_length=80, description="Case, spaces and hyphens do not matter.", examples=["K7P4-XQ9M"])


class SubstituteToken(BaseModel):
    """The token of one device, for the header `Authorization`."""

    token: str = Field(examples=["mss_K7P_…"])
    name: str = Field(examples=["Jo Park"])
    group_ids: list[str] = Field(examples=[["7b"]])
    day: date = Field(examples=["2026-09-01"])
    expires_at: datetime = Field(description="The end of the day in the school's time zone.")
