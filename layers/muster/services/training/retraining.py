"""Start of training jobs that run elsewhere and report their end as events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from muster.recognition.policy import HeadUse
from muster.services.training.run_ids import event_of, held_by_job, is_on_processors, on_processors
from muster.storage.ports import TrainingStore

_STALE_AFTER_SECONDS = 24 * 3600.0
"""A job may wait hours for a machine, without a heartbeat; its end is always reported."""


class EventEffect(StrEnum):
    """The effect of an event."""

    STARTED = "started"
    MOVED = "moved"
    COALESCED = "coalesced"
    ENDED = "ended"
    IGNORED = "ignored"


class Jobs(Protocol):
    """Starts training jobs."""

    def submit(self, run_id: str) -> None:
        """Start the job of one run; it reports heartbeats and its result under this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJob:
    """A job that ended, as its event describes it.

    Attributes:
        run_id: the run that it was submitted for.
        failed: whether the job failed, or got no machine.
        reason: recorded as the reason of the failure if the job reported none.
    """

    run_id: str
    job_id: str
    failed: bool
    reason: str


class Retraining:
    """Runs one job at a time; changes during a run cause one more.

    The same event may arrive twice, late, or after an interrupted call. The id of the event becomes the id of the run,
    so a repeated call continues its own run.

    Args:
        fallback: carries out a run on processors if its job on a GPU fails or gets none; None if there is no GPU.
        use: `never` starts no job; changes are stored until this changes.
    """

    def __init__(
        self,
        training: TrainingStore,
        jobs: Jobs,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        use: HeadUse = HeadUse.GATED,
        *,
        fallback: Jobs | None = None,
    ) -> None:
        self._use = use
        self._training = training
        self._jobs = jobs
        self._fallback = fallback
        self._now = now

    def templates_changed(self, event_id: str) -> EventEffect:
        """Start a run, or leave the change to the run after the current one."""
        running = self._training.state().running
        if running is not None and running != event_id and event_of(running) == event_id:
            return EventEffect.STARTED  # by an earlier delivery of this event; a job has the run by now
        if running != event_id:
            self._training.request()
        return self._start(event_id)

    def job_ended(self, job: EndedJob, event_id: str) -> EventEffect:
        """Record that a job ended; move its run to processors, or start another if something changed.

        A job reports its own result, unless it crashed or lost its machine too often. A run that fails on a GPU is
        carried out once more on processors, where its checkpoint is continued. If it fails there, its changes are
        trained on with the next change, so a run that always fails is not repeated for ever.
        """
        state = self._training.state()
        if state.running == event_id:
            return self._start(event_id)
        held = {job.run_id, held_by_job(job.run_id, job.job_id)}
        may_move = job.failed and not is_on_processors(job.run_id) and self._use is not HeadUse.NEVER
        if self._fallback is not None and may_move:
            moved = on_processors(job.run_id)
            if state.running in {*held, moved}:
                return self._move(self._fallback, state.running, moved)
        if state.running not in {None, *held}:
            return EventEffect.IGNORED
        due = state.dirty
        if state.running is not None:
            due = self._training.finish(state.running, {"outcome": "failed", "reason": job.reason})
            if not due:
                self._training.request()
        return self._start(event_id) if due else EventEffect.ENDED

    def _move(self, fallback: Jobs, running: str, moved: str) -> EventEffect:
        if not self._training.hand_over(running, moved, self._now()):
            return EventEffect.IGNORED
        self._submit(fallback, moved)
        return EventEffect.MOVED

    def _start(self, run_id: str) -> EventEffect:
        if self._use is HeadUse.NEVER:
            return EventEffect.IGNORED
        if not self._training.begin(run_id, self._now(), _STALE_AFTER_SECONDS):
            return EventEffect.COALESCED
        self._submit(self._jobs, run_id)
        return EventEffect.STARTED

    def _submit(self, jobs: Jobs, run_id: str) -> None:
        submitted = False
        try:
            jobs.submit(run_id)
            submitted = True
        finally:
            if not submitted:
                # Requested first: if the process is killed here, the next event starts the run again.
                self._training.request()
                self._training.finish(run_id, {"outcome": "failed", "reason": "No job could be started."})
