"""The stores of one table and its two buckets."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.config import Config

from muster.storage.aws.documents import AwsDocuments
from muster.storage.aws.erasure_check import ErasureCheck
from muster.storage.aws.groups import AwsGroups
from muster.storage.aws.heads import AwsHeads
from muster.storage.aws.idempotency import AwsIdempotency
from muster.storage.aws.objects import Objects
from muster.storage.aws.pending_erasures import PendingErasures
from muster.storage.aws.pending_training_copies import PendingTrainingCopies
from muster.storage.aws.people import AwsPeople
from muster.storage.aws.registration_lease import RegistrationLease
from muster.storage.aws.session_erasure import SessionErasure
from muster.storage.aws.session_records import SessionRecords
from muster.storage.aws.sessions import AwsSessions
from muster.storage.aws.staging import AwsStaging
from muster.storage.aws.students import AwsStudents
from muster.storage.aws.table import Table
from muster.storage.aws.training import AwsTraining

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

CLIENT_CONFIG = Config(
    # A call takes milliseconds. Retry one that hangs while the gateway still waits (30 seconds).
    connect_timeout=2,
    read_timeout=10,
    # `standard` backs off exponentially with jitter, and stops when most calls fail
    # (AWS SDKs Reference Guide, "Retry behavior").
    retries={"mode": "standard", "total_max_attempts": 6},
    # More than the threads of one batch read, so none waits for a connection.
    max_pool_connections=32,
)
"""The configuration for clients that are passed to `open_aws`."""

_SWEEP_AFTER = timedelta(hours=1)
"""A Lambda function runs for at most 15 minutes, so nothing older is still in progress."""


@dataclass(frozen=True, slots=True)
class AwsStores:
    """The stores of one table and its buckets."""

    students: AwsStudents
    staging: AwsStaging
    groups: AwsGroups
    sessions: AwsSessions
    idempotency: AwsIdempotency
    heads: AwsHeads
    training: AwsTraining
    objects: Objects
    erasures: PendingErasures
    training_copies: PendingTrainingCopies
    session_erasure: SessionErasure
    people: AwsPeople
    documents: AwsDocuments
    registering: RegistrationLease

    def sweep(self, older_than: timedelta = _SWEEP_AFTER) -> None:
        """Complete the work of killed processes: erasures, removals, training copies and unreferenced objects.

        Also completes the index of the school, and writes new training copies of templates that learned automatically,
        so that they request one retrain per day. Run this daily; it may run at any time and concurrently with anything
        else.
        """
        self.erasures.finish_all()
        self.session_erasure.finish_removals()
        self.training_copies.write_all()
        self.objects.sweep(older_than)
        # Last, since they may take long. The next sweep continues where this one stopped.
        self.students.school_parts()
        self.students.renew_copies()


def open_aws(dynamodb: "DynamoDBClient", s3: "S3Client", *, table: str, photos: str, models: str) -> AwsStores:
    """Build the stores without calling AWS.

    Args:
        dynamodb, s3: clients made with `CLIENT_CONFIG`; both may be used from several threads.
        table: name of the table, keys `pk` and `sk`.
        photos, models: names of the buckets.
    """
    the_table = Table(dynamodb, table)
    objects = Objects(s3, the_table, photos, models)
    records = SessionRecords(the_table)
    session_erasure = SessionErasure(the_table, objects, records)
    idempotency = AwsIdempotency(the_table)
    erasures = PendingErasures(the_table, objects, session_erasure, idempotency)
    copies = PendingTrainingCopies(the_table, objects)
    lease = RegistrationLease(the_table)
    return AwsStores(
        students=AwsStudents(the_table, objects, copies, erasures, ErasureCheck(the_table, objects), lease),
        staging=AwsStaging(the_table, objects, copies, erasures),
        groups=AwsGroups(the_table),
        sessions=AwsSessions(the_table, objects, records, session_erasure),
        idempotency=idempotency,
        heads=AwsHeads(the_table, objects),
        training=AwsTraining(the_table),
        objects=objects,
        erasures=erasures,
        training_copies=copies,
        session_erasure=session_erasure,
        people=AwsPeople(the_table),
        documents=AwsDocuments(the_table),
        registering=lease,
    )
