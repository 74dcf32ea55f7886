"""What the routes need: the use cases, built by a composition root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from muster.domain.identifiers import PackId
from muster.services.groups import Groups
from muster.services.roster import Roster
from muster.services.sessions import Sessions
from muster.services.training_queue import TrainingQueue
from muster.services.uploads import Uploads

if TYPE_CHECKING:
    # Both bring the models' libraries, which a process that only keeps records neither has nor waits for.
    from muster.services.detection import DetectionService
    from muster.services.registration import Registration


class HeadInUse(Protocol):
    """Tells which head decides."""

    def number(self) -> int | None:
        """Return its number, or None where stage 1 decides alone."""


@dataclass(frozen=True, slots=True)
class Records:
    """The use cases that need no model.

    Attributes:
        uploads: None where photos come with the request only.
    """

    pack: PackId
    roster: Roster
    groups: Groups
    sessions: Sessions
    heads: HeadInUse
    training: TrainingQueue
    uploads: Uploads | None


@dataclass(frozen=True, slots=True)
class System(Records):
    """One running Muster."""

    registration: Registration
    detection: DetectionService
