"""The health check."""

from fastapi import APIRouter

from muster import __version__
from muster.api.problems import problems
from muster.api.schemas.system import HealthDocument, ModelDocument
from muster.api.system import RecordServices


def health_routes(system: RecordServices) -> APIRouter:
    """Make the router of the health check."""
    router = APIRouter(tags=["health"])

    @router.get("/health", responses=problems(503))
    @router.head("/health", include_in_schema=False)
    def health() -> HealthDocument:
        """Answer if the server runs and its store accepts writes; 503 if the store does not."""
        system.check_store()
        model = ModelDocument(pack=system.pack, head=system.heads.number())
        return HealthDocument(status="ok", version=__version__, model=model)

    return router
