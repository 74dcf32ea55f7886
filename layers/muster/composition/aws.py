"""Wire the services on AWS that need no model."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import boto3
from botocore.config import Config

from muster.api.sign_in import GatewaySignIn
from muster.api.system import RecordServices
from muster.composition.aws_notices import open_stage_channels
from muster.composition.aws_settings import AwsSettings, RetrainSettings
from muster.composition.lazy_client import LazyClient
from muster.composition.record_services import Records
from muster.domain.errors import UserPoolNotConfigured
from muster.domain.period import parse_zone
from muster.services.exchange.substitutes import Substitutes
from muster.services.notices.channels import Channels
from muster.services.privacy.retention import Retention, RetentionLimits
from muster.services.roll_call.absences import PlannedAbsences
from muster.services.roll_call.guests import Guests
from muster.services.roster.accounts import Accounts
from muster.services.roster.groups import Groups
from muster.services.roster.people import Directory
from muster.services.training.retraining import Retraining
from muster.services.uploading.uploads import Uploads
from muster.storage.aws.batch_jobs import BatchJobs
from muster.storage.aws.stores import CLIENT_CONFIG, AwsStores, open_aws
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads
from muster.storage.aws.user_pool import UserPool
from muster.storage.ports import UploadStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

# An upload form is signed for its host: the bucket's regional host name, which the page may send requests to.
_S3_CONFIG = CLIENT_CONFIG.merge(
    Config(signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
)

_MAX_PHOTO_BYTES = 4_400_000
"""An invocation takes at most 6 MiB (AWS Lambda Developer Guide, "Lambda quotas"). The gateway encodes the body in
base64, which leaves 4.7 MB, less the form, the headers and the token's claims."""


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """Clients and stores of one process."""

    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    stores: AwsStores
    uploads: AwsUploads


def open_access(settings: AwsSettings) -> AwsAccess:
    """Build the clients and stores. The SDK's own settings give region, credentials and endpoint.

    The client of S3 is created when it is first used; a function that always needs it uses it at its start.
    """
    dynamodb = boto3.client("dynamodb", config=CLIENT_CONFIG)
    s3 = cast("S3Client", LazyClient(lambda: boto3.client("s3", config=_S3_CONFIG)))
    stores = open_aws(dynamodb, s3, table=settings.table, photos=settings.photos_bucket, models=settings.models_bucket)
    uploads = AwsUploads(s3, Table(dynamodb, settings.table), settings.photos_bucket)
    return AwsAccess(dynamodb, s3, stores, uploads)


class StageRecords(Records):
    """The services of a stage that need no model, each built on first use."""

    max_photo_bytes = _MAX_PHOTO_BYTES

    def __init__(self, settings: AwsSettings, access: AwsAccess) -> None:
        super().__init__(access.stores, settings)
        self._stage = settings
        self._access = access

    def request_training(self) -> None:
        """Do nothing; see `request_by_event`."""
        request_by_event()

    @property
    def upload_store(self) -> UploadStore:
        """Photos that are sent straight to S3."""
        return self._access.uploads

    @cached_property
    def sign_in(self) -> GatewaySignIn:
        """Identifies callers by what the gateway verified."""
        return GatewaySignIn(self.people, self.api_tokens, self.substitutes)

    @cached_property
    def people(self) -> Directory:
        """Names of users."""
        return Directory(self._access.stores.people, self.groups)

    @cached_property
    def substitutes(self) -> Substitutes:
        """The codes of substitutes."""
        return open_substitutes(self._stage, self._access)

    @cached_property
    def channels(self) -> Channels | None:
        """The channels of notices; None while they are switched off."""
        return open_stage_channels(self._stage)

    @cached_property
    def uploads(self) -> Uploads:
        """Uploads of photos."""
        stores = self._access.stores
        return Uploads(self._access.uploads, stores.students, self.sessions, self._stage.upload_limit_bytes)


def open_records(settings: AwsSettings, access: AwsAccess) -> RecordServices:
    """Build the services that need no model."""
    return StageRecords(settings, access).all()


def open_substitutes(settings: AwsSettings, access: AwsAccess) -> Substitutes:
    """Build the codes of substitutes, which work only if the stage has an API for them.

    Raises:
        InvalidRequest: no time zone has the name in the settings.
    """
    stores = access.stores
    groups = Groups(stores.groups, stores.students, stores.sessions)
    return Substitutes(stores.documents, groups, parse_zone(settings.time_zone), enabled=settings.substitutes)


def open_accounts(settings: AwsSettings, access: AwsAccess) -> Accounts:
    """Build the management of the user pool's accounts.

    Raises:
        UserPoolNotConfigured: the environment names no user pool.
    """
    if not settings.user_pool_id:
        raise UserPoolNotConfigured(
            "Set MUSTER_USER_POOL_ID to the stage's user pool, the output UserPoolId of the stack muster-STAGE-web."
        )
    stores = access.stores
    pool = UserPool(boto3.client("cognito-idp", config=CLIENT_CONFIG), settings.user_pool_id)
    return Accounts(pool, stores.people, Groups(stores.groups, stores.students, stores.sessions))


def open_retention(settings: AwsSettings, access: AwsAccess) -> Retention:
    """Build the removal of old sessions; photos expire by the bucket's own rules."""
    limits = RetentionLimits(session_photos=None, sessions=settings.keep_sessions_days)
    stores = access.stores
    absences = PlannedAbsences(stores.documents, stores.students, stores.sessions, parse_zone(settings.time_zone))
    guests = Guests(stores.documents, stores.students, stores.sessions)
    return Retention(
        stores.groups,
        stores.sessions,
        limits,
        clean=open_substitutes(settings, access).sweep,
        expire=absences.expire,
        forget=guests.forget,
    )


def open_retraining(settings: RetrainSettings, access: AwsAccess) -> Retraining:
    """Build the decision when to train."""
    batch = boto3.client("batch", config=CLIENT_CONFIG)
    jobs = BatchJobs(batch, settings.job_queue, settings.job_definition)
    fallback = None
    if settings.fallback_queue is not None and settings.fallback_definition is not None:
        fallback = BatchJobs(batch, settings.fallback_queue, settings.fallback_definition)
    return Retraining(access.stores.training, jobs, use=settings.head, fallback=fallback)


def request_by_event() -> None:
    """Do nothing: the event of the training copy that was stored or deleted requests the training."""
