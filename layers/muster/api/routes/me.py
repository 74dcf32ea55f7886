"""The caller, and the limits and settings that a client needs."""

from typing import Annotated

from fastapi import APIRouter, Depends

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.me import MeDocument
from muster.api.system import RecordServices
from muster.domain.attendance import MAX_PHOTOS
from muster.domain.student import CONSENT_WORDING

_PROBLEMS = problems(401, 403)


def me_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/me", tags=["me"], responses=_PROBLEMS)
    caller = Annotated[Access, Depends(Authorize(system.access))]

    @router.get("")
    def me(access: caller) -> MeDocument:
        """Return the caller, and the limits and settings of this server."""
        principal = access.principal
        return MeDocument(
            user_id=principal.user_id,
            role=principal.role,
            name=principal.name,
            uploads=system.uploads is not None,
            manages_users=system.users is not None,
            max_photos=MAX_PHOTOS,
            max_photo_bytes=system.max_photo_bytes,
            consent_wording=CONSENT_WORDING,
            time_zone=system.reports.zone.key,
            pack=system.pack,
            substitutes=system.substitutes.enabled,
            access_ends_at=None if principal.substitute is None else principal.substitute.expires_at,
        )

    return router
