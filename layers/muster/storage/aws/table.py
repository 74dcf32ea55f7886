"""A client of one DynamoDB table: paging, batches, retries and transactions.

The SDK repeats a request whose response was lost, although the first one may have taken effect. Transactions carry a
token by which DynamoDB recognises the repetition, so conditional writes are transactions, even those of one action.
`update` is the exception, since it returns the item.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from muster.storage.aws.keys import PARTITION_KEY, SORT_KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
Key = tuple[str, str]

_Element = TypeVar("_Element")
_Result = TypeVar("_Result")

# Limits of the service (Amazon DynamoDB Developer Guide, "Service, account, and table quotas").
_MAX_BATCH_READ = 100
_MAX_BATCH_WRITE = 25
MAX_TRANSACTION_ACTIONS = 100

_THREADS = 8
_ATTEMPTS = 12
_FIRST_WAIT_SECONDS = 0.02
_MAX_WAIT_SECONDS = 1.0
_RETRYABLE_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class ConditionFailed(Exception):
    """Conditions did not hold, and nothing was written; `failed` holds the positions of their actions."""

    def __init__(self, failed: Sequence[int] = (0,)) -> None:
        super().__init__(f"conditions {list(failed)} did not hold")
        self.failed = frozenset(failed)


class Table:
    """One table. Reads are consistent: a gallery cached under a roster version must not be older than that version."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name
        self._serializer = TypeSerializer()
        self._deserializer = TypeDeserializer()

    def get(self, key: Key) -> Item | None:
        """Return one item, or None."""
        response = self._client.get_item(TableName=self._name, Key=self._key(key), ConsistentRead=True)
        return self._item(response["Item"]) if "Item" in response else None

    def query(self, partition: str, prefix: str = "") -> Iterator[Item]:
        """Yield the items of a partition whose sort keys begin with a prefix, ordered by sort key."""
        condition, values = "pk = :pk", {":pk": partition}
        if prefix:
            condition, values = condition + " AND begins_with(sk, :sk)", {**values, ":sk": prefix}
        return self._query(condition, values)

    def query_between(self, partition: str, first: str, last: str) -> Iterator[Item]:
        """Yield the items of a partition with sort keys from `first` to `last` (not before `first`), in order."""
        return self._query(
            "pk = :pk AND sk BETWEEN :first AND :last", {":pk": partition, ":first": first, ":last": last}
        )

    def query_many(self, partitions: Sequence[str], first: str, last: str) -> list[Item]:
        """Return the items of several partitions between two sort keys, by parallel queries, in the given order."""

        def of_partition(batch: Sequence[str]) -> list[Item]:
            return [item for partition in batch for item in self.query_between(partition, first, last)]

        return [item for items in _in_parallel(of_partition, list(batches(partitions, 1))) for item in items]

    def scan(self) -> Iterator[Item]:
        """Yield every item of the table."""
        for page in self._client.get_paginator("scan").paginate(TableName=self._name, ConsistentRead=True):
            for item in page["Items"]:
                yield self._item(item)

    def get_many(self, keys: Sequence[Key], attributes: Sequence[str] = ()) -> dict[Key, Item]:
        """Return the items that exist, by key, in parallel calls of 100.

        Args:
            attributes: read only these and the keys; all if empty.
        """
        parts = list(batches(keys, _MAX_BATCH_READ))
        found: dict[Key, Item] = {}
        for items in _in_parallel(lambda batch: self._get_batch(batch, attributes), parts):
            found.update({(item[PARTITION_KEY], item[SORT_KEY]): item for item in items})
        return found

    def put(self, item: Item, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Write one item, replacing any item with its key.

        Raises:
            ConditionFailed: the condition did not hold.
        """
        if condition:
            self.transact_write([self.put_action(item, condition, values)])
        else:
            attributes = self._attributes(item)
            self._retry_on_conflict(lambda: self._client.put_item(TableName=self._name, Item=attributes))

    def put_many(self, items: Sequence[Item]) -> None:
        """Write items without a transaction, in parallel calls of 25."""
        requests = [{"PutRequest": {"Item": self._attributes(item)}} for item in items]
        for _ in _in_parallel(self._write_batch, list(batches(requests, _MAX_BATCH_WRITE))):
            pass

    def delete(self, key: Key, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Delete one item, if it exists.

        Raises:
            ConditionFailed: the condition did not hold.
        """
        if condition:
            self.transact_write([self.delete_action(key, condition, values)])
        else:
            self._retry_on_conflict(lambda: self._client.delete_item(TableName=self._name, Key=self._key(key)))

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Delete items without a transaction, in parallel calls of 25."""
        requests = [{"DeleteRequest": {"Key": self._key(key)}} for key in keys]
        for _ in _in_parallel(self._write_batch, list(batches(requests, _MAX_BATCH_WRITE))):
            pass

    def update(self, key: Key, expression: str, values: Item, condition: str = "") -> Item:
        """Update one item and return the updated item.

        A repeated request fails if the first one made the condition false. Callers pass a condition that the update
        leaves true, or handle the failure, or call `transact_write` instead.

        Raises:
            ConditionFailed: the condition did not hold.
        """
        terms = self._update_terms(expression, values, condition)
        try:
            response = self._retry_on_conflict(
                lambda: self._client.update_item(
                    TableName=self._name, Key=self._key(key), **terms, ReturnValues="ALL_NEW"
                )
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise ConditionFailed from error
        return self._item(response["Attributes"])

    def put_action(self, item: Item, condition: str = "", values: Mapping[str, Any] | None = None) -> Item:
        """Return the transaction action that writes an item."""
        return {"Put": {"TableName": self._name, "Item": self._attributes(item), **self._terms(condition, values)}}

    def delete_action(self, key: Key, condition: str = "", values: Mapping[str, Any] | None = None) -> Item:
        """Return the transaction action that deletes an item."""
        return {"Delete": {"TableName": self._name, "Key": self._key(key), **self._terms(condition, values)}}

    def update_action(self, key: Key, expression: str, values: Item, condition: str = "") -> Item:
        """Return the transaction action that updates an item."""
        terms = self._update_terms(expression, values, condition)
        return {"Update": {"TableName": self._name, "Key": self._key(key), **terms}}

    def condition_check(self, key: Key, condition: str, values: Mapping[str, Any] | None = None) -> Item:
        """Return the transaction action that checks a condition on an item."""
        return {"ConditionCheck": {"TableName": self._name, "Key": self._key(key), **self._terms(condition, values)}}

    def transact_write(self, actions: Sequence[Item]) -> None:
        """Carry out at most 100 actions, all or none; retry while other transactions use the same items.

        Raises:
            ConditionFailed: conditions did not hold.
        """
        for attempt in range(_ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=list(actions))  # type: ignore[arg-type]
                return
            except self._client.exceptions.TransactionCanceledException as error:
                reasons = [reason.get("Code") for reason in error.response["CancellationReasons"]]
                failed = [at for at, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]
                if failed:
                    raise ConditionFailed(failed) from error
                if not _RETRYABLE_REASONS.intersection(reasons) or attempt == _ATTEMPTS - 1:
                    raise
            back_off(attempt)

    def _retry_on_conflict(self, write: Callable[[], _Result]) -> _Result:
        """Carry out the write of one item; retry while a transaction uses the item. The SDK does not retry this."""
        for attempt in range(_ATTEMPTS - 1):
            try:
                return write()
            except self._client.exceptions.TransactionConflictException:
                back_off(attempt)
        return write()

    def _query(self, condition: str, values: Item) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=self._attributes(values),
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield self._item(item)

    def _get_batch(self, keys: Sequence[Key], attributes: Sequence[str]) -> list[Item]:
        projection: Item = {}
        if attributes:
            names = {f"#{at}": name for at, name in enumerate((PARTITION_KEY, SORT_KEY, *attributes))}
            projection = {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
        wanted: Any = {"Keys": [self._key(key) for key in keys], "ConsistentRead": True, **projection}
        items: list[Item] = []
        # A response holds at most 16 MB. Ask again for the items that did not fit or were throttled.
        for attempt in range(_ATTEMPTS):
            response = self._client.batch_get_item(RequestItems={self._name: wanted})
            got = response["Responses"].get(self._name, [])
            items += [self._item(item) for item in got]
            wanted = response["UnprocessedKeys"].get(self._name)
            if not wanted:
                return items
            if not got:
                back_off(attempt)
        raise TimeoutError(f"{len(wanted['Keys'])} items could not be read in {_ATTEMPTS} attempts")

    def _write_batch(self, requests: Sequence[Any]) -> None:
        remaining: Any = {self._name: list(requests)}
        for attempt in range(_ATTEMPTS):
            remaining = self._client.batch_write_item(RequestItems=remaining)["UnprocessedItems"]
            if not remaining:
                return
            back_off(attempt)
        raise TimeoutError(f"items could not be written in {_ATTEMPTS} attempts")

    def _update_terms(self, expression: str, values: Mapping[str, Any], condition: str) -> Item:
        return {"UpdateExpression": expression, **self._terms(condition, values)}

    def _terms(self, condition: str, values: Mapping[str, Any] | None) -> Item:
        terms: Item = {"ConditionExpression": condition} if condition else {}
        if values:
            terms["ExpressionAttributeValues"] = self._attributes(values)
        return terms

    def _attributes(self, item: Mapping[str, Any]) -> Any:
        return {name: self._serializer.serialize(value) for name, value in item.items() if value is not None}

    def _item(self, attributes: Mapping[str, Any]) -> Item:
        return {name: _plain(self._deserializer.deserialize(value)) for name, value in attributes.items()}

    @staticmethod
    def _key(key: Key) -> Any:
        return {PARTITION_KEY: {"S": key[0]}, SORT_KEY: {"S": key[1]}}


def back_off(attempt: int) -> None:
    """Sleep before a retry: a random part of a time that doubles with each attempt, so that rivals spread out."""
    longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _MAX_WAIT_SECONDS)
    time.sleep(random.uniform(0, longest))  # noqa: S311 spreads load, keeps no secret


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Binary) else value  # type: ignore[attr-defined]


def batches(elements: Sequence[_Element], size: int) -> Iterator[Sequence[_Element]]:
    """Split a sequence into parts of at most `size` elements."""
    for start in range(0, len(elements), size):
        yield elements[start : start + size]


def _in_parallel(
    call: Callable[[Sequence[_Element]], _Result], batches: Sequence[Sequence[_Element]]
) -> Iterable[_Result]:
    if len(batches) <= 1:
        return [call(batch) for batch in batches]
    with ThreadPoolExecutor(min(_THREADS, len(batches))) as pool:
        return list(pool.map(call, batches))
