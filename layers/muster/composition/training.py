"""Wire training: the population of a pack, and the trainer, which imports torch only when it trains."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.packs.statistics import NetworkStatistics, PackStatistics
from muster.progress import OnProgress
from muster.recognition.calibration import Calibration
from muster.recognition.scoring import NetworkPopulation, Population
from muster.recognition.thresholds import IMPOSTOR_TAIL
from muster.recognition.two_covariance import TwoCovarianceModel
from muster.services.training.run import Trainer, TrainerResult

if TYPE_CHECKING:
    from muster.training.fit import CheckpointStore

_log = logging.getLogger(__name__)

OpenCheckpoint = Callable[[list[Template], bytes | None, bool], "CheckpointStore"]
"""Opens the checkpoint of a training from its templates, its current head, and whether it is full."""


def build_trainer(pack: PackId, population: Population, open_checkpoint: OpenCheckpoint | None = None) -> Trainer:
    """Build the trainer of one pack.

    Args:
        open_checkpoint: None if training need not survive the end of the process.
    """

    def train(templates: list[Template], current: bytes | None, full: bool, progress: OnProgress) -> TrainerResult:
        # torch takes seconds and much memory to import, and most processes never train.
        from muster.training.device import fastest_device
        from muster.training.retrain import retrain
        from muster.training.settings import TrainingSettings

        settings = TrainingSettings(device=fastest_device())
        _log.info("training on %s", settings.device)
        outcome = retrain(
            templates,
            current,
            pack,
            population,
            full=full,
            settings=settings,
            progress=progress,
            checkpoint=None if open_checkpoint is None else open_checkpoint(templates, current, full),
        )
        return TrainerResult(outcome.head, outcome.promote, outcome.report)

    return train


def population_of(statistics: PackStatistics) -> Population:
    """Return the population that scores are normalised by, with the two-covariance model if the pack has one."""
    count = len(statistics.networks)
    # The scores of networks whose agreement was not measured are taken to be independent.
    weights = [count**-0.5] * count if statistics.weights is None else [float(w) for w in statistics.weights]
    networks = tuple(_network(network, weight) for network, weight in zip(statistics.networks, weights, strict=True))
    calibration = Calibration() if statistics.calibration is None else Calibration(*statistics.calibration.tolist())
    tail = IMPOSTOR_TAIL
    if statistics.tail is not None:
        tail = tuple((float(chance), float(score)) for chance, score in statistics.tail)
    return Population(networks, calibration, tail)


def _network(statistics: NetworkStatistics, weight: float) -> NetworkPopulation:
    directions, reliability, standard = statistics.directions, statistics.reliability, statistics.standard
    if directions is None or reliability is None or standard is None:
        return NetworkPopulation(statistics.mean, statistics.factor, None, weight)
    two_covariance = TwoCovarianceModel(directions, reliability, float(standard[0]), float(standard[1]))
    return NetworkPopulation(statistics.mean, statistics.factor, two_covariance, weight)
