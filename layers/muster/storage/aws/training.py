"""The state of training in one item."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from muster.storage.aws import keys
from muster.storage.aws.table import ConditionFailed, Item, Table
from muster.storage.documents import json_text, read_time, time_text
from muster.storage.ports import TrainingState

_KEY = (keys.TRAINING, keys.RECORD)


class AwsTraining:
    """`TrainingStore` on DynamoDB: every method that writes is one conditional update of the item."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def request(self) -> None:
        """Set the dirty flag."""
        self._table.update(_KEY, "SET dirty = :yes", {":yes": True})

    def begin(self, run_id: str, now: datetime, stale_after_seconds: float) -> bool:
        """Start a run unless another is active; see `TrainingStore.begin`."""
        values = {
            ":run": run_id,
            ":now": time_text(now),
            ":limit": time_text(now - timedelta(seconds=stale_after_seconds)),
            ":future": time_text(now + timedelta(seconds=stale_after_seconds)),
            ":no": False,
        }
        try:
            self._table.update(
                _KEY,
                "SET running = :run, started_at = :now, heartbeat_at = :now, dirty = :no",
                values,
                "attribute_not_exists(running)"
                " OR (running <> :run AND (heartbeat_at <= :limit OR heartbeat_at >= :future))",
            )
        except ConditionFailed:
            # This run began before and may have read the templates since, so the dirty flag must stay.
            return self.heartbeat(run_id, now)
        return True

    def heartbeat(self, run_id: str, now: datetime) -> bool:
        """Record that the run is alive; see `TrainingStore.heartbeat`."""
        try:
            self._table.update(
                _KEY, "SET heartbeat_at = :now", {":now": time_text(now), ":run": run_id}, "running = :run"
            )
        except ConditionFailed:
            return False
        return True

    def hand_over(self, run_id: str, new_id: str, now: datetime) -> bool:
        """Continue the active run under another id; see `TrainingStore.hand_over`."""
        try:
            self._table.update(
                _KEY,
                "SET running = :new, heartbeat_at = :now",
                {":now": time_text(now), ":run": run_id, ":new": new_id},
                "running = :run OR running = :new",
            )
        except ConditionFailed:
            return False
        return True

    def finish(self, run_id: str, outcome: Mapping[str, Any]) -> bool:
        """End the run and store its outcome; see `TrainingStore.finish`."""
        try:
            item = self._table.update(
                _KEY,
                "SET last_outcome = :outcome REMOVE running, started_at, heartbeat_at",
                {":outcome": json_text(outcome), ":run": run_id},
                "running = :run",
            )
        except ConditionFailed:
            return self.state().dirty
        return _state(item).dirty

    def state(self) -> TrainingState:
        """Return the state of training."""
        return _state(self._table.get(_KEY) or {})


def _state(item: Item) -> TrainingState:
    running = item.get("running")
    return TrainingState(
        running=running,
        started_at=read_time(item["started_at"]) if running else None,
        heartbeat_at=read_time(item["heartbeat_at"]) if running else None,
        dirty=bool(item.get("dirty")),
        last_outcome=json.loads(item["last_outcome"]) if "last_outcome" in item else None,
    )
