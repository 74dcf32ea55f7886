"""The services of a stage on AWS for the command line of a workstation."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from muster.composition.aws import AwsAccess, StageRecords, open_access, open_retention, request_by_event
from muster.composition.aws_failures import stage_failure
from muster.composition.aws_settings import AwsSettings
from muster.composition.settings import LocalSettings
from muster.services.photos.session_pictures import SessionPictures
from muster.services.privacy.retention import Retention
from muster.services.uploading.bulk import BulkUpload
from muster.storage.aws.deployed_packs import deployed_packs
from muster.storage.aws.stores import CLIENT_CONFIG
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads
from muster.vision.decoder_pool import DecoderPool

if TYPE_CHECKING:
    from muster.services.packs.migration import Migration
    from muster.services.packs.school_statistics import SchoolMeasurement

_SLOW_UPLINK = CLIENT_CONFIG.merge(Config(connect_timeout=30, read_timeout=60))
"""A photo of 25 MB takes minutes from a school, and a stalled connection is not yet a lost one."""


class AwsBackend:
    """A stage and the services over it, each opened on first use. Nothing is stored on this machine.

    Args:
        settings: name the stage. The SDK's own settings give region and credentials.
    """

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings

    @cached_property
    def access(self) -> AwsAccess:
        """The clients and stores."""
        return open_access(self._settings)

    @cached_property
    def on_demand(self) -> StageRecords:
        """The services that need no model, each built on first use."""
        return StageRecords(self._settings, self.access)

    @cached_property
    def retention(self) -> Retention:
        """The removal of old sessions; photos expire by the bucket's own rules."""
        return open_retention(self._settings, self.access)

    @cached_property
    def session_pictures(self) -> SessionPictures:
        """The pictures of sessions, for which no model is loaded."""
        # The photos came from uploads, which may cost any amount of memory or time.
        return SessionPictures(self.on_demand.sessions, self.access.stores.sessions, DecoderPool(1).decode)

    @cached_property
    def bulk_registration(self) -> BulkUpload:
        """The registration of many students through uploads."""
        access = self.access
        s3 = boto3.client("s3", config=_SLOW_UPLINK)
        return BulkUpload(
            roster=self.on_demand.roster,
            students=access.stores.students,
            uploads=self.on_demand.uploads,
            store=AwsUploads(s3, Table(access.dynamodb, self._settings.table), self._settings.photos_bucket),
            calls=_failures_named,
        )

    def measure_pack(self, name: str) -> "SchoolMeasurement":
        """Measure a pack's statistics on the stage's students.

        Raises:
            PackMissing: there is no such pack.
            InvalidRequest: the pack has measured statistics already.
        """
        from muster.packs.manifest import shipped_spec
        from muster.services.packs.school_statistics import measure_school

        return measure_school(shipped_spec(name), self.access.stores.students, self.access.stores.heads)

    def deployed_packs(self) -> frozenset[str] | None:
        """Return the packs that the stage's functions run, or None if they cannot be read."""
        return deployed_packs(partial(boto3.client, config=CLIENT_CONFIG), self._settings.stage)

    def migration(self, name: str) -> "Migration":
        """Open the migration of the students to another pack, which is built on this machine.

        Raises:
            PackMissing, PackDamaged: that pack cannot be used.
        """
        # Loading models takes a second, and other commands need none.
        from muster.composition.vision import open_models
        from muster.packs.load import load_pack
        from muster.services.packs.migration import Migration

        machine = LocalSettings()
        pack, stores = load_pack(name, machine.home), self.access.stores
        return Migration(
            pack=pack.id,
            vision=open_models(pack, machine.threads),
            students=stores.students,
            staging=stores.staging,
            request_training=request_by_event,
            decode=DecoderPool(1).decode,
        )


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise stage_failure(error) or error from error
