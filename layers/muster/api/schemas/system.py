"""The state of the server: its models, its training and its health."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from muster.storage.ports import TrainingState


class ModelDocument(BaseModel):
    """What decided: the model pack, and the head or null where stage 1 decided alone."""

    pack: str
    head: int | None


class TrainingDocument(BaseModel):
    """Where training stands."""

    state: str = Field(description="`running`, `waiting` (a run is due) or `idle`.")
    head: int | None = Field(description="Number of the head in use; null where stage 1 decides alone.")
    started_at: datetime | None
    last_outcome: dict[str, Any] | None

    @classmethod
    def of(cls, state: TrainingState, head: int | None) -> "TrainingDocument":
        """Describe the state of training."""
        name = "running" if state.running else "waiting" if state.dirty else "idle"
        outcome = None if state.last_outcome is None else dict(state.last_outcome)
        return cls(state=name, head=head, started_at=state.started_at, last_outcome=outcome)


class HealthDocument(BaseModel):
    """The server answers, with this pack and head."""

    status: str
    version: str
    model: ModelDocument
