"""Services of students, groups and sessions, over the stores of one machine or of AWS, each built on first use.

A command uses one or two of them. Importing and building all services takes longer than most commands do, so each one
is imported where it is built.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from muster.api.access import AccessRules
    from muster.composition.settings import CommonSettings
    from muster.composition.stores import Stores
    from muster.domain.identifiers import PackId
    from muster.services.caches.head_pointer import HeadPointer
    from muster.services.codes.tables import Codes
    from muster.services.roll_call.absences import PlannedAbsences
    from muster.services.roll_call.sessions import Sessions
    from muster.services.roster.groups import Groups
    from muster.services.roster.students import Roster
    from muster.services.timetable.lesson_sessions import LessonSessions
    from muster.services.training.queue import TrainingQueue
    from muster.services.training.run import Trainer
    from muster.storage.ports import UploadStore


class RollRecords:
    """The services of students, groups and sessions, each built on first use.

    Args:
        trainer: None if this process cannot train.
    """

    def __init__(self, stores: Stores, settings: CommonSettings, trainer: Trainer | None = None) -> None:
        self._stores = stores
        self._settings = settings
        self._trainer = trainer

    def request_training(self) -> None:
        """Request training after a change to train on."""
        self.training.request()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The school's time zone."""
        from muster.domain.period import parse_zone

        return parse_zone(self._settings.time_zone)

    @cached_property
    def pack(self) -> PackId:
        """The model pack in use."""
        from muster.packs.manifest import shipped_spec

        return shipped_spec(self._settings.pack).id

    @cached_property
    def heads(self) -> HeadPointer:
        """The number of the head in use."""
        from muster.services.caches.head_pointer import HeadPointer

        return HeadPointer(self._stores.heads, self.pack, self._settings.head)

    @cached_property
    def training(self) -> TrainingQueue:
        """Training, now or on request."""
        from muster.services.training.queue import TrainingQueue

        return TrainingQueue(
            pack=self.pack,
            students=self._stores.students,
            heads=self._stores.heads,
            training=self._stores.training,
            trainer=self._trainer,
            use=self._settings.head,
        )

    @cached_property
    def access(self) -> AccessRules:
        """The rules of what callers may see and do."""
        from muster.api.access import AccessRules

        return AccessRules(self._stores.groups, self._stores.students, self._stores.sessions)

    @cached_property
    def groups(self) -> Groups:
        """Classes and courses."""
        from muster.services.roster.groups import Groups

        return Groups(self._stores.groups, self._stores.students, self._stores.sessions)

    @cached_property
    def roster(self) -> Roster:
        """Students."""
        from muster.services.roster.students import Roster

        return Roster(
            students=self._stores.students,
            heads=self._stores.heads,
            groups=self.groups,
            idempotency=self._stores.idempotency,
            uploads=self.upload_store,
            request_training=self.request_training,
        )

    @property
    def upload_store(self) -> UploadStore | None:
        """None if photos come in requests only."""
        return None

    @cached_property
    def codes(self) -> Codes:
        """The school's attendance codes."""
        from muster.services.codes.tables import Codes

        return Codes(self._stores.documents, self.zone)

    @cached_property
    def lesson_sessions(self) -> LessonSessions:
        """Sessions of lessons."""
        from muster.services.timetable.lesson_sessions import LessonSessions

        return LessonSessions(self._stores.documents, self._stores.sessions, self.zone)

    @cached_property
    def absences(self) -> PlannedAbsences:
        """Planned absences."""
        from muster.services.roll_call.absences import PlannedAbsences

        stores = self._stores
        return PlannedAbsences(stores.documents, stores.students, stores.sessions, self.zone, codes=self.codes)

    @cached_property
    def sessions(self) -> Sessions:
        """Roll calls."""
        from muster.services.roll_call.sessions import Sessions

        return Sessions(
            self._stores.students,
            self._stores.sessions,
            self._stores.groups,
            new_session=self.lesson_sessions.new_session,
            planned=self.absences.marks,
        )
