"""Wire the services of one machine: SQLite and files, and a worker thread that trains."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from muster.api.rate_limits import RateLimits
from muster.api.sign_in import LocalSignIn
from muster.api.system import RecordServices, Services
from muster.composition.notices import open_channels
from muster.composition.record_services import build_record_services
from muster.composition.settings import LocalSettings
from muster.domain.period import parse_zone
from muster.services.exchange.api_tokens import ApiTokens
from muster.services.exchange.substitutes import Substitutes
from muster.services.privacy.retention import Retention, RetentionLimits
from muster.services.roster.groups import Groups
from muster.services.roster.people import LocalPeople
from muster.services.roster.users import Users
from muster.storage.local import LocalStores, open_local
from muster.vision.formats import DEFAULT_IMAGE_LIMITS

if TYPE_CHECKING:
    # These import the model libraries, which most commands do not need.
    from pathlib import Path

    from muster.domain.identifiers import PackId
    from muster.domain.student import Template
    from muster.packs.load import ModelPack
    from muster.progress import OnProgress
    from muster.services.packs.migration import Migration
    from muster.services.packs.school_statistics import SchoolMeasurement
    from muster.services.photos.session_pictures import SessionPictures
    from muster.services.training.run import Trainer, TrainerResult
    from muster.vision.decode import Decode
    from muster.vision.pipeline import VisionPipeline


@dataclass(frozen=True, slots=True)
class LocalServices(Services):
    """All services of one machine, with its stores."""

    stores: LocalStores
    users: Users = field(kw_only=True)


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
        return Users(self.stores.users, self._groups)

    @cached_property
    def records(self) -> RecordServices:
        """The services that need no model; this process cannot train with them."""
        return self._records(trainer=None)

    @cached_property
    def session_pictures(self) -> SessionPictures:
        """The pictures of sessions, for which no model is loaded."""
        from muster.services.photos.session_pictures import SessionPictures

        return SessionPictures(self.records.sessions, self.stores.sessions, self._decode)

    @cached_property
    def retention(self) -> Retention:
        """The removal of old photos and sessions."""
        limits = RetentionLimits(self.settings.keep_photos_days, self.settings.keep_sessions_days)
        return Retention(
            self.stores.groups,
            self.stores.sessions,
            limits,
            clean=self._clean,
            expire=self.records.absences.expire,
            forget=self.records.guests.forget,
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
        return replace(self._records(trainer), users=self.users)

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
        self.records.substitutes.sweep()
        self.stores.upkeep.rewrite()

    @cached_property
    def _groups(self) -> Groups:
        return Groups(self.stores.groups, self.stores.students, self.stores.sessions)

    @cached_property
    def _decode(self) -> Decode:
        if self._decoders:
            from muster.vision.decoder_pool import DecoderPool

            return DecoderPool(self._decoders).decode
        from muster.vision.decode import decode

        return decode

    def _records(self, trainer: Trainer | None) -> RecordServices:
        substitutes = Substitutes(self.stores.documents, self._groups, parse_zone(self.settings.time_zone))
        return build_record_services(
            self.stores,
            self.settings,
            sign_in=LocalSignIn(self.users, ApiTokens(self.stores.documents, self._groups), substitutes),
            people=LocalPeople(self.stores.users),
            substitutes=substitutes,
            max_photo_bytes=DEFAULT_IMAGE_LIMITS.file_bytes,
            limits=RateLimits(),
            channels=open_channels(self.settings),
            trainer=trainer,
            check_store=self.stores.upkeep.check_writable,
            keep_photos_days=self.settings.keep_photos_days,
        )
