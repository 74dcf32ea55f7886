"""What the routes need: the use cases, built by a composition root."""

from dataclasses import dataclass

from muster.domain.identifiers import PackId
from muster.services.detection import DetectionService
from muster.services.heads import CurrentHead
from muster.services.registration import Registration
from muster.services.roster import Roster
from muster.services.training_queue import TrainingQueue


@dataclass(frozen=True, slots=True)
class System:
    """One running Muster."""

    pack: PackId
    registration: Registration
    detection: DetectionService
    roster: Roster
    heads: CurrentHead
    training: TrainingQueue
