"""Reading an object that may be gone."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from muster.storage.aws.table import is_missing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def read_object(client: "S3Client", bucket: str, name: str) -> bytes | None:
    """Return an object's content, or None where there is no such object.

    Raises:
        botocore.exceptions.ClientError: the object may not be read, or S3 failed.
    """
    try:
        return client.get_object(Bucket=bucket, Key=name)["Body"].read()
    except ClientError as error:
        # S3 refuses, instead of saying that an object is missing, to whoever may list only a part of the bucket.
        if is_missing(error) or (_is_denied(error) and not _is_listed(client, bucket, name)):
            return None
        raise


def _is_denied(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in ("AccessDenied", "403")


def _is_listed(client: "S3Client", bucket: str, name: str) -> bool:
    listed = client.list_objects_v2(Bucket=bucket, Prefix=name)
    return any(item["Key"] == name for item in listed.get("Contents", []))
