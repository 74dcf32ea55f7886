"""Retraining in the background: one run at a time, requests during a run lead to one more."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any, Protocol
from uuid import uuid4

from muster.domain.errors import HeadConflict, MusterError
from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.storage.ports import HeadStore, HeadVersion, StudentStore, TrainingState, TrainingStore

_log = logging.getLogger(__name__)

_STALE_AFTER_SECONDS = 120.0
_HEADS_KEPT = 10


@dataclass(frozen=True, slots=True)
class TrainerResult:
    """What one training run gives.

    Attributes:
        head: the head file, or None where none could be trained (too few students).
        promote: whether the promotion gate lets it become current.
        report: JSON-like: the reason, metrics, counts, seconds.
    """

    head: bytes | None
    promote: bool
    report: Mapping[str, Any]


class Trainer(Protocol):
    """Trains a head; implemented by `muster.training`, which needs torch."""

    def __call__(
        self,
        templates: list[Template],
        current: bytes | None,
        full: bool,
        progress: Callable[[str, float], None],
    ) -> TrainerResult:
        """Train on all templates, from the current head unless `full`; report each step and its share done (0 to 1)."""


class TrainingQueue:
    """Owns the worker thread of the local system.

    Args:
        trainer: None where training is not installed: requests are kept, and stage 1 decides alone.
    """

    def __init__(
        self,
        pack: PackId,
        students: StudentStore,
        heads: HeadStore,
        training: TrainingStore,
        trainer: Trainer | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pack = pack
        self._students = students
        self._heads = heads
        self._training = training
        self._trainer = trainer
        self._now = now
        self._wake = Event()
        self._stopping = Event()
        self._thread: Thread | None = None

    def request(self) -> None:
        """Ask for a run; returns at once."""
        self._training.request()
        self._wake.set()

    def state(self) -> TrainingState:
        """Return where training stands."""
        return self._training.state()

    def versions(self) -> list[HeadVersion]:
        """Return the stored heads, oldest first."""
        return self._heads.versions(self._pack)

    def rollback(self, version: int) -> None:
        """Make an older head current again.

        Raises:
            HeadNotFound: no head has this number.
            HeadConflict: another head became current in the meantime.
        """
        self._heads.promote(self._pack, version, expected=self._heads.current(self._pack))

    def start(self) -> None:
        """Start the worker thread; what was asked for before a restart is done first."""
        self._wake.set()
        self._thread = Thread(target=self._work, name="training", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Let the worker end; a run under way is abandoned and asked for again at the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def run_once(self, full: bool = False, progress: Callable[[str, float], None] | None = None) -> Mapping[str, Any]:
        """Train now, in this thread.

        Returns:
            The report; its `outcome` is `promoted`, `kept` (the old head stays), `skipped` or `busy`.
        """
        if self._trainer is None:
            return {"outcome": "skipped", "reason": "Training is not installed: add the `train` extra."}
        run_id = uuid4().hex
        if not self._training.begin(run_id, self._now(), _STALE_AFTER_SECONDS):
            return {"outcome": "busy", "reason": "Another training run is under way."}
        report: dict[str, Any] = {"outcome": "failed", "reason": "The run was interrupted."}
        try:
            report = self._train(run_id, self._trainer, full, progress or (lambda *_: None))
        except MusterError as error:
            report = {"outcome": "failed", "reason": str(error), "code": error.code}
        finally:
            again = self._training.finish(run_id, report)
            if again:
                self._wake.set()
        return report

    def _train(
        self, run_id: str, trainer: Trainer, full: bool, progress: Callable[[str, float], None]
    ) -> dict[str, Any]:
        def alive(step: str, share: float) -> None:
            if self._stopping.is_set() or not self._training.heartbeat(run_id, self._now()):
                raise _Abandoned
            progress(step, share)

        current = self._heads.current(self._pack)
        current_head = None if current is None else self._heads.load(self._pack, current)
        try:
            result = trainer(self._students.templates(), current_head, full, alive)
        except _Abandoned:
            self._training.request()
            return {"outcome": "abandoned", "reason": "The server stopped, or another run took over."}
        report = dict(result.report)
        if result.head is None:
            return {"outcome": "skipped", **report}
        version = self._heads.save(self._pack, result.head, report)
        report["version"] = version
        if not result.promote:
            return {"outcome": "kept", **report}
        try:
            self._heads.promote(self._pack, version, expected=current)
        except HeadConflict:
            self._training.request()
            return {**report, "outcome": "kept", "reason": "Another head was promoted in the meantime."}
        self._heads.prune(self._pack, _HEADS_KEPT)
        return {"outcome": "promoted", **report}

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            while not self._stopping.is_set() and self._training.state().dirty:
                try:
                    report = self.run_once()
                except Exception:  # noqa: BLE001 a bug in one run must not end the worker for good
                    _log.exception("training failed")
                    break
                _log.info("training %s: %s", report["outcome"], report.get("reason", ""))
                if report["outcome"] in ("busy", "failed") or self._trainer is None:
                    break


class _Abandoned(Exception):
    """The run must stop."""
