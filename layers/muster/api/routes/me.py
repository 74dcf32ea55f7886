"""What a client must know before it does anything: who asks, and what this Muster takes."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from muster.api.access import Access
from muster.api.problems import Problem
from muster.api.system import RecordServices
from muster.domain.attendance import MAX_PHOTOS
from muster.domain.student import CONSENT_WORDING
from muster.domain.user import Role

_PROBLEMS = {status: {"model": Problem} for status in (401, 403)}


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


def me_routes(system: RecordServices) -> APIRouter:
    """Make the router over one system."""
    router = APIRouter(prefix="/v1/me", tags=["me"], responses=_PROBLEMS)  # type: ignore[arg-type]
    caller = Annotated[Access, Depends(system.access)]

    @router.get("")
    def me(access: caller) -> MeDocument:
        """Return who asks, and what this Muster takes."""
        principal = access.principal
        return MeDocument(
            user_id=principal.user_id,
            role=principal.role,
            name=principal.name,
            uploads=system.uploads is not None,
            max_photos=MAX_PHOTOS,
            max_photo_bytes=system.max_photo_bytes,
            consent_wording=CONSENT_WORDING,
            time_zone=system.reports.zone.key,
            pack=system.pack,
        )

    return router
