"""The services that the routes call. `composition` builds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    # Named as types only. Some import the model libraries, which a process without recognition does not have.
    from muster.api.access import AccessRules
    from muster.api.rate_limits import RateLimits
    from muster.api.sign_in import SignIn
    from muster.domain.identifiers import PackId
    from muster.services.codes.tables import Codes
    from muster.services.exchange.api_tokens import ApiTokens
    from muster.services.exchange.substitutes import Substitutes
    from muster.services.learning.named_faces import Learning
    from muster.services.notices.sending import Notices
    from muster.services.photos.session_pictures import SessionPictures
    from muster.services.privacy.retention_preview import RetentionPreview
    from muster.services.privacy.subject_access import SubjectAccess
    from muster.services.registering.registration import Registration
    from muster.services.reporting.changes import ChangeHistory
    from muster.services.reporting.exports import Exports
    from muster.services.reporting.overviews import Overviews
    from muster.services.reporting.reports import Reports
    from muster.services.roll_call.absences import PlannedAbsences
    from muster.services.roll_call.corrections import Corrections
    from muster.services.roll_call.detection import RollCalls
    from muster.services.roll_call.guests import Guests
    from muster.services.roll_call.registers import Registers
    from muster.services.roll_call.sessions import Sessions
    from muster.services.roster.groups import Groups
    from muster.services.roster.people import People
    from muster.services.roster.students import Roster
    from muster.services.roster.users import Users
    from muster.services.timetable.lesson_sessions import LessonSessions
    from muster.services.timetable.timetables import Timetables
    from muster.services.training.queue import TrainingQueue
    from muster.services.uploading.uploads import Uploads
    from muster.storage.ports import IdempotencyStore
    from muster.vision.decode import Decode


class HeadInUse(Protocol):
    """Returns which trained head is in use."""

    def number(self) -> int | None:
        """Return its number, or None if there is none."""


@dataclass(frozen=True, slots=True)
class RecordServices:
    """The services that need no model.

    Attributes:
        sign_in: identifies callers.
        answers: responses to requests that may be repeated.
        people: names of users.
        limits: None if a gateway limits the rate of requests.
        uploads: None if photos come in requests only.
        max_photo_bytes: largest photo in a request.
        retention: what expires soon.
        users: None if accounts are managed elsewhere, as in the cloud.
        notices: of absences.
        changes: of the registers of a period.
        api_tokens: the tokens of other systems.
        substitutes: the codes of substitutes.
        check_store: raises if the store cannot be written; called by health checks.
    """

    pack: PackId
    sign_in: SignIn
    access: AccessRules
    answers: IdempotencyStore
    limits: RateLimits | None
    roster: Roster
    groups: Groups
    people: People
    subject_access: SubjectAccess
    sessions: Sessions
    corrections: Corrections
    reports: Reports
    timetables: Timetables
    lesson_sessions: LessonSessions
    absences: PlannedAbsences
    guests: Guests
    overviews: Overviews
    codes: Codes
    registers: Registers
    exports: Exports
    heads: HeadInUse
    training: TrainingQueue
    uploads: Uploads | None
    max_photo_bytes: int
    retention: RetentionPreview = field(kw_only=True)
    users: Users | None = field(default=None, kw_only=True)
    notices: Notices = field(kw_only=True)
    changes: ChangeHistory = field(kw_only=True)
    api_tokens: ApiTokens = field(kw_only=True)
    substitutes: Substitutes = field(kw_only=True)
    check_store: Callable[[], None] = field(default=lambda: None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Services(RecordServices):
    """All services, including those that need models.

    Attributes:
        decode: decodes stored photos.
    """

    registration: Registration
    detection: RollCalls
    learning: Learning
    session_pictures: SessionPictures
    decode: Decode
