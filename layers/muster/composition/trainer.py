"""The trainer of the local system, which imports torch only when it trains."""

from collections.abc import Callable

from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.recognition.scoring import Population
from muster.services.training.run import Trainer, TrainerResult


def local_trainer(pack: PackId, population: Population) -> Trainer:
    """Make the trainer of one pack."""

    def train(
        templates: list[Template], current: bytes | None, full: bool, progress: Callable[[str, float], None]
    ) -> TrainerResult:
        # torch takes seconds and much memory to import, and most processes never train.
        from muster.training.device import fastest_device
        from muster.training.retrain import retrain
        from muster.training.settings import TrainingSettings

        settings = TrainingSettings(device=fastest_device())
        outcome = retrain(templates, current, pack, population, full=full, settings=settings, progress=progress)
        return TrainerResult(outcome.head, outcome.promote, outcome.report)

    return train
