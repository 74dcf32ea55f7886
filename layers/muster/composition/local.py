"""Wire the services of one machine: SQLite and files, and a worker thread that trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from muster.api.system import Services
from muster.composition.record_services import Records
from muster.composition.settings import LocalSettings
from muster.storage.local import LocalStores, open_local
from muster.vision.formats import DEFAULT_IMAGE_LIMITS

if TYPE_CHECKING:
    # Most commands need none of these, and some import the model libraries.
    from pathlib import Path

    from muster.api.rate_limits import RateLimits
    from muster.api.sign_in import SignIn
    from muster.api.system import RecordServices
    from muster.domain.identifiers import PackId
    from muster.domain.student import Template
    from muster.packs.load import ModelPack
    from muster.progress import OnProgress
    from muster.services.notices.channels import Channels
    from muster.services.packs.migration import Migration
    from muster.services.packs.school_statistics import SchoolMeasurement
    from muster.services.photos.session_pictures import SessionPictures
    from muster.services.privacy.retention import Retention
    from muster.services.roster.people import People
    from muster.services.roster.users import Users
    from muster.services.training.run import Trainer, TrainerResult
    from muster.vision.decode import Decode
    from muster.vision.pipeline import VisionPipeline


@dataclass(frozen=True, slots=True)
class LocalServices(Services):
    """All services of one machine, with its stores."""

    stores: LocalStores
    users: Users = field(kw_only=True)


class LocalRecords(Records):
    """The services of one machine that need no model, each built on first use.

    Args:
        users: of the server; None if this process does not serve.
    """

    max_photo_bytes = DEFAULT_IMAGE_LIMITS.file_bytes

    def __init__(
        self, stores: LocalStores, settings: LocalSettings, trainer: Trainer | None = None, users: Users | None = None
    ) -> None:
        super().__init__(stores, settings, trainer)
        self._local = stores
        self._local_settings = settings
        self._users = users

    @property
    def users(self) -> Users | None:
        """The users of the server; None if this process does not serve."""
        return self._users

    @cached_property
    def sign_in(self) -> SignIn:
        """Identifies callers by the tokens of users, of other systems and of substitutes."""
        from muster.api.sign_in import LocalSignIn
        from muster.services.roster.users import Users

        users = self._users or Users(self._local.users, self.groups)
        return LocalSignIn(users, self.api_tokens, self.substitutes)

    @cached_property
    def people(self) -> People:
        """Names of users."""
        from muster.services.roster.people import LocalPeople

        return LocalPeople(self._local.users)

    @cached_property
    def limits(self) -> RateLimits:
        """Limits of the rate of requests."""
        from muster.api.rate_limits import RateLimits

        return RateLimits()

    @cached_property
    def channels(self) -> Channels | None:
        """The channels of notices; None while they are switched off.

        Raises:
            InvalidSetting: a setting of the notices is missing or not usable.
        """
        from muster.composition.notices import open_channels

        return open_channels(self._local_settings)

    @property
    def keep_photos_days(self) -> int | None:
        """After which photos of sessions are removed."""
        return self._local_settings.keep_photos_days

    def check_store(self) -> None:
        """Raise an error if the store cannot be written."""
        self._local.upkeep.check_writable()


class LocalBackend:
    """A local store and the services over it, each opened on first use.

    Args:
        data: the store's folder; None takes the one in the settings.
        settings: None reads them from the environment.
        vision: the models, if they are loaded already.
        decoders: photos decoded at once, each in a process with bounds on time and memory. 0 decodes in this process
            without bounds, for photos that its user chose.
    """

    def __init__(
        self,
        data: Path | None = None,
        settings: LocalSettings | None = None,
        vision: VisionPipeline | None = None,
        *,
        decoders: int = 0,
    ) -> None:
        self._data = data
        self._settings = settings
        self._vision = vision
        self._decoders = decoders

    @cached_property
    def settings(self) -> LocalSettings:
        """The settings, with the pack that the store uses."""
        return self._chosen.with_pack_of(self.stores.staging.packs())

    @cached_property
    def _chosen(self) -> LocalSettings:
        return self._settings or LocalSettings()

    @cached_property
    def stores(self) -> LocalStores:
        """The stores, made if the folder has none."""
        return open_local(self._data or self._chosen.data)

    @cached_property
    def users(self) -> Users:
        """The users of the server."""
        from muster.services.roster.users import Users

        return Users(self.stores.users, self.on_demand.groups)

    @cached_property
    def on_demand(self) -> Records:
        """The services that need no model, each built on first use; this process cannot train with them."""
        return LocalRecords(self.stores, self.settings)

    @cached_property
    def records(self) -> RecordServices:
        """The services that need no model; this process cannot train with them."""
        return self.on_demand.all()

    @cached_property
    def session_pictures(self) -> SessionPictures:
        """The pictures of sessions, for which no model is loaded."""
        from muster.services.photos.session_pictures import SessionPictures

        return SessionPictures(self.on_demand.sessions, self.stores.sessions, self._decode)

    @cached_property
    def retention(self) -> Retention:
        """The removal of old photos and sessions."""
        from muster.services.privacy.retention import Retention, RetentionLimits

        limits = RetentionLimits(self.settings.keep_photos_days, self.settings.keep_sessions_days)
        return Retention(
            self.stores.groups,
            self.stores.sessions,
            limits,
            clean=self._clean,
            expire=self.on_demand.absences.expire,
            forget=self.on_demand.guests.forget,
        )

    @cached_property
    def services(self) -> LocalServices:
        """All services, with the models loaded.

        Raises:
            PackMissing, PackDamaged: the model pack cannot be used.
            PackMismatch: the store's students were registered with another pack.
        """
        from muster.composition.services import build_services, extend
        from muster.composition.vision import open_models

        pack, records = self._measured_pack, self.training_records
        services = build_services(
            records,
            self.stores,
            self.settings,
            pack=pack,
            vision=self._vision or open_models(pack, self.settings.threads),
            decode=self._decode,
            request_training=records.training.request,
        )
        return extend(services, LocalServices, stores=self.stores, users=self.users)

    @cached_property
    def training_records(self) -> RecordServices:
        """The services that need no model, in a process that trains if torch is installed.

        Raises:
            PackMissing, PackDamaged: the model pack is not complete. Its contents are verified with the models.
            PackMismatch: the store's students were registered with another pack.
        """
        pack = self._pack.id
        trainer = None if find_spec("torch") is None else self._trainer(pack)
        return LocalRecords(self.stores, self.settings, trainer, self.users).all()

    @cached_property
    def _pack(self) -> ModelPack:
        from muster.packs.load import load_pack
        from muster.packs.manifest import name_of
        from muster.services.packs.registered_packs import check_packs

        pack = load_pack(self.settings.pack, self.settings.home)
        check_packs(self.stores.staging.packs(), pack.id, name_of)
        return pack

    @cached_property
    def _measured_pack(self) -> ModelPack:
        from muster.services.packs.school_statistics import with_school_statistics

        return with_school_statistics(self._pack, self.stores.heads)

    def _trainer(self, pack: PackId) -> Trainer:
        def train(templates: list[Template], current: bytes | None, full: bool, progress: OnProgress) -> TrainerResult:
            # The libraries of recognition, which would take a third of the start of a server.
            from muster.composition.training import build_trainer, population_of

            trainer = build_trainer(pack, population_of(self._measured_pack.statistics))
            return trainer(templates, current, full, progress)

        return train

    def measure_pack(self, name: str) -> SchoolMeasurement:
        """Measure a pack's statistics on the store's students.

        Raises:
            PackMissing: there is no such pack.
            InvalidRequest: the pack has measured statistics already.
        """
        from muster.packs.manifest import shipped_spec
        from muster.services.packs.school_statistics import measure_school

        return measure_school(shipped_spec(name), self.stores.students, self.stores.heads)

    def migration(self, name: str) -> Migration:
        """Open the migration of the students to another pack.

        Raises:
            PackMissing, PackDamaged: that pack cannot be used.
        """
        from muster.composition.vision import open_models
        from muster.packs.load import load_pack
        from muster.services.packs.migration import Migration

        pack, stores = load_pack(name, self.settings.home), self.stores
        vision = open_models(pack, self.settings.threads)
        return Migration(
            pack=pack.id,
            vision=vision,
            students=stores.students,
            staging=stores.staging,
            request_training=stores.training.request,
            decode=self._decode,
        )

    def _clean(self) -> None:
        self.on_demand.substitutes.sweep()
        self.stores.upkeep.rewrite()

    @cached_property
    def _decode(self) -> Decode:
        if self._decoders:
            from muster.vision.decoder_pool import DecoderPool

            return DecoderPool(self._decoders).decode
        from muster.vision.decode import decode

        return decode
