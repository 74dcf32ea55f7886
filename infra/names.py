"""Names that more than one stack, or the library, must agree on."""

from typing import Final

import aws_cdk as cdk

PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"
INDEX: Final = "gsi1"
INDEX_PARTITION_KEY: Final = "gsi1pk"
INDEX_SORT_KEY: Final = "gsi1sk"
EXPIRES_AT: Final = "expires_at"
TRAINING_PARTITION: Final = "TRAINING"
HEADS_PARTITIONS: Final = "HEADS#*"

UPLOADS: Final = "uploads/"
UPLOADS_REGISTER: Final = "uploads/register/"
UPLOADS_DETECT: Final = "uploads/detect/"
REGISTRATION_PHOTOS: Final = "students/"
SESSION_PHOTOS: Final = "sessions/"
TEMPLATES: Final = "templates/"
HEADS: Final = "heads/"


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
