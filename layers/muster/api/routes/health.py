"""The health check."""

from fastapi import APIRouter

from muster import __version__
from muster.api.problems import problems
from muster.api.recognition import Recognition
from muster.api.schemas.system import HealthDocument, ModelDocument
from muster.api.system import RecordServices


def health_routes(system: RecordServices, recognition: Recognition | None = None) -> APIRouter:
    """Make the router of the health check."""
    router = APIRouter(tags=["health"])

    @router.get("/health", responses=problems(503))
    @router.head("/health", include_in_schema=False)
    def health() -> HealthDocument:
        """Answer if the server runs and its store accepts writes; 503 if the store does not.

        For about a second after its start, a server loads its models and answers with `ready` false. Requests with
        photos wait until the models are loaded; all other requests are served.
        """
        system.check_store()
        ready = recognition is None or recognition.ready
        heads = recognition.services().heads if recognition is not None and ready else system.heads
        model = ModelDocument(pack=system.pack, head=heads.number())
        return HealthDocument(status="ok", version=__version__, model=model, ready=ready)

    return router
