"""Training in the background: one run at a time; requests during a run cause one more."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from muster.domain.errors import MusterError
from muster.domain.identifiers import PackId
from muster.domain.packs import comparable_packs
from muster.progress import OnProgress
from muster.recognition.policy import HeadUse
from muster.services.caches.head_pointer import current_head
from muster.services.training.run import Abandoned, Trainer, TrainingRun
from muster.storage.ports import HeadStore, HeadVersion, StudentStore, TrainingState, TrainingStore

_log = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 30.0
"""Interval in which the worker checks for requests of other processes, such as the command line."""

_STALE_AFTER_SECONDS = 120.0


class TrainingQueue:
    """Owns the worker thread of the local system.

    Args:
        trainer: None if training is not installed; requests are stored, and no head is used.
        use: `never` trains nothing; requests are stored until this changes.
    """

    def __init__(
        self,
        *,
        pack: PackId,
        students: StudentStore,
        heads: HeadStore,
        training: TrainingStore,
        trainer: Trainer | None,
        use: HeadUse = HeadUse.GATED,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pack = pack
        self._students = students
        self._heads = heads
        self._training = training
        self._trainer = None if use is HeadUse.NEVER else trainer
        self._use = use
        self._now = now
        self._wake = Event()
        self._stopping = Event()
        self._thread: Thread | None = None

    def request(self) -> None:
        """Request a run; returns at once."""
        self._training.request()
        self._wake.set()

    def state(self) -> TrainingState:
        """Return the state of training."""
        return self._training.state()

    def versions(self) -> list[HeadVersion]:
        """Return the heads of the pack whose head is in use, oldest first."""
        return self._heads.versions(self._pack_of_heads())

    def rollback(self, version: int) -> None:
        """Make an older head current again, one of the pack whose head is in use.

        Raises:
            HeadNotFound: no head has this number.
            HeadConflict: another head became current in the meantime.
        """
        pack = self._pack_of_heads()
        self._heads.promote(pack, version, expected=self._heads.current(pack))

    def withdraw(self) -> None:
        """Stop using any head until another is promoted.

        Raises:
            HeadConflict: another head became current in the meantime.
        """
        for pack in comparable_packs(self._pack):
            current = self._heads.current(pack)
            if pack == self._pack or current is not None:
                self._heads.promote(pack, None, expected=current)

    def _pack_of_heads(self) -> PackId:
        """Return the pack whose head is in use, or else the first comparable one that has heads."""
        in_use = current_head(self._heads, self._pack)
        if in_use is not None:
            return in_use[0]
        return next((pack for pack in comparable_packs(self._pack) if self._heads.versions(pack)), self._pack)

    def start(self) -> None:
        """Start the worker thread; requests from before a restart are processed first."""
        self._wake.set()
        self._thread = Thread(target=self._work, name="training", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop the worker; a running training is abandoned, and requested again at the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def run_once(self, full: bool = False, progress: OnProgress | None = None) -> Mapping[str, Any]:
        """Train now, in this thread.

        Returns:
            The report; its `outcome` is `promoted`, `kept` (the old head stays), `skipped`, `abandoned`, `failed`
            or `busy`.
        """
        if self._use is HeadUse.NEVER:
            return {"outcome": "skipped", "reason": "Training is switched off: MUSTER_HEAD is never."}
        if self._trainer is None:
            return {"outcome": "skipped", "reason": "Training is not installed: add the `train` extra."}
        run_id = uuid4().hex
        if not self._training.begin(run_id, self._now(), _STALE_AFTER_SECONDS):
            return {"outcome": "busy", "reason": "Another training run is under way."}
        report: dict[str, Any] = {"outcome": "failed", "reason": "The run was interrupted."}
        try:
            run = TrainingRun(
                pack=self._pack,
                source=self._students,
                heads=self._heads,
                training=self._training,
                trainer=self._trainer,
                use=self._use,
            )
            report = run.train(full, self._alive(run_id, progress or (lambda *_: None)))
        except MusterError as error:
            report = {"outcome": "failed", "reason": str(error), "code": error.code}
        finally:
            again = self._training.finish(run_id, report)
            if again:
                self._wake.set()
        return report

    def _alive(self, run_id: str, progress: OnProgress) -> OnProgress:
        def alive(step: str, share: float) -> None:
            if self._stopping.is_set() or not self._training.heartbeat(run_id, self._now()):
                raise Abandoned
            progress(step, share)

        return alive

    def _due(self) -> bool:
        """Return whether something changed, or the current run's heartbeat has gone stale."""
        state = self._training.state()
        if state.running is None or state.heartbeat_at is None:
            return state.dirty
        return abs((self._now() - state.heartbeat_at).total_seconds()) > _STALE_AFTER_SECONDS

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_LOOK_AGAIN_SECONDS)
            self._wake.clear()
            while not self._stopping.is_set() and self._due():
                try:
                    report = self.run_once()
                except Exception:  # noqa: BLE001 a bug in one run must not end the worker for good
                    _log.exception("training failed")
                    break
                _log.info("training %s: %s", report["outcome"], report.get("reason", ""))
                if report["outcome"] in ("busy", "failed") or self._trainer is None:
                    break
