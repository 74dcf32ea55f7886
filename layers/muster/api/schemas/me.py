"""The caller, and the limits and settings that a client needs."""

from pydantic import BaseModel, Field

from muster.domain.attendance import MAX_PHOTOS
from muster.domain.user import Role


class MeDocument(BaseModel):
    """Who asks, and what this Muster takes."""

    user_id: str = Field(examples=["ada"])
    role: Role
    name: str | None = Field(description="As people call them, if that is known.")
    uploads: bool = Field(description="Whether `/v1/uploads` takes photos; else they come with the request only.")
    max_photos: int = Field(description="Photos of one request to `/mark/detect`.", examples=[MAX_PHOTOS])
    max_photo_bytes: int = Field(
        description="Largest photo that may come with a request; in the cloud, of all photos in one request together.",
        examples=[25_000_000],
    )
    consent_wording: str = Field(description="Version of the text that a student agrees to at registration.")
    time_zone: str = Field(description="The school's: when a day begins.", examples=["Europe/Berlin"])
    pack: str = Field(description="The model pack in use.", examples=["embedded-2"])
