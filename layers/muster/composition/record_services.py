"""The services that need no model, over the stores of one machine or of AWS, each built on first use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING

from muster.composition.roll_records import RollRecords

if TYPE_CHECKING:
    from muster.api.rate_limits import RateLimits
    from muster.api.sign_in import SignIn
    from muster.api.system import RecordServices
    from muster.services.exchange.api_tokens import ApiTokens
    from muster.services.exchange.substitutes import Substitutes
    from muster.services.notices.channels import Channels
    from muster.services.notices.sending import Notices
    from muster.services.privacy.retention_preview import RetentionPreview
    from muster.services.privacy.subject_access import SubjectAccess
    from muster.services.reporting.changes import ChangeHistory
    from muster.services.reporting.exports import Exports
    from muster.services.reporting.overviews import Overviews
    from muster.services.reporting.reports import Reports
    from muster.services.roll_call.corrections import Corrections
    from muster.services.roll_call.guests import Guests
    from muster.services.roll_call.registers import Registers
    from muster.services.roster.people import People
    from muster.services.roster.users import Users
    from muster.services.timetable.timetables import Timetables
    from muster.services.uploading.uploads import Uploads
    from muster.storage.ports import IdempotencyStore


class Records(RollRecords, ABC):
    """The services that need no model, each built on first use; `all` builds them together.

    Each system has a subclass with what differs: who signs in, the names of users, limits, uploads and channels.

    Attributes:
        max_photo_bytes: largest photo in a request.
    """

    max_photo_bytes: int

    def all(self) -> RecordServices:
        """Build all services, for a process that answers requests.

        Raises:
            PackMissing: no pack has the name in the settings.
            InvalidRequest: no time zone has the name in the settings.
        """
        from muster.api.system import RecordServices

        return RecordServices(**{field.name: getattr(self, field.name) for field in fields(RecordServices)})

    @property
    @abstractmethod
    def sign_in(self) -> SignIn:
        """Identifies callers; each system has its own."""

    @property
    @abstractmethod
    def people(self) -> People:
        """Names of users; each system has its own."""

    @property
    def users(self) -> Users | None:
        """None if accounts are managed elsewhere."""
        return None

    @property
    def limits(self) -> RateLimits | None:
        """None if a gateway limits the rate of requests."""
        return None

    @property
    def uploads(self) -> Uploads | None:
        """None if photos come in requests only."""
        return None

    @property
    def channels(self) -> Channels | None:
        """The channels of notices; None while they are switched off."""
        return None

    @property
    def keep_photos_days(self) -> int | None:
        """For photos of sessions; None if rules of the photo store remove them."""
        return None

    @property
    def answers(self) -> IdempotencyStore:
        """Responses to requests that may be repeated."""
        return self._stores.idempotency

    def check_store(self) -> None:
        """Raise an error if the store cannot be written."""

    @cached_property
    def timetables(self) -> Timetables:
        """Lessons, terms and holidays."""
        from muster.services.timetable.timetables import Timetables

        stores = self._stores
        return Timetables(stores.documents, stores.groups, stores.sessions, self.sessions, self.zone)

    @cached_property
    def guests(self) -> Guests:
        """Guests of sessions."""
        from muster.services.roll_call.guests import Guests

        return Guests(self._stores.documents, self._stores.students, self._stores.sessions)

    @cached_property
    def corrections(self) -> Corrections:
        """Changes of marks."""
        from muster.services.roll_call.corrections import Corrections

        return Corrections(
            self._stores.students,
            self._stores.sessions,
            self.request_training,
            planned=self.absences.marks,
            forget=self.guests.forget,
        )

    @cached_property
    def registers(self) -> Registers:
        """Closing and reopening of registers."""
        from muster.services.roll_call.registers import Registers

        return Registers(self._stores.sessions, self.corrections)

    @cached_property
    def reports(self) -> Reports:
        """Attendance reports."""
        from muster.services.reporting.reports import Reports

        stores = self._stores
        return Reports(stores.students, stores.sessions, stores.groups, self.zone, codes=lambda: self.codes.table()[0])

    @cached_property
    def exports(self) -> Exports:
        """Files for other systems."""
        from muster.services.reporting.exports import Exports

        stores = self._stores
        return Exports(stores.students, stores.sessions, stores.groups, self.zone, codes=lambda: self.codes.table()[0])

    @cached_property
    def changes(self) -> ChangeHistory:
        """Changes of the registers of a period."""
        from muster.services.reporting.changes import ChangeHistory

        return ChangeHistory(self._stores.students, self._stores.sessions, self.groups, self.zone)

    @cached_property
    def overviews(self) -> Overviews:
        """Overviews over several groups and days."""
        from muster.services.reporting.overviews import Overviews

        return Overviews(
            self._stores.students,
            self._stores.sessions,
            self._stores.groups,
            self.zone,
            lessons=self.timetables.titles,
            guests=self.guests.of_sessions,
            codes=lambda: self.codes.table()[0],
        )

    @cached_property
    def subject_access(self) -> SubjectAccess:
        """What is stored about a student."""
        from muster.services.privacy.subject_access import SubjectAccess

        stores = self._stores
        return SubjectAccess(stores.students, stores.sessions, stores.documents, self.absences.find, self.guests.visits)

    @cached_property
    def retention(self) -> RetentionPreview:
        """What expires soon."""
        from muster.services.privacy.retention import RetentionLimits
        from muster.services.privacy.retention_preview import RetentionPreview

        limits = RetentionLimits(self.keep_photos_days, self._settings.keep_sessions_days)
        return RetentionPreview(self._stores.groups, self._stores.sessions, limits)

    @cached_property
    def notices(self) -> Notices:
        """Notices of absences."""
        from muster.services.notices.records import NoticeRecords
        from muster.services.notices.sending import Notices

        return Notices(
            students=self._stores.students,
            sessions=self._stores.sessions,
            groups=self._stores.groups,
            records=NoticeRecords(self._stores.documents),
            zone=self.zone,
            channels=self.channels,
        )

    @cached_property
    def api_tokens(self) -> ApiTokens:
        """The tokens of other systems."""
        from muster.services.exchange.api_tokens import ApiTokens

        return ApiTokens(self._stores.documents, self.groups)

    @cached_property
    def substitutes(self) -> Substitutes:
        """The codes of substitutes."""
        from muster.services.exchange.substitutes import Substitutes

        return Substitutes(self._stores.documents, self.groups, self.zone)
