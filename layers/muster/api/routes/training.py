"""The state of training."""

from typing import Annotated

from fastapi import APIRouter, Depends

from muster.api.access import Access
from muster.api.authorize import Authorize
from muster.api.problems import problems
from muster.api.schemas.system import TrainingDocument
from muster.api.system import RecordServices


def training_routes(system: RecordServices) -> APIRouter:
    """Make the router of the training state."""
    router = APIRouter(prefix="/v1/training", tags=["roster"], responses=problems(401, 403, 404, 422))

    @router.get("")
    def training(_: Annotated[Access, Depends(Authorize(system.access))]) -> TrainingDocument:
        """Return the state of training."""
        return TrainingDocument.of(system.training.state(), system.heads.number())

    return router
