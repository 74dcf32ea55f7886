"""Names that several stacks share; the library defines those of the table's keys and of objects."""

from typing import Final

import aws_cdk as cdk

from muster.domain.upload import UploadKind
from muster.storage.aws import keys

HEADS_PARTITIONS: Final = f"{keys.HEADS_PARTITION_PREFIX}*"
UPLOADS_REGISTER: Final = f"{keys.UPLOADS}{UploadKind.REGISTER}/"
UPLOADS_DETECT: Final = f"{keys.UPLOADS}{UploadKind.DETECT}/"


def bucket(stage: str, kind: str) -> str:
    """Return a bucket's name, fixed in advance so that policies contain it instead of a reference."""
    return f"muster-{stage}-{kind}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"


def photos_origin(stage: str) -> str:
    """Return the origin of the photo bucket, for uploads and annotated photos in the browser."""
    return f"https://{bucket(stage, 'photos')}.s3.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}"


def sign_in_prefix(stage: str) -> str:
    """Return the first label of the sign-in pages' host name; the account's number makes it unique in a region."""
    return f"muster-{stage}-{cdk.Aws.ACCOUNT_ID}"


def sign_in_origin(stage: str) -> str:
    """Return the origin of the hosted sign-in pages."""
    return f"https://{sign_in_prefix(stage)}.auth.{cdk.Aws.REGION}.amazoncognito.com"


def training_job(stage: str) -> str:
    """Return the name of the training job's definition, without a revision.

    Each deployment registers a new revision. The name stays the same, so nothing that refers to it has to change, and
    `SubmitJob` by name takes the latest active revision.
    """
    return f"muster-{stage}-train"


def fallback_training(stage: str) -> str:
    """Return the name of the queue and of the job definition that train on processors if no GPU comes."""
    return f"{training_job(stage)}-processors"


def batch_arn(kind: str, name: str) -> str:
    """Return the ARN of a `job`, of a `job-queue`, or of a `job-definition` without its revision."""
    return f"arn:{cdk.Aws.PARTITION}:batch:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:{kind}/{name}"


def role_mapping(stage: str) -> str:
    """Return the name of the function that gives the roles of the school's own sign-in."""
    return f"muster-{stage}-role-mapping"
