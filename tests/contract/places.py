"""Places that hold stores; each opens its stores again, in this process or in another."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import boto3
from botocore.config import Config

from muster.storage.aws.stores import CLIENT_CONFIG, AwsStores, open_aws
from muster.storage.local import open_local
from muster.storage.ports import (
    DocumentStore,
    GroupStore,
    HeadStore,
    IdempotencyStore,
    SessionStore,
    StagedTemplates,
    StudentStore,
    TrainingStore,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

PATIENT_CONFIG = CLIENT_CONFIG.merge(Config(connect_timeout=120, read_timeout=600))
"""As the system's own clients, but a machine that is slow for a while makes them repeat nothing."""


_client_lock = Lock()


@cache
def _session() -> boto3.Session:
    """One session for every client of this process: reading the service models takes longer than most tests."""
    return boto3.Session("test", "test", region_name="eu-central-1")


class Stores(Protocol):
    """The ports of one place."""

    @property
    def students(self) -> StudentStore: ...

    @property
    def staging(self) -> StagedTemplates: ...

    @property
    def groups(self) -> GroupStore: ...

    @property
    def documents(self) -> DocumentStore: ...

    @property
    def sessions(self) -> SessionStore: ...

    @property
    def idempotency(self) -> IdempotencyStore: ...

    @property
    def heads(self) -> HeadStore: ...

    @property
    def training(self) -> TrainingStore: ...


class Place(Protocol):
    """Can be pickled, so that another process opens the same stores."""

    def open(self) -> Stores: ...


@dataclass(frozen=True)
class LocalPlace:
    """One directory."""

    directory: Path

    def open(self) -> Stores:
        return open_local(self.directory)


@dataclass(frozen=True)
class AwsPlace:
    """One table and two buckets of a simulated AWS account."""

    endpoint: str
    table: str
    photos: str
    models: str

    def clients(self) -> "tuple[DynamoDBClient, S3Client]":
        # A session is not thread-safe while it makes a client; the clients are.
        with _client_lock:
            return (
                _session().client("dynamodb", endpoint_url=self.endpoint, config=PATIENT_CONFIG),
                _session().client("s3", endpoint_url=self.endpoint, config=PATIENT_CONFIG),
            )

    def connection(self) -> dict[str, str]:
        """Return the environment in which the SDK calls the simulation."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def build(self, *, versioned: bool = False) -> None:
        """Make the table as the infrastructure's template does, and the buckets."""
        from tests.infra.tables import table_definition  # imports the CDK, which only simulated AWS needs

        dynamodb, s3 = self.clients()
        dynamodb.create_table(TableName=self.table, **table_definition())
        for bucket in (self.photos, self.models):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
            if versioned:
                s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def open(self) -> AwsStores:
        dynamodb, s3 = self.clients()
        return open_aws(dynamodb, s3, table=self.table, photos=self.photos, models=self.models)

    @classmethod
    def new(cls, endpoint: str, *, versioned: bool = False) -> "AwsPlace":
        name = uuid4().hex
        place = cls(endpoint, f"table-{name}", f"photos-{name}", f"models-{name}")
        place.build(versioned=versioned)
        return place
