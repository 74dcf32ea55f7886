"""Names that more than one stack must agree on; those of the table and of objects are the library's own."""

from typing import Final

import aws_cdk as cdk

from muster.domain.upload import UploadKind
from muster.storage import keys

HEADS_PARTITIONS: Final = f"{keys.HEADS_PARTITION_PREFIX}*"
UPLOADS_REGISTER: Final = f"{keys.UPLOADS}{UploadKind.REGISTER}/"
UPLOADS_DETECT: Final = f"{keys.UPLOADS}{UploadKind.DETECT}/"


def bucket(stage: str, kind: str) -> str:
    """Return a bucket's name, known before the bucket is, so that policies can be read without looking anything up."""
    return f"muster-{stage}-{kind}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"


def reported(text: str) -> str:
    """Return a text with the account's properties as cdk-nag writes them: `<AWS::AccountId>`."""
    for token, written in (
        (cdk.Aws.PARTITION, "<AWS::Partition>"),
        (cdk.Aws.ACCOUNT_ID, "<AWS::AccountId>"),
        (cdk.Aws.REGION, "<AWS::Region>"),
    ):
        text = text.replace(token, written)
    return text


def photos_origin(stage: str) -> str:
    """Return the origin that the browser sends uploads to and shows annotated photos from."""
    return f"https://{bucket(stage, 'photos')}.s3.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}"


def sign_in_prefix(stage: str) -> str:
    """Return the first label of the sign-in pages' host name, unique in a region as the account's number is."""
    return f"muster-{stage}-{cdk.Aws.ACCOUNT_ID}"


def sign_in_origin(stage: str) -> str:
    """Return the origin of the hosted sign-in pages."""
    return f"https://{sign_in_prefix(stage)}.auth.{cdk.Aws.REGION}.amazoncognito.com"
