"""Permissions by intent. Every action is spelled out, every resource is one of ours; only object keys end in a star.

The construct library's own grants (`bucket.grant_read`) are wider than what the code calls: wildcard actions, whole
buckets. An object's key is a prefix and a star, which cdk-nag reports; that is accepted here, for the one prefix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra import names
from infra.review import accept

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


@dataclass(frozen=True, slots=True)
class Stores:
    """What the functions and the training job work on: the table, the two buckets' names and the key of all three."""

    key: kms.IKey
    table: dynamodb.ITable
    photos: str
    models: str


def _allow(
    role: iam.Role,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: dict[str, dict[str, object]] | None = None,
) -> None:
    statement = iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions)
    role.add_to_policy(statement)


def objects(role: iam.Role, sid: str, bucket: str, actions: Sequence[str], *prefixes: str) -> None:
    """Allow actions on the objects of a bucket whose keys begin with one of the prefixes, such as `templates/`."""
    resources = [f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}/{prefix}*" for prefix in prefixes]
    _allow(role, sid, actions, resources)
    for resource in resources:
        reason = "An object's key is made when it is stored; the prefix is as narrow as it can be known before."
        accept(role, f"AwsSolutions-IAM5[Resource::{names.reported(resource)}]", reason)


def listing(role: iam.Role, sid: str, bucket: str, *prefixes: str) -> None:
    """Allow to list the keys of a bucket that begin with one of the prefixes."""
    keys: dict[str, dict[str, object]] = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    _allow(role, sid, ["s3:ListBucket"], [f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}"], keys)


def table(role: iam.Role, sid: str, stores: Stores, actions: Sequence[str], *partitions: str) -> None:
    """Allow actions on items; with `partitions`, on those whose partition key is one of them (a star for the rest)."""
    conditions: dict[str, dict[str, object]] | None = None
    if partitions:
        conditions = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}}
    _allow(role, sid, actions, [stores.table.table_arn], conditions)


def encryption(role: iam.Role, stores: Stores) -> None:
    """Allow use of the key, by way of S3 and DynamoDB only."""
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
