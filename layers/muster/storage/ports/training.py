"""Stores of heads and of the state of training."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from muster.domain.identifiers import PackId


@dataclass(frozen=True, slots=True)
class HeadVersion:
    """A stored head: its number, the time it was stored (UTC), its pack, its metrics, and whether it is current."""

    version: int
    stored_at: datetime
    pack: PackId
    metrics: Mapping[str, Any]
    current: bool


class HeadStore(Protocol):
    """Versioned heads and the pointer to the current one, for each model pack."""

    def save(self, pack: PackId, head: bytes, metrics: Mapping[str, Any]) -> int:
        """Store a head file with its metrics, not yet current.

        Returns:
            The head's number, from 1; a number is never used twice.
        """

    def load(self, pack: PackId, version: int) -> bytes:
        """Return a head file.

        Raises:
            HeadNotFound: no head has this number.
        """

    def versions(self, pack: PackId) -> list[HeadVersion]:
        """Return all stored heads, oldest first."""

    def current(self, pack: PackId) -> int | None:
        """Return the number of the current head, or None if there is none; cheap enough for every request."""

    def promote(self, pack: PackId, version: int | None, expected: int | None) -> None:
        """Make a head current (None: no head), if the current one is still `expected`.

        Raises:
            HeadConflict: another head became current first.
            HeadNotFound: no head has this number.
        """

    def prune(self, pack: PackId, keep: int) -> None:
        """Delete all but the newest `keep` (0 or more) heads and the current one."""

    def delete_all(self) -> None:
        """Delete every head of every pack, including the current ones (needed when students are erased)."""


@dataclass(frozen=True, slots=True)
class TrainingState:
    """The state of training.

    Attributes:
        running: id of the active run, or None.
        started_at, heartbeat_at: times of the active run, UTC.
        dirty: whether templates changed since the active or last run read them.
        last_outcome: JSON-like report of the last finished run, or None.
    """

    running: str | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    dirty: bool
    last_outcome: Mapping[str, Any] | None


class TrainingStore(Protocol):
    """Single flight for training: one run at a time, and further requests set a dirty flag."""

    def request(self) -> None:
        """Set the dirty flag: templates changed."""

    def begin(self, run_id: str, now: datetime, stale_after_seconds: float) -> bool:
        """Start a run and clear the dirty flag, unless another run is active and its heartbeat is not stale.

        A heartbeat is stale if it is at least `stale_after_seconds` away from now, in the past or the future.

        The active run may begin again. That counts as a heartbeat, and the dirty flag is unchanged.

        Returns:
            Whether the run may proceed.
        """

    def heartbeat(self, run_id: str, now: datetime) -> bool:
        """Record that a run is alive; return False if another run replaced it and it must stop."""

    def hand_over(self, run_id: str, new_id: str, now: datetime) -> bool:
        """Continue the active run under another id, so that only the holder of the new id may go on with it.

        Counts as a heartbeat; start time and dirty flag are unchanged. A repeated call has no further effect.

        Returns:
            Whether `new_id` is the active run; False if the run is over or was handed over to somebody else.
        """

    def finish(self, run_id: str, outcome: Mapping[str, Any]) -> bool:
        """End a run and store its outcome, if it is the active one.

        Returns:
            Whether the dirty flag is set, so that another run is due.
        """

    def state(self) -> TrainingState:
        """Return the state of training."""
