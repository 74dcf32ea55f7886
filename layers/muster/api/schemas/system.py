"""The state of the server: its models, its training and its health."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from muster.storage.ports import TrainingState


class ModelDocument(BaseModel):
    """The models used."""

    pack: str = Field(description="The model pack.")
    head: int | None = Field(description="Number of the trained model; null if none is in use.")


class TrainingDocument(BaseModel):
    """The state of training."""

    state: str = Field(description="`running`, `waiting` (a run is due) or `idle`.")
    head: int | None = Field(description="Number of the trained model in use; null if there is none.")
    started_at: datetime | None
    last_outcome: dict[str, Any] | None = Field(
        description="Report of the last run. On AWS, `machine` is `gpu` or `processors`, and `fallback` is true if the "
        "run could not use a GPU and continued on processors."
    )

    @classmethod
    def of(cls, state: TrainingState, head: int | None) -> "TrainingDocument":
        """Describe the state of training."""
        name = "running" if state.running else "waiting" if state.dirty else "idle"
        outcome = None if state.last_outcome is None else dict(state.last_outcome)
        return cls(state=name, head=head, started_at=state.started_at, last_outcome=outcome)


class HealthDocument(BaseModel):
    """The server is healthy, with these models."""

    status: str
    version: str
    model: ModelDocument
    ready: bool = Field(
        default=True,
        description="Whether the models are loaded. Requests with photos that arrive earlier wait. Always true where "
        "another process reads the photos, as on AWS.",
    )
