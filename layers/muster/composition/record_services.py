"""Build the services that need no model, over the stores of one machine or of AWS."""

from collections.abc import Callable
from typing import Protocol

from muster.api.access import AccessRules
from muster.api.rate_limits import RateLimits
from muster.api.sign_in import SignIn
from muster.api.system import RecordServices
from muster.composition.settings import CommonSettings
from muster.domain.period import parse_zone
from muster.packs.manifest import shipped_spec
from muster.services.caches.head_pointer import HeadPointer
from muster.services.codes.tables import Codes
from muster.services.exchange.api_tokens import ApiTokens
from muster.services.exchange.substitutes import Substitutes
from muster.services.notices.channels import Channels
from muster.services.notices.records import NoticeRecords
from muster.services.notices.sending import Notices
from muster.services.privacy.retention import RetentionLimits
from muster.services.privacy.retention_preview import RetentionPreview
from muster.services.privacy.subject_access import SubjectAccess
from muster.services.reporting.changes import ChangeHistory
from muster.services.reporting.exports import Exports
from muster.services.reporting.overviews import Overviews
from muster.services.reporting.reports import Reports
from muster.services.roll_call.absences import PlannedAbsences
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.guests import Guests
from muster.services.roll_call.registers import Registers
from muster.services.roll_call.sessions import Sessions
from muster.services.roster.groups import Groups
from muster.services.roster.people import People
from muster.services.roster.students import Roster
from muster.services.timetable.lesson_sessions import LessonSessions
from muster.services.timetable.timetables import Timetables
from muster.services.training.queue import TrainingQueue
from muster.services.training.run import Trainer
from muster.services.uploading.uploads import Uploads
from muster.storage.ports import (
    DocumentStore,
    GroupStore,
    HeadStore,
    IdempotencyStore,
    SessionStore,
    StagedTemplates,
    StudentStore,
    TrainingStore,
    UploadStore,
)


class Stores(Protocol):
    """The stores that every system has."""

    @property
    def students(self) -> StudentStore:
        """Students, their photos and templates."""

    @property
    def staging(self) -> StagedTemplates:
        """Templates of another model pack."""

    @property
    def groups(self) -> GroupStore:
        """Groups and their teachers."""

    @property
    def documents(self) -> DocumentStore:
        """Small records of every other kind, such as lessons."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions, their photos and marks."""

    @property
    def idempotency(self) -> IdempotencyStore:
        """Responses to requests that may be repeated."""

    @property
    def heads(self) -> HeadStore:
        """Trained heads."""

    @property
    def training(self) -> TrainingStore:
        """The state of training."""


def build_record_services(
    stores: Stores,
    settings: CommonSettings,
    *,
    sign_in: SignIn,
    people: People,
    substitutes: Substitutes,
    max_photo_bytes: int,
    limits: RateLimits | None = None,
    trainer: Trainer | None = None,
    request_training: Callable[[], None] | None = None,
    uploads: UploadStore | None = None,
    max_upload_bytes: int = 0,
    check_store: Callable[[], None] = lambda: None,
    keep_photos_days: int | None = None,
    channels: Channels | None = None,
) -> RecordServices:
    """Build the services that need no model.

    Args:
        people: names of users.
        substitutes: their codes.
        max_photo_bytes: largest photo in a request.
        limits: None if a gateway limits the rate of requests.
        trainer: None if this process cannot train.
        request_training: called after each change to train on; None wakes the queue of this process.
        uploads: None if photos come in requests only.
        max_upload_bytes: largest photo in `uploads`.
        check_store: raises if the store cannot be written.
        keep_photos_days: for photos of sessions; None if rules of the photo store remove them.
        channels: of notices; None while they are switched off.

    Raises:
        PackMissing: no pack has the name in the settings.
        InvalidRequest: no time zone has the name in the settings.
    """
    pack = shipped_spec(settings.pack).id
    training = TrainingQueue(
        pack=pack,
        students=stores.students,
        heads=stores.heads,
        training=stores.training,
        trainer=trainer,
        use=settings.head,
    )
    request_training = request_training or training.request
    groups = Groups(stores.groups, stores.students, stores.sessions)
    zone = parse_zone(settings.time_zone)
    lesson_sessions = LessonSessions(stores.documents, stores.sessions, zone)
    codes = Codes(stores.documents, zone)
    absences = PlannedAbsences(stores.documents, stores.students, stores.sessions, zone, codes=codes)
    sessions = Sessions(
        stores.students,
        stores.sessions,
        stores.groups,
        new_session=lesson_sessions.new_session,
        planned=absences.marks,
    )
    timetables = Timetables(stores.documents, stores.groups, stores.sessions, sessions, zone)
    guests = Guests(stores.documents, stores.students, stores.sessions)
    corrections = Corrections(
        stores.students, stores.sessions, request_training, planned=absences.marks, forget=guests.forget
    )
    return RecordServices(
        pack=pack,
        sign_in=sign_in,
        access=AccessRules(stores.groups, stores.students, stores.sessions),
        answers=stores.idempotency,
        limits=limits,
        roster=Roster(
            students=stores.students,
            heads=stores.heads,
            groups=groups,
            idempotency=stores.idempotency,
            uploads=uploads,
            request_training=request_training,
        ),
        groups=groups,
        people=people,
        subject_access=SubjectAccess(stores.students, stores.sessions, stores.documents, absences.find, guests.visits),
        sessions=sessions,
        corrections=corrections,
        reports=Reports(stores.students, stores.sessions, stores.groups, zone, codes=lambda: codes.table()[0]),
        timetables=timetables,
        lesson_sessions=lesson_sessions,
        exports=Exports(stores.students, stores.sessions, stores.groups, zone, codes=lambda: codes.table()[0]),
        absences=absences,
        guests=guests,
        overviews=Overviews(
            stores.students,
            stores.sessions,
            stores.groups,
            zone,
            lessons=timetables.titles,
            guests=guests.of_sessions,
            codes=lambda: codes.table()[0],
        ),
        codes=codes,
        registers=Registers(stores.sessions, corrections),
        heads=HeadPointer(stores.heads, pack, settings.head),
        training=training,
        uploads=None if uploads is None else Uploads(uploads, stores.students, sessions, max_upload_bytes),
        max_photo_bytes=max_photo_bytes,
        notices=Notices(
            students=stores.students,
            sessions=stores.sessions,
            groups=stores.groups,
            records=NoticeRecords(stores.documents),
            zone=parse_zone(settings.time_zone),
            channels=channels,
        ),
        changes=ChangeHistory(stores.students, stores.sessions, groups, zone),
        api_tokens=ApiTokens(stores.documents, groups),
        substitutes=substitutes,
        check_store=check_store,
        retention=RetentionPreview(
            stores.groups, stores.sessions, RetentionLimits(keep_photos_days, settings.keep_sessions_days)
        ),
    )
