"""The stores that every system has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from muster.storage.ports import (
        DocumentStore,
        GroupStore,
        HeadStore,
        IdempotencyStore,
        SessionStore,
        StagedTemplates,
        StudentStore,
        TrainingStore,
    )


class Stores(Protocol):
    """The stores that every system has."""

    @property
    def students(self) -> StudentStore:
        """Students, their photos and templates."""

    @property
    def staging(self) -> StagedTemplates:
        """Templates of another model pack."""

    @property
    def groups(self) -> GroupStore:
        """Groups and their teachers."""

    @property
    def documents(self) -> DocumentStore:
        """Small records of every other kind, such as lessons."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions, their photos and marks."""

    @property
    def idempotency(self) -> IdempotencyStore:
        """Responses to requests that may be repeated."""

    @property
    def heads(self) -> HeadStore:
        """Trained heads."""

    @property
    def training(self) -> TrainingStore:
        """The state of training."""
