"""One machine, no account: SQLite and files, and a worker thread that trains."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from muster.api.system import System
from muster.composition.settings import LocalSettings
from muster.composition.trainer import local_trainer
from muster.packs.load import ModelPack, load_pack
from muster.recognition.scoring import Population
from muster.recognition.thresholds import Thresholds
from muster.services.detection import DetectionService
from muster.services.galleries import Galleries
from muster.services.heads import CurrentHead
from muster.services.registration import Registration
from muster.services.roster import Roster
from muster.services.sessions import Sessions
from muster.services.training_queue import TrainingQueue
from muster.services.training_run import Trainer
from muster.storage.local import LocalStores, open_local
from muster.vision.detector import CenterFaceDetector
from muster.vision.embedder import FaceNetEmbedder
from muster.vision.pipeline import VisionPipeline


@dataclass(frozen=True, slots=True)
class LocalSystem(System):
    """A system on one machine, with its stores at hand."""

    stores: LocalStores


def open_vision(pack: ModelPack, settings: LocalSettings) -> VisionPipeline:
    """Load the models of a pack."""
    return VisionPipeline(
        detector=CenterFaceDetector(pack.detector, settings.threads),
        embedder=FaceNetEmbedder(pack.embedder, settings.threads),
        segmented=pack.manifest.segmenter.enabled,
    )


def open_local_system(
    data: Path | None = None, settings: LocalSettings | None = None, vision: VisionPipeline | None = None
) -> LocalSystem:
    """Build the whole system.

    Args:
        data: the store's folder; None takes the one of the settings.
        vision: models that are loaded already.

    Raises:
        PackMissing, PackDamaged: the model pack cannot be used.
    """
    settings = settings or LocalSettings()
    pack = load_pack(settings.pack, settings.home)
    vision = vision or open_vision(pack, settings)
    stores = open_local(data or settings.data)
    population = Population(pack.statistics.mean, pack.statistics.factor)
    galleries = Galleries(stores.students, pack.id, population)
    heads = CurrentHead(stores.heads, pack.id)
    training = TrainingQueue(pack.id, stores.students, stores.heads, stores.training, _trainer(pack, population))
    return LocalSystem(
        pack=pack.id,
        registration=Registration(
            pack.id,
            vision,
            stores.students,
            galleries,
            Thresholds(),
            training.request,
        ),
        detection=DetectionService(
            pack.id,
            vision,
            stores.students,
            stores.sessions,
            galleries,
            heads,
            Thresholds(present_fpir=settings.target_fpir),
        ),
        roster=Roster(stores.students, stores.heads, training.request),
        sessions=Sessions(stores.students, stores.sessions),
        heads=heads,
        training=training,
        uploads=None,
        stores=stores,
    )


def open_roster(data: Path | None = None) -> Roster:
    """Open the students alone, without loading a model."""
    stores = open_local(data or LocalSettings().data)
    return Roster(stores.students, stores.heads, stores.training.request)


def _trainer(pack: ModelPack, population: Population) -> Trainer | None:
    return local_trainer(pack.id, population) if find_spec("torch") is not None else None
