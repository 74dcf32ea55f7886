"""Published weights in an S3 bucket."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from muster.domain.errors import InvalidRequest, WeightsUnreachable
from muster.packs.manifest import PublishedSource
from muster.packs.weights import OnFraction

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BLOCK = 1 << 20


class Bucket:
    """Objects under a prefix, with the file names of the manifest.

    Args:
        prefix: the key up to the file name, without a slash at its end; may be empty.
    """

    origin = "a bucket"

    def __init__(self, client: "S3Client", bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def fetch(self, source: PublishedSource, kept: Path, on_fraction: OnFraction) -> Path:
        """Download an object whole; see `WeightStore.fetch`."""
        from botocore.exceptions import BotoCoreError, ClientError

        key = f"{self._prefix}/{source.file}".lstrip("/")
        part = kept.with_name(kept.name + ".part")
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            arrived = 0
            with part.open("wb") as stream:
                for block in answer["Body"].iter_chunks(_BLOCK):
                    stream.write(block)
                    arrived += len(block)
                    on_fraction(arrived / max(answer["ContentLength"], 1))
        except (ClientError, BotoCoreError) as error:
            raise WeightsUnreachable(
                f"s3://{self._bucket}/{key} cannot be read ({error}): put the weights of {source.network} there, which "
                f"are published at {source.address}, and check the credentials."
            ) from error
        part.replace(kept)
        return kept


def open_bucket(address: str, **client: Any) -> Bucket:
    """Open `s3://bucket/prefix`; the SDK's own settings give region, credentials and endpoint.

    Args:
        client: options of the SDK's client.

    Raises:
        InvalidRequest: the address names no bucket, or the SDK is not installed.
    """
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not bucket:
        raise InvalidRequest(f"{address} names no bucket: write s3://bucket/prefix.")
    try:
        import boto3
    except ModuleNotFoundError as error:
        raise InvalidRequest("Reading from S3 needs boto3: install it here, or copy the files to a folder.") from error
    return Bucket(boto3.client("s3", **client), bucket, prefix.rstrip("/"))
