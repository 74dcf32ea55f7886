"""Photos, training copies and heads in two buckets, and the ledger that keeps them from being forgotten there."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from muster.storage.aws import keys
from muster.storage.aws.reading import read_object
from muster.storage.aws.table import Item, Key, Table
from muster.storage.documents import time_text

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_THREADS = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger: objects that nothing refers to unless the line is struck out."""

    key: Key
    photos: tuple[str, ...]
    models: tuple[str, ...]

    def item(self) -> Item:
        """Return the line as it is stored."""
        return {"pk": self.key[0], "sk": self.key[1], "photos": list(self.photos), "models": list(self.models)}


class Objects:
    """Objects are written before the item that refers to them and deleted after it.

    In between a line of the ledger says so: it is written before the first object, struck out in the transaction that
    stores the reference, and entered in the one that drops it. What a killed process left is deleted by `sweep`.
    """

    def __init__(self, client: "S3Client", table: Table, photos: str, models: str) -> None:
        self._client = client
        self._table = table
        self._photos = photos
        self._models = models

    def enter(self, photos: Sequence[str] = (), models: Sequence[str] = ()) -> Entry:
        """Make a line, not yet written, for objects of the two buckets."""
        key = (keys.OBJECTS, f"{time_text(datetime.now(UTC))}#{uuid4().hex}")
        return Entry(key, tuple(photos), tuple(models))

    def announce(self, entry: Entry) -> None:
        """Write a line, before its objects are."""
        self._table.put(entry.item())

    def entering(self, entry: Entry) -> Item:
        """Return the action of writing a line in a transaction."""
        return self._table.putting(entry.item())

    def striking(self, entry: Entry) -> Item:
        """Return the action of striking out a line in a transaction, which fails if the objects were swept."""
        return self._table.deleting(entry.key, "attribute_exists(pk)")

    def delete(self, entry: Entry) -> None:
        """Delete a line's objects, then the line."""
        objects = [*((self._photos, name) for name in entry.photos), *((self._models, name) for name in entry.models)]
        if len(objects) > 1:
            with ThreadPoolExecutor(min(_THREADS, len(objects))) as pool:
                list(pool.map(lambda found: self._delete(*found), objects))
        elif objects:
            self._delete(*objects[0])
        self._table.delete(entry.key)

    def sweep(self, older_than: timedelta) -> None:
        """Delete the objects of lines that have stood for a while: their process was killed."""
        limit = time_text(datetime.now(UTC) - older_than)
        for item in self._table.query(keys.OBJECTS):
            if item["sk"] < limit:
                self.delete(Entry((item["pk"], item["sk"]), tuple(item["photos"]), tuple(item["models"])))

    def put_photo(self, name: str, content: bytes) -> None:
        """Write a photo."""
        self._client.put_object(Bucket=self._photos, Key=name, Body=content)

    def put_model(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Write a template copy, a head or its metrics."""
        self._client.put_object(Bucket=self._models, Key=name, Body=content, ContentType=content_type)

    def photo(self, name: str) -> bytes | None:
        """Return a photo, or None where its retention has ended."""
        return read_object(self._client, self._photos, name)

    def model(self, name: str) -> bytes | None:
        """Return an object of the models' bucket, or None."""
        return read_object(self._client, self._models, name)

    def delete_models(self, names: Sequence[str]) -> None:
        """Delete objects of the models' bucket."""
        for name in names:
            self._delete(self._models, name)

    def names(self) -> Iterator[str]:
        """Yield the names of all objects of both buckets, each behind its bucket's name."""
        for bucket in (self._photos, self._models):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for listed in page.get("Contents", []):
                    yield f"{bucket}/{listed['Key']}"

    def _delete(self, bucket: str, name: str) -> None:
        answer = self._client.delete_object(Bucket=bucket, Key=name)
        if not answer.get("VersionId"):
            return
        # A bucket with versions only hides the object: a face would still be there.
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=name):
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                if version["Key"] == name:
                    self._client.delete_object(Bucket=bucket, Key=name, VersionId=version["VersionId"])
