"""What the routes need: the use cases, built by a composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from muster.api.authorize import Authorize
from muster.api.middleware.rate_limit import RateLimits
from muster.domain.identifiers import PackId
from muster.services.privacy.subject_access import SubjectAccess
from muster.services.reporting.reports import Reports
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.sessions import Sessions
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from muster.services.training.queue import TrainingQueue
from muster.services.uploading.uploads import Uploads
from muster.storage.ports import IdempotencyStore

if TYPE_CHECKING:
    # These bring the models' libraries, which a process that only keeps records neither has nor waits for.
    from muster.services.learning.named_faces import Learning
    from muster.services.photos.session_pictures import SessionPictures
    from muster.services.registering.registration import Registration
    from muster.services.roll_call.detection import RollCalls
    from muster.vision.decode import Decode


class HeadInUse(Protocol):
    """Tells which head decides."""

    def number(self) -> int | None:
        """Return its number, or None where stage 1 decides alone."""


@dataclass(frozen=True, slots=True)
class RecordServices:
    """The use cases that need no model.

    Attributes:
        access: a dependency of every route that is not open to all.
        answers: what was answered to requests that may come again.
        limits: None where a gateway limits how often one may ask.
        uploads: None where photos come with the request only.
        max_photo_bytes: largest photo that comes with a request.
        check_store: raises where the store takes no writes; asked by health checks.
    """

    pack: PackId
    access: Authorize
    answers: IdempotencyStore
    limits: RateLimits | None
    roster: Roster
    groups: Groups
    subject_access: SubjectAccess
    sessions: Sessions
    corrections: Corrections
    reports: Reports
    heads: HeadInUse
    training: TrainingQueue
    uploads: Uploads | None
    max_photo_bytes: int
    check_store: Callable[[], None] = field(default=lambda: None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Services(RecordServices):
    """One running Muster.

    Attributes:
        decode: reads photos out of the store.
    """

    registration: Registration
    detection: RollCalls
    learning: Learning
    session_pictures: SessionPictures
    decode: Decode
