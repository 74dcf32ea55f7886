"""Photos, training copies and heads in two buckets, and the log of objects that no item refers to."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError

from muster.storage.aws import keys
from muster.storage.aws.table import Item, Key, Table
from muster.storage.documents import time_text

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_THREADS = 8


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """A log entry: names of objects in the two buckets that no item refers to while the entry exists."""

    key: Key
    photos: tuple[str, ...]
    models: tuple[str, ...]

    def item(self) -> Item:
        """Return the entry as an item of the table."""
        return {"pk": self.key[0], "sk": self.key[1], "photos": list(self.photos), "models": list(self.models)}


class PendingObjects:
    """The log of objects that are not referred to yet, or no longer.

    An object is written before the item that refers to it and deleted after it. The log entry is written before the
    object and deleted in the transaction that stores the reference; it is written again in the transaction that drops
    the reference. `Objects.sweep` deletes what a killed process left.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def new_entry(self, photos: Sequence[str] = (), models: Sequence[str] = ()) -> PendingEntry:
        """Return an entry, not yet written, for objects of the two buckets."""
        key = (keys.OBJECTS, f"{time_text(datetime.now(UTC))}#{uuid4().hex}")
        return PendingEntry(key, tuple(photos), tuple(models))

    def write(self, entry: PendingEntry) -> None:
        """Write an entry; call this before writing its objects."""
        self._table.put(entry.item())

    def put_action(self, entry: PendingEntry) -> Item:
        """Return the transaction action that writes an entry."""
        return self._table.put_action(entry.item())

    def delete_action(self, entry: PendingEntry) -> Item:
        """Return the transaction action that deletes an entry; it fails if its objects were swept."""
        return self._table.delete_action(entry.key, "attribute_exists(pk)")

    def delete(self, entry: PendingEntry) -> None:
        """Delete an entry."""
        self._table.delete(entry.key)

    def older_than(self, age: timedelta) -> Iterator[PendingEntry]:
        """Yield the entries that were made before a time."""
        limit = time_text(datetime.now(UTC) - age)
        for item in self._table.query(keys.OBJECTS):
            if item["sk"] < limit:
                yield PendingEntry((item["pk"], item["sk"]), tuple(item["photos"]), tuple(item["models"]))


class Objects:
    """The objects of the photos bucket and the models bucket.

    Attributes:
        pending: the log of objects that no item refers to.
    """

    def __init__(self, client: "S3Client", table: Table, photos: str, models: str) -> None:
        self._client = client
        self._photos = photos
        self._models = models
        self.pending = PendingObjects(table)

    def delete(self, entry: PendingEntry) -> None:
        """Delete the objects of a log entry, then the entry."""
        objects = [*((self._photos, name) for name in entry.photos), *((self._models, name) for name in entry.models)]
        if len(objects) > 1:
            with ThreadPoolExecutor(min(_THREADS, len(objects))) as pool:
                list(pool.map(lambda found: self._delete(*found), objects))
        elif objects:
            self._delete(*objects[0])
        self.pending.delete(entry)

    def sweep(self, older_than: timedelta) -> None:
        """Delete the objects of entries that are old enough for their process to have been killed."""
        for entry in self.pending.older_than(older_than):
            self.delete(entry)

    def put_photo(self, name: str, content: bytes) -> None:
        """Write a photo."""
        self._client.put_object(Bucket=self._photos, Key=name, Body=content)

    def put_model(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Write a training copy, a head or its metrics."""
        self._client.put_object(Bucket=self._models, Key=name, Body=content, ContentType=content_type)

    def photo(self, name: str) -> bytes | None:
        """Return a photo, or None if its retention has ended."""
        return read_object(self._client, self._photos, name)

    def model(self, name: str) -> bytes | None:
        """Return an object of the models bucket, or None."""
        return read_object(self._client, self._models, name)

    def delete_models(self, names: Sequence[str]) -> None:
        """Delete objects of the models bucket."""
        for name in names:
            self._delete(self._models, name)

    def names(self) -> Iterator[str]:
        """Yield `bucket/name` for every object of both buckets."""
        for bucket in (self._photos, self._models):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for listed in page.get("Contents", []):
                    yield f"{bucket}/{listed['Key']}"

    def _delete(self, bucket: str, name: str) -> None:
        response = self._client.delete_object(Bucket=bucket, Key=name)
        if not response.get("VersionId"):
            return
        # A versioned bucket only hides the object, and the photo would remain. Delete every version.
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=name):
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if version["Key"] == name:
                    self._client.delete_object(Bucket=bucket, Key=name, VersionId=version["VersionId"])


def read_object(client: "S3Client", bucket: str, name: str) -> bytes | None:
    """Return an object's content, or None if there is no such object.

    Raises:
        botocore.exceptions.ClientError: the object may not be read, or S3 failed.
    """
    try:
        return client.get_object(Bucket=bucket, Key=name)["Body"].read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # For a missing object, S3 answers "access denied" to callers who may list only a part of the bucket.
        if code in ("NoSuchKey", "404") or (code in ("AccessDenied", "403") and not _is_listed(client, bucket, name)):
            return None
        raise


def _is_listed(client: "S3Client", bucket: str, name: str) -> bool:
    listed = client.list_objects_v2(Bucket=bucket, Prefix=name)
    return any(item["Key"] == name for item in listed.get("Contents", []))
