"""Retention periods, and what expires soon, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.retention import RetentionDocument
from muster.api.system import RecordServices


def retention_routes(system: RecordServices) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/retention", tags=["roster"], responses=problems(401, 403))

    @router.get("")
    def retention(access: Annotated[Access, Depends(Authorize(system.access))]) -> RetentionDocument:
        """Return how long data is kept, and what expires within the next days; admins only."""
        access.admin()
        return RetentionDocument.of(system.retention)

    return router
