"""The stores of one table and its two buckets."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.config import Config

from muster.storage.aws.due_copies import DueCopies
from muster.storage.aws.erasures import Erasures
from muster.storage.aws.forgetting import Forgetting
from muster.storage.aws.groups import AwsGroups
from muster.storage.aws.heads import AwsHeads
from muster.storage.aws.idempotency import AwsIdempotency
from muster.storage.aws.objects import Objects
from muster.storage.aws.session_records import SessionRecords
from muster.storage.aws.sessions import AwsSessions
from muster.storage.aws.students import AwsStudents
from muster.storage.aws.table import Table
from muster.storage.aws.traces import Traces
from muster.storage.aws.training import AwsTraining

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

CLIENT_CONFIG = Config(
    # A call takes milliseconds; one that hangs is better tried again, within the gateway's 30 seconds.
    connect_timeout=2,
    read_timeout=10,
    # `standard` waits a random, doubling time and stops when most calls fail
    # (AWS SDKs Reference Guide, "Retry behavior").
    retries={"mode": "standard", "total_max_attempts": 6},
    # More than the threads of one batch read, so that none waits for a connection.
    max_pool_connections=32,
)
"""What the clients that are passed to `open_aws` should be made with."""

_SWEEP_AFTER = timedelta(hours=1)
"""A Lambda function lives 15 minutes at most, so that nothing older is still under way."""


@dataclass(frozen=True, slots=True)
class AwsStores:
    """The stores of one table and its buckets."""

    students: AwsStudents
    groups: AwsGroups
    sessions: AwsSessions
    idempotency: AwsIdempotency
    heads: AwsHeads
    training: AwsTraining
    objects: Objects
    erasures: Erasures
    copies: DueCopies
    forgetting: Forgetting

    def sweep(self, older_than: timedelta = _SWEEP_AFTER) -> None:
        """Finish what killed processes left: erasures, removals and copies half done, objects nothing refers to.

        Training copies of templates that learned automatically are written then, too, so that they ask for one retrain
        a day. Run it each day; it may run at any time, beside anything else.
        """
        self.erasures.finish_all()
        self.forgetting.finish_removals()
        self.copies.finish()
        self.objects.sweep(older_than)
        # Last, since it may be long: the next sweep goes on where this one stopped.
        self.students.renew_copies()


def open_aws(dynamodb: "DynamoDBClient", s3: "S3Client", *, table: str, photos: str, models: str) -> AwsStores:
    """Compose the stores; nothing is called yet.

    Args:
        dynamodb, s3: clients made with `CLIENT_CONFIG`; both may be used from several threads.
        table: name of the table, keys `pk` and `sk`.
        photos, models: names of the buckets.
    """
    the_table = Table(dynamodb, table)
    objects = Objects(s3, the_table, photos, models)
    records = SessionRecords(the_table)
    forgetting = Forgetting(the_table, objects, records)
    idempotency = AwsIdempotency(the_table)
    erasures = Erasures(the_table, objects, forgetting, idempotency)
    copies = DueCopies(the_table, objects)
    return AwsStores(
        students=AwsStudents(the_table, objects, copies, erasures, Traces(the_table, objects)),
        groups=AwsGroups(the_table),
        sessions=AwsSessions(the_table, objects, records, forgetting),
        idempotency=idempotency,
        heads=AwsHeads(the_table, objects),
        training=AwsTraining(the_table),
        objects=objects,
        erasures=erasures,
        copies=copies,
        forgetting=forgetting,
    )
