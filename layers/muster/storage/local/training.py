"""The state of training in one directory."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from muster.storage.documents import json_text, read_time, time_text
from muster.storage.local.database import Database
from muster.storage.ports import TrainingState


class LocalTraining:
    """`TrainingStore` on SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self) -> None:
        """Set the dirty flag."""
        with self._database.write() as connection:
            connection.execute("UPDATE training SET dirty = 1")

    def begin(self, run_id: str, now: datetime, stale_after_seconds: float) -> bool:
        """Start a run unless another is active; see `TrainingStore.begin`."""
        with self._database.write() as connection:
            state = _state(connection)
            if state.running == run_id:
                # This run began before and may have read the templates since, so the dirty flag must stay.
                connection.execute("UPDATE training SET heartbeat_at = ?", (time_text(now),))
                return True
            if state.running is not None and state.heartbeat_at is not None:
                # A heartbeat in the future is left when the clock is set back; that run counts as dead too.
                silent = abs((now - state.heartbeat_at).total_seconds())
                if silent < stale_after_seconds:
                    return False
            connection.execute(
                "UPDATE training SET running = ?, started_at = ?, heartbeat_at = ?, dirty = 0",
                (run_id, time_text(now), time_text(now)),
            )
            return True

    def heartbeat(self, run_id: str, now: datetime) -> bool:
        """Record that the run is alive; see `TrainingStore.heartbeat`."""
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE training SET heartbeat_at = ? WHERE running = ?", (time_text(now), run_id)
            )
            return changed.rowcount == 1

    def hand_over(self, run_id: str, new_id: str, now: datetime) -> bool:
        """Continue the active run under another id; see `TrainingStore.hand_over`."""
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE training SET running = ?, heartbeat_at = ? WHERE running IN (?, ?)",
                (new_id, time_text(now), run_id, new_id),
            )
            return changed.rowcount == 1

    def finish(self, run_id: str, outcome: Mapping[str, Any]) -> bool:
        """End the run and store its outcome; see `TrainingStore.finish`."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE training SET running = NULL, started_at = NULL, heartbeat_at = NULL, last_outcome = ?"
                " WHERE running = ?",
                (json_text(outcome), run_id),
            )
            return _state(connection).dirty

    def state(self) -> TrainingState:
        """Return the state of training."""
        return _state(self._database.read())


def _state(connection: sqlite3.Connection) -> TrainingState:
    running, started_at, heartbeat_at, dirty, outcome = connection.execute(
        "SELECT running, started_at, heartbeat_at, dirty, last_outcome FROM training"
    ).fetchone()
    return TrainingState(
        running=running,
        started_at=None if started_at is None else read_time(started_at),
        heartbeat_at=None if heartbeat_at is None else read_time(heartbeat_at),
        dirty=bool(dirty),
        last_outcome=None if outcome is None else json.loads(outcome),
    )
