"""What `muster evaluate` and the benchmarks measure: recognition exactly as the local system ships it."""

from collections.abc import Sequence
from importlib.util import find_spec

from muster.composition.population import population_of
from muster.composition.settings import LocalSettings
from muster.composition.trainer import local_trainer
from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.evaluation.rounds import Recognition, TrainedHead, TrainHead
from muster.packs.load import ModelPack
from muster.recognition.head import Head
from muster.recognition.scoring import Population
from muster.recognition.thresholds import Thresholds


def shipped_recognition(pack: ModelPack, settings: LocalSettings) -> Recognition:
    """Describe recognition with this pack; stage 1 alone where training is not installed."""
    population = population_of(pack.statistics)
    train = head_training(pack.id, population) if find_spec("torch") is not None else None
    return Recognition(pack.id, population, Thresholds(present_fpir=settings.target_fpir), train)


def head_training(pack: PackId, population: Population) -> TrainHead:
    """Train as production does: a head that the promotion gate keeps back is no head."""
    trainer = local_trainer(pack, population)

    def train(templates: Sequence[Template]) -> TrainedHead:
        result = trainer(list(templates), None, True, lambda step, share: None)
        head = Head.load(result.head, pack) if result.promote and result.head is not None else None
        return TrainedHead(head, str(result.report.get("reason", "")))

    return train
