"""One training run: trains a head on the templates, and promotes it if it is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from muster.domain.errors import HeadConflict, HeadNotFound
from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.progress import OnProgress
from muster.recognition.policy import HeadUse
from muster.services.caches.head_pointer import current_head
from muster.storage.ports import HeadStore, TrainingStore

_HEADS_KEPT = 10


@dataclass(frozen=True, slots=True)
class TrainerResult:
    """The result of one training.

    Attributes:
        head: the head file, or None if there are too few students.
        promote: whether the head passed the promotion gate.
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
        progress: OnProgress,
    ) -> TrainerResult:
        """Train on all templates, from the current head unless `full`; report each step's progress (0 to 1)."""


class TemplateSource(Protocol):
    """Returns the templates of all registered students."""

    def templates(self) -> list[Template]:
        """Return all templates, ordered by student id."""


class Abandoned(Exception):
    """Raised by `progress` to stop a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """Trains on the stored templates, and promotes the result if it is better.

    Attributes:
        training: gets a request for changes that this run did not include.
        use: `always` promotes every trained head, without the promotion gate.
    """

    pack: PackId
    source: TemplateSource
    heads: HeadStore
    training: TrainingStore
    trainer: Trainer
    use: HeadUse = HeadUse.GATED

    def train(self, full: bool, progress: OnProgress) -> dict[str, Any]:
        """Train, save, and promote the head if it passed the gate.

        Returns:
            The report; its `outcome` is `promoted`, `kept` (the old head stays), `skipped` or `abandoned`.
        """
        current = self.heads.current(self.pack)
        in_use = current_head(self.heads, self.pack)
        try:
            head = None if in_use is None else self.heads.load(*in_use)
            templates = self.source.templates()
            result = self.trainer(templates, head, full, progress)
        except Abandoned:
            return self._abandoned("The run was stopped, or another took over.")
        except HeadNotFound:
            return self._abandoned("The training in use was removed in the meantime.")
        report = dict(result.report)
        if result.head is None:
            return {"outcome": "skipped", **report}
        version = self.heads.save(self.pack, result.head, report)
        report["version"] = version
        if self._somebody_left(templates):
            # Erasure deletes the existing heads; this one came later and was trained on the student.
            self.heads.prune(self.pack, keep=0)
            return self._abandoned("A student was erased in the meantime.")
        if not result.promote and self.use is not HeadUse.ALWAYS:
            return {"outcome": "kept", **report}
        try:
            self.heads.promote(self.pack, version, expected=current)
        except (HeadConflict, HeadNotFound):
            self.training.request()
            return {**report, "outcome": "kept", "reason": "The training in use was changed in the meantime."}
        self.heads.prune(self.pack, _HEADS_KEPT)
        return {"outcome": "promoted", **report}

    def _somebody_left(self, trained_on: list[Template]) -> bool:
        now = {(template.student_id, template.photo_digest) for template in self.source.templates()}
        return any((template.student_id, template.photo_digest) not in now for template in trained_on)

    def _abandoned(self, reason: str) -> dict[str, Any]:
        self.training.request()
        return {"outcome": "abandoned", "reason": reason}
