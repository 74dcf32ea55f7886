"""Start of training jobs that run elsewhere and report their end as events."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from muster.recognition.policy import HeadUse
from muster.storage.ports import TrainingStore

_STALE_AFTER_SECONDS = 24 * 3600.0
"""A job may wait hours for a machine, without a heartbeat; its end is always reported."""


class EventEffect(StrEnum):
    """The effect of an event."""

    STARTED = "started"
    COALESCED = "coalesced"
    ENDED = "ended"
    IGNORED = "ignored"


class Jobs(Protocol):
    """Starts training jobs."""

    def submit(self, run_id: str) -> None:
        """Start the job of one run; it reports heartbeats and its result under this id."""


class Retraining:
    """Runs one job at a time; changes during a run cause one more.

    The same event may arrive twice, late, or after an interrupted call. The id of the event becomes the id of the run,
    so a repeated call continues its own run.

    Args:
        use: `never` starts no job; changes are stored until this changes.
    """

    def __init__(
        self,
        training: TrainingStore,
        jobs: Jobs,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        use: HeadUse = HeadUse.GATED,
    ) -> None:
        self._use = use
        self._training = training
        self._jobs = jobs
        self._now = now

    def templates_changed(self, event_id: str) -> EventEffect:
        """Start a run, or leave the change to the run after the current one."""
        if self._training.state().running != event_id:
            self._training.request()
        return self._start(event_id)

    def run_ended(self, run_id: str, event_id: str, reason: str) -> EventEffect:
        """Record that a job ended, and start another if something changed during the run.

        A job reports its own result, unless it crashed or lost its machine too often. Its changes are then trained on
        with the next change, so a run that always fails is not repeated for ever.

        Args:
            reason: failure reason to record if the job reported none.
        """
        state = self._training.state()
        if state.running == event_id:
            return self._start(event_id)
        if state.running not in (None, run_id):
            return EventEffect.IGNORED
        due = state.dirty
        if state.running == run_id:
            due = self._training.finish(run_id, {"outcome": "failed", "reason": reason})
            if not due:
                self._training.request()
        return self._start(event_id) if due else EventEffect.ENDED

    def _start(self, run_id: str) -> EventEffect:
        if self._use is HeadUse.NEVER:
            return EventEffect.IGNORED
        if not self._training.begin(run_id, self._now(), _STALE_AFTER_SECONDS):
            return EventEffect.COALESCED
        submitted = False
        try:
            self._jobs.submit(run_id)
            submitted = True
        finally:
            if not submitted:
                # Requested first: if the process is killed here, the next event starts the run again.
                self._training.request()
                self._training.finish(run_id, {"outcome": "failed", "reason": "No job could be started."})
        return EventEffect.STARTED
