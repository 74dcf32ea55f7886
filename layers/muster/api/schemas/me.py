"""The caller, and the limits and settings that a client needs."""

from datetime import datetime

from pydantic import BaseModel, Field

from muster.domain.attendance import MAX_PHOTOS
from muster.domain.user import Role


class MeDocument(BaseModel):
    """The caller, and the limits and settings of the server."""

    user_id: str = Field(examples=["ada"])
    role: Role
    name: str | None = Field(description="Name for display, if known.")
    uploads: bool = Field(description="Whether `/v1/uploads` is available; otherwise photos are sent in requests.")
    manages_users: bool = Field(
        description="Whether `/v1/users` is available; otherwise `muster users` manages accounts."
    )
    max_photos: int = Field(description="Maximum photos in a request to `/mark/detect`.", examples=[MAX_PHOTOS])
    max_photo_bytes: int = Field(
        description="Maximum size of a photo in a request; in the cloud, of all its photos together.",
        examples=[25_000_000],
    )
    consent_wording: str = Field(description="Version of the text that a student agrees to at registration.")
    time_zone: str = Field(description="The school's time zone, in which days begin.", examples=["Europe/Berlin"])
    pack: str = Field(description="The model pack in use.", examples=["embedded-2"])
    substitutes: bool = Field(description="Whether `/v1/substitutes` can make codes.")
    access_ends_at: datetime | None = Field(
        default=None,
        description="When a substitute's access ends; null for everybody else.",
        examples=["2026-09-01T22:00:00+00:00"],
    )
