"""One training run: from the templates to a head that is promoted, kept or thrown away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from muster.domain.errors import HeadConflict, HeadNotFound
from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.progress import OnProgress
from muster.recognition.policy import HeadUse
from muster.storage.ports import HeadStore, TrainingStore

_HEADS_KEPT = 10


@dataclass(frozen=True, slots=True)
class TrainerResult:
    """What one training gives.

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
        progress: OnProgress,
    ) -> TrainerResult:
        """Train on all templates, from the current head unless `full`; report each step and its share done (0 to 1)."""


class TemplateSource(Protocol):
    """Where the templates of everyone registered are read."""

    def templates(self) -> list[Template]:
        """Return all templates, ordered by student id."""


class Abandoned(Exception):
    """Raised by `progress` to stop a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """Trains on what is stored and puts the result to use, if it is better.

    Attributes:
        training: told of changes that this run could not take in.
        use: `always` promotes every trained head, whatever the promotion gate says.
    """

    pack: PackId
    source: TemplateSource
    heads: HeadStore
    training: TrainingStore
    trainer: Trainer
    use: HeadUse = HeadUse.GATED

    def train(self, full: bool, progress: OnProgress) -> dict[str, Any]:
        """Train, save, and promote what passed the gate.

        Returns:
            The report; its `outcome` is `promoted`, `kept` (the old head stays), `skipped` or `abandoned`.
        """
        current = self.heads.current(self.pack)
        try:
            current_head = None if current is None else self.heads.load(self.pack, current)
            templates = self.source.templates()
            result = self.trainer(templates, current_head, full, progress)
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
            # Erasing deletes the heads that were there; this one came later and still knows the student.
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
