"""API tokens of other systems."""

from datetime import datetime

from pydantic import BaseModel, Field

from muster.domain.api_token import ApiToken, Scope
from muster.services.exchange.api_tokens import DEFAULT_DAYS, MAX_DAYS

_GROUPS = "Groups that it may be used for; null for all."


class NewApiToken(BaseModel):
    """A token to create."""

    scopes: list[Scope] = Field(min_length=1, examples=[["roster:read"]])
    group_ids: list[str] | None = Field(default=None, min_length=1, max_length=200, description=_GROUPS)
    days: int = Field(default=DEFAULT_DAYS, ge=1, le=MAX_DAYS, description="After which it expires.")


class ApiTokenDocument(BaseModel):
    """A token, without its secret."""

    name: str = Field(examples=["school-office"])
    scopes: list[Scope] = Field(examples=[["roster:read"]])
    group_ids: list[str] | None = Field(description=_GROUPS, examples=[["7b"]])
    created_at: datetime
    created_by: str = Field(examples=["admin"])
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="Exact to the hour.")

    @classmethod
    def of(cls, token: ApiToken) -> "ApiTokenDocument":
        """Describe a token."""
        return cls(
            name=token.name,
            scopes=sorted(token.scopes),
            group_ids=None if token.groups is None else sorted(token.groups),
            created_at=token.created_at,
            created_by=token.created_by,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            last_used_at=token.last_used_at,
        )


class ApiTokenList(BaseModel):
    """All tokens."""

    items: list[ApiTokenDocument]


class CreatedApiToken(ApiTokenDocument):
    """A new token with its text."""

    token: str = Field(description="Shown only once.", examples=["mst_school-office_…"])
