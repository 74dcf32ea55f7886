"""Wire the evaluation: recognition exactly as the local system uses it."""

from collections.abc import Sequence
from importlib.util import find_spec

from muster.composition.settings import LocalSettings
from muster.composition.training import build_trainer, population_of
from muster.domain.identifiers import PackId
from muster.domain.student import Template
from muster.evaluation.rounds import Recognition, TrainedHead, TrainHead
from muster.packs.load import ModelPack
from muster.recognition.head import Head
from muster.recognition.policy import HeadUse, Policy
from muster.recognition.scoring import Population


def shipped_recognition(pack: ModelPack, settings: LocalSettings) -> Recognition:
    """Return recognition with this pack; stage 1 alone if training is not installed."""
    population = population_of(pack.statistics)
    trains = find_spec("torch") is not None and settings.head is not HeadUse.NEVER
    train = head_training(pack.id, population, settings.head) if trains else None
    return Recognition(pack.id, population, Policy(settings.wrong_marks, head=settings.head), train)


def head_training(pack: PackId, population: Population, use: HeadUse = HeadUse.GATED) -> TrainHead:
    """Train as production does: without a head if the promotion gate rejects it, unless every head is used."""
    trainer = build_trainer(pack, population)

    def train(templates: Sequence[Template]) -> TrainedHead:
        result = trainer(list(templates), None, True, lambda step, share: None)
        promoted = result.promote or use is HeadUse.ALWAYS
        head = Head.load(result.head, pack) if promoted and result.head is not None else None
        return TrainedHead(head, str(result.report.get("reason", "")))

    return train
