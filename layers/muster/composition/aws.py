"""On AWS, without a model: what keeps records and what decides when to train."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from muster.api.authorize import Authorize
from muster.api.sign_in import GatewaySignIn
from muster.api.system import RecordServices
from muster.composition.aws_settings import AwsSettings, RetrainSettings
from muster.composition.batch_jobs import BatchJobs
from muster.domain.period import parse_zone
from muster.packs.manifest import shipped_spec
from muster.services.caches.heads import HeadPointer
from muster.services.privacy.retention import Retention, RetentionLimits
from muster.services.privacy.subject_access import SubjectAccess
from muster.services.reporting.reports import Reports
from muster.services.roll_call.corrections import Corrections
from muster.services.roll_call.sessions import Sessions
from muster.services.roster.groups import Groups
from muster.services.roster.students import Roster
from muster.services.training.queue import TrainingQueue
from muster.services.training.retraining import Retraining
from muster.services.uploading.uploads import Uploads
from muster.storage.aws import CLIENT_CONFIG, AwsStores, open_aws
from muster.storage.aws.registration_lease import RegistrationLease
from muster.storage.aws.table import Table
from muster.storage.aws.uploads import AwsUploads

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

# A form is signed for the host that it is sent to: the bucket's own name in its region, which the browser may reach.
_S3_CONFIG = CLIENT_CONFIG.merge(
    Config(signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
)

_MAX_PHOTO_BYTES = 4_400_000
"""A function is invoked with 6 MiB at most (AWS Lambda Developer Guide, "Lambda quotas"), in which the gateway puts the
body in base64, 4.7 MB of it; the rest is left to the form, the headers and the token's claims."""


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """Clients and stores of one process."""

    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    stores: AwsStores
    uploads: AwsUploads
    registering: RegistrationLease


def open_access(settings: AwsSettings) -> AwsAccess:
    """Make the clients and stores; region, credentials and endpoint are the SDK's own settings."""
    dynamodb = boto3.client("dynamodb", config=CLIENT_CONFIG)
    s3 = boto3.client("s3", config=_S3_CONFIG)
    stores = open_aws(dynamodb, s3, table=settings.table, photos=settings.photos_bucket, models=settings.models_bucket)
    table = Table(dynamodb, settings.table)
    uploads = AwsUploads(s3, table, settings.photos_bucket)
    return AwsAccess(dynamodb, s3, stores, uploads, RegistrationLease(table))


def open_records(settings: AwsSettings, access: AwsAccess) -> RecordServices:
    """Build what answers without a model."""
    pack = shipped_spec(settings.pack).id
    stores = access.stores
    sessions = Sessions(stores.students, stores.sessions, stores.groups)
    groups = Groups(stores.groups, stores.students, stores.sessions)
    return RecordServices(
        pack=pack,
        access=Authorize(GatewaySignIn(), stores.groups, stores.students, stores.sessions),
        answers=stores.answers,
        limits=None,
        roster=Roster(stores.students, stores.heads, groups, stores.answers, access.uploads, asked_by_event),
        groups=groups,
        subject_access=SubjectAccess(stores.students, stores.sessions),
        sessions=sessions,
        corrections=Corrections(stores.students, stores.sessions, asked_by_event),
        reports=Reports(stores.students, stores.sessions, stores.groups, parse_zone(settings.time_zone)),
        heads=HeadPointer(stores.heads, pack, settings.head),
        training=TrainingQueue(pack, stores.students, stores.heads, stores.training, trainer=None, use=settings.head),
        uploads=Uploads(access.uploads, stores.students, sessions, settings.upload_limit_bytes),
        max_photo_bytes=_MAX_PHOTO_BYTES,
    )


def open_retention(settings: AwsSettings, access: AwsAccess) -> Retention:
    """Build what lets go of old sessions; photos expire by the bucket's own rules."""
    limits = RetentionLimits(session_photos=None, sessions=settings.keep_sessions_days)
    return Retention(access.stores.groups, access.stores.sessions, limits)


def open_retraining(settings: RetrainSettings, access: AwsAccess) -> Retraining:
    """Build what decides when to train."""
    batch = boto3.client("batch", config=CLIENT_CONFIG)
    jobs = BatchJobs(batch, settings.job_queue, settings.job_definition)
    return Retraining(access.stores.training, jobs, use=settings.head)


def asked_by_event() -> None:
    """Ask for no retrain: the event of the training copy that was stored or deleted does."""
