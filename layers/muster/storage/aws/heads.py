"""Versioned heads: files in the models bucket, numbers and the pointer in the table."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from muster.domain.errors import HeadNotFound
from muster.domain.identifiers import PackId
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.table import ConditionFailed, Item, Table
from muster.storage.documents import json_text, read_time, time_text
from muster.storage.ports import HeadVersion
from muster.storage.shared import promoted_concurrently

_WRITING, _STORED, _LEAVING = "writing", "stored", "leaving"


class AwsHeads:
    """`HeadStore` on S3 and DynamoDB.

    A head's item is written before its file and deleted after it, so `delete_all` finds every file. The item's stage
    shows whether the head can be used.
    """

    def __init__(self, table: Table, objects: Objects, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._table = table
        self._objects = objects
        self._now = now

    def save(self, pack: PackId, head: bytes, metrics: Mapping[str, Any]) -> int:
        """Store a head file with its metrics and return its number; see `HeadStore.save`."""
        partition = keys.heads_partition(pack)
        self._table.put({"pk": keys.heads_partition(None), "sk": f"{keys.PACK_PREFIX}{pack}", "pack": pack})
        pointer = self._table.update((partition, keys.POINTER), "ADD last_version :one", {":one": 1})
        version = int(pointer["last_version"])
        item = {
            "pk": partition,
            "sk": keys.head(version),
            "version": version,
            "stored_at": time_text(self._now()),
            "metrics": json_text(metrics),
            "stage": _WRITING,
        }
        self._table.put(item)
        self._objects.put_model(keys.head_object(pack, version), head)
        self._objects.put_model(keys.metrics_object(pack, version), json_text(metrics).encode(), "application/json")
        # If all heads were deleted concurrently, this one learned from someone who was erased, and is deleted too. The
        # stage is "stored" already if the response to this update was lost and the SDK repeats it.
        try:
            self._table.update(
                (partition, keys.head(version)),
                "SET stage = :stored",
                {":stored": _STORED, ":writing": _WRITING},
                "stage IN (:writing, :stored)",
            )
        except ConditionFailed:
            self._objects.delete_models([keys.head_object(pack, version), keys.metrics_object(pack, version)])
        return version

    def load(self, pack: PackId, version: int) -> bytes:
        """Return a head file; see `HeadStore.load`."""
        item = self._table.get((keys.heads_partition(pack), keys.head(version)))
        content = self._objects.model(keys.head_object(pack, version)) if item and item["stage"] == _STORED else None
        if content is None:
            raise _not_found(pack, version)
        return content

    def versions(self, pack: PackId) -> list[HeadVersion]:
        """Return all stored heads, oldest first."""
        current = self.current(pack)
        return [
            HeadVersion(
                version=int(item["version"]),
                stored_at=read_time(item["stored_at"]),
                pack=pack,
                metrics=json.loads(item["metrics"]),
                current=int(item["version"]) == current,
            )
            for item in self._items(pack)
            if item["stage"] == _STORED
        ]

    def current(self, pack: PackId) -> int | None:
        """Return the number of the current head, or None; see `HeadStore.current`."""
        pointer = self._table.get((keys.heads_partition(pack), keys.POINTER)) or {}
        return int(pointer["current_version"]) if "current_version" in pointer else None

    def promote(self, pack: PackId, version: int | None, expected: int | None) -> None:
        """Make a head current if the current one is still the expected; see `HeadStore.promote`."""
        partition = keys.heads_partition(pack)
        update, values = "REMOVE current_version", {}
        if version is not None:
            update, values = "SET current_version = :new", {":new": version}
        condition = "attribute_not_exists(current_version)"
        if expected is not None:
            condition, values = "current_version = :expected", {**values, ":expected": expected}
        actions = [self._table.update_action((partition, keys.POINTER), update, values, condition)]
        if version is not None:
            stored = self._table.condition_check(
                (partition, keys.head(version)), "stage = :stored", {":stored": _STORED}
            )
            actions.append(stored)
        try:
            self._table.transact_write(actions)
        except ConditionFailed as error:
            if version is not None and 1 in error.failed:
                raise _not_found(pack, version) from error
            raise promoted_concurrently() from error

    def prune(self, pack: PackId, keep: int) -> None:
        """Delete all but the newest `keep` heads and the current one."""
        items = [item for item in self._items(pack) if item["stage"] != _WRITING]
        for item in items[: len(items) - max(keep, 0)]:
            key = (item["pk"], item["sk"])
            not_current = self._table.condition_check(
                (item["pk"], keys.POINTER),
                "attribute_not_exists(current_version) OR current_version <> :version",
                {":version": int(item["version"])},
            )
            try:
                self._table.transact_write(
                    [not_current, self._table.update_action(key, "SET stage = :s", {":s": _LEAVING})]
                )
            except ConditionFailed:
                continue
            self._delete(pack, item)

    def delete_all(self) -> None:
        """Delete every head of every pack; numbers are not used again."""
        for listed in self._table.query(keys.heads_partition(None), keys.PACK_PREFIX):
            pack = PackId(listed["pack"])
            items = self._items(pack)
            for item in items:
                # From now on the head cannot be promoted, so the pointer stays cleared.
                self._table.update((item["pk"], item["sk"]), "SET stage = :leaving", {":leaving": _LEAVING})
            self._table.update((keys.heads_partition(pack), keys.POINTER), "REMOVE current_version", {})
            for item in items:
                self._delete(pack, item)
            # The state of an unfinished job was learned from the same people.
            self._objects.delete_models([keys.checkpoint_object(pack)])

    def _items(self, pack: PackId) -> list[Item]:
        return list(self._table.query(keys.heads_partition(pack), keys.HEAD_PREFIX))

    def _delete(self, pack: PackId, item: Item) -> None:
        version = int(item["version"])
        self._objects.delete_models([keys.head_object(pack, version), keys.metrics_object(pack, version)])
        self._table.delete((item["pk"], item["sk"]))


def _not_found(pack: PackId, version: int) -> HeadNotFound:
    return HeadNotFound(f"The pack {pack} has no head {version}. Choose a head from the list.")
