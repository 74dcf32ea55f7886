"""Deciding when a training job is started, where jobs run elsewhere and report back as events."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from muster.recognition.policy import HeadUse
from muster.storage.ports import TrainingStore

_STALE_AFTER_SECONDS = 24 * 3600.0
"""A job may wait for a machine for hours, and says nothing while it waits; its end is always reported."""


class Decision(StrEnum):
    """What came of an event."""

    STARTED = "started"
    COALESCED = "coalesced"
    ENDED = "ended"
    IGNORED = "ignored"


class Jobs(Protocol):
    """Where training jobs are started."""

    def submit(self, run_id: str) -> None:
        """Start the job of one run; it will say that it is alive, and what it did, under this id."""


class Retraining:
    """One run at a time; what changes during a run leads to one more.

    The same event may come twice, late, or after a call was cut off in the middle: the id of the event becomes the id
    of the run, so that a repeated call takes up its own run where it stopped.

    Args:
        use: `never` starts no job; changes are noted, for when that is changed.
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

    def templates_changed(self, event_id: str) -> Decision:
        """Start a run, or leave the change to the run after the one under way."""
        if self._training.state().running != event_id:
            self._training.request()
        return self._start(event_id)

    def run_ended(self, run_id: str, event_id: str, reason: str) -> Decision:
        """Take note that a job is over, and start another if something changed meanwhile.

        A job says itself what it did, unless it could not: it crashed, or its machine was taken away too often. What it
        was to learn is then still wanted, and waits for the next change: a run that must fail is not tried for ever.

        Args:
            reason: why the job ended, should it have said nothing.
        """
        state = self._training.state()
        if state.running == event_id:
            return self._start(event_id)
        if state.running not in (None, run_id):
            return Decision.IGNORED
        due = state.dirty
        if state.running == run_id:
            due = self._training.finish(run_id, {"outcome": "failed", "reason": reason})
            if not due:
                self._training.request()
        return self._start(event_id) if due else Decision.ENDED

    def _start(self, run_id: str) -> Decision:
        if self._use is HeadUse.NEVER:
            return Decision.IGNORED
        if not self._training.begin(run_id, self._now(), _STALE_AFTER_SECONDS):
            return Decision.COALESCED
        submitted = False
        try:
            self._jobs.submit(run_id)
            submitted = True
        finally:
            if not submitted:
                # Asked for first: cut off in between, the run is started again by whoever comes next.
                self._training.request()
                self._training.finish(run_id, {"outcome": "failed", "reason": "No job could be started."})
        return Decision.STARTED
