"""Permissions by intent. Every action is listed, every resource belongs to the stage, only object keys have wildcards.

The construct library's own grants (`bucket.grant_read`) are wider than the calls of the code: wildcard actions and
whole buckets. cdk-nag reports the wildcard after an object key's prefix; it is accepted here, for that prefix only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, assert_never

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra.nag import accept, reported

READ: Final = ("s3:GetObject",)
WRITE: Final = ("s3:PutObject",)
DELETE: Final = ("s3:DeleteObject",)

TABLE_READ: Final = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
TABLE_WRITE: Final = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
)

Conditions = dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Stores:
    """The table, the names of the two buckets, and the key that encrypts all three."""

    key: kms.IKey
    table: dynamodb.ITable
    photos: str
    models: str


@dataclass(frozen=True, slots=True)
class Objects:
    """Actions on the objects of a bucket whose keys begin with one of the prefixes, such as `templates/`."""

    sid: str
    bucket: Literal["photos", "models"]
    actions: tuple[str, ...]
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Permission to list the keys of a bucket that begin with one of the prefixes."""

    sid: str
    bucket: Literal["photos", "models"]
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """Actions on the table's items, or only on those with one of the partition keys (a star stands for any ending)."""

    sid: str
    actions: tuple[str, ...]
    partitions: tuple[str, ...] = ()


Grant = Objects | Listing | Items


def allow(role: iam.Role, stores: Stores, grants: Sequence[Grant]) -> None:
    """Give a role the listed permissions, and the use of the key through S3 and DynamoDB."""
    for grant in grants:
        match grant:
            case Objects():
                _allow_objects(role, stores, grant)
            case Listing():
                prefixes: Conditions = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in grant.prefixes]}}
                _allow(role, grant.sid, ["s3:ListBucket"], [_bucket_arn(stores, grant.bucket)], prefixes)
            case Items():
                leading: Conditions | None = None
                if grant.partitions:
                    leading = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(grant.partitions)}}
                _allow(role, grant.sid, grant.actions, [stores.table.table_arn], leading)
            case _:
                assert_never(grant)
    _allow_encryption(role, stores)


def _allow_objects(role: iam.Role, stores: Stores, grant: Objects) -> None:
    resources = [f"{_bucket_arn(stores, grant.bucket)}/{prefix}*" for prefix in grant.prefixes]
    _allow(role, grant.sid, grant.actions, resources)
    for resource in resources:
        reason = "An object's key is made when it is stored; the prefix is as narrow as it can be known before."
        accept(role, f"AwsSolutions-IAM5[Resource::{reported(resource)}]", reason)


def _allow_encryption(role: iam.Role, stores: Stores) -> None:
    stack = cdk.Stack.of(role)
    via = [f"{service}.{stack.region}.{stack.url_suffix}" for service in ("s3", "dynamodb")]
    actions = (
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    )
    _allow(role, "UseKey", actions, [stores.key.key_arn], {"StringEquals": {"kms:ViaService": via}})


def _allow(
    role: iam.Role, sid: str, actions: Sequence[str], resources: Sequence[str], conditions: Conditions | None = None
) -> None:
    statement = iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions)
    role.add_to_policy(statement)


def _bucket_arn(stores: Stores, bucket: Literal["photos", "models"]) -> str:
    name = stores.photos if bucket == "photos" else stores.models
    return f"arn:{cdk.Aws.PARTITION}:s3:::{name}"
