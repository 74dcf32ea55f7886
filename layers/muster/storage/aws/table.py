"""One DynamoDB table: pages, batches, retries and transactions said once.

A client that loses an answer sends the request again, although the first one may have been carried out. Transactions
carry a token by which DynamoDB recognises the repetition, so conditional writes are transactions, even of one action.
`update` is the exception, since it returns the item.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from muster.storage.aws.keys import PARTITION_KEY, SORT_KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
Key = tuple[str, str]
_Batch = TypeVar("_Batch")

# Limits of the service (Amazon DynamoDB Developer Guide, "Service, account, and table quotas").
_MAX_READ_AT_ONCE = 100
_MAX_WRITTEN_AT_ONCE = 25
MAX_IN_A_TRANSACTION = 100

_THREADS = 8
_ATTEMPTS = 12
_FIRST_WAIT_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 1.0
_PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class ConditionFailed(Exception):
    """Conditions did not hold and nothing was written; `failed` are the positions of their actions."""

    def __init__(self, failed: Sequence[int] = (0,)) -> None:
        super().__init__(f"conditions {list(failed)} did not hold")
        self.failed = frozenset(failed)


class Table:
    """Reads are consistent: a gallery cached under a roster version must not be older than that version."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name
        self._write = TypeSerializer()
        self._read = TypeDeserializer()

    def get(self, key: Key) -> Item | None:
        """Return one item, or None."""
        answer = self._client.get_item(TableName=self._name, Key=self._key(key), ConsistentRead=True)
        return self._item(answer["Item"]) if "Item" in answer else None

    def query(self, partition: str, prefix: str = "") -> Iterator[Item]:
        """Yield the items of a partition whose sort keys begin with a prefix, in the order of the sort keys."""
        condition, values = "pk = :pk", {":pk": partition}
        if prefix:
            condition, values = condition + " AND begins_with(sk, :sk)", {**values, ":sk": prefix}
        return self._query(condition, values)

    def query_between(self, partition: str, first: str, last: str) -> Iterator[Item]:
        """Yield the items of a partition whose sort keys are from `first` to `last`, which is not before it."""
        return self._query(
            "pk = :pk AND sk BETWEEN :first AND :last", {":pk": partition, ":first": first, ":last": last}
        )

    def scan(self) -> Iterator[Item]:
        """Yield every item of the table."""
        for page in self._client.get_paginator("scan").paginate(TableName=self._name, ConsistentRead=True):
            for item in page["Items"]:
                yield self._item(item)

    def get_many(self, keys: Sequence[Key], attributes: Sequence[str] = ()) -> dict[Key, Item]:
        """Return those of the items that exist, 100 a call, several at once; `attributes`: these and the keys only."""
        batches = list(_batches(keys, _MAX_READ_AT_ONCE))
        found: dict[Key, Item] = {}
        for items in _in_parallel(lambda batch: self._get_batch(batch, attributes), batches):
            found.update({(item[PARTITION_KEY], item[SORT_KEY]): item for item in items})
        return found

    def put(self, item: Item, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Write one item, whatever was there.

        Raises:
            ConditionFailed: the condition did not hold.
        """
        if condition:
            self.together([self.putting(item, condition, values)])
        else:
            self._client.put_item(TableName=self._name, Item=self._attributes(item))

    def put_many(self, items: Sequence[Item]) -> None:
        """Write items that need not be written together, 25 a call, several calls at once."""
        requests = [{"PutRequest": {"Item": self._attributes(item)}} for item in items]
        for _ in _in_parallel(self._write_batch, list(_batches(requests, _MAX_WRITTEN_AT_ONCE))):
            pass

    def delete(self, key: Key, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Delete one item, if it is there.

        Raises:
            ConditionFailed: the condition did not hold.
        """
        if condition:
            self.together([self.deleting(key, condition, values)])
        else:
            self._client.delete_item(TableName=self._name, Key=self._key(key))

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Delete items that need not go together, 25 a call, several calls at once."""
        requests = [{"DeleteRequest": {"Key": self._key(key)}} for key in keys]
        for _ in _in_parallel(self._write_batch, list(_batches(requests, _MAX_WRITTEN_AT_ONCE))):
            pass

    def update(self, key: Key, expression: str, values: Item, condition: str = "") -> Item:
        """Change one item and return it as it is then.

        A request that is sent again after a lost answer fails if its own change made the condition false. Callers give
        a condition that the change leaves true, or handle the failure, or call `together` instead.

        Raises:
            ConditionFailed: the condition did not hold.
        """
        try:
            answer = self._client.update_item(
                TableName=self._name,
                Key=self._key(key),
                **self._terms(expression, values, condition),
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise ConditionFailed from error
        return self._item(answer["Attributes"])

    def putting(self, item: Item, condition: str = "", values: Mapping[str, Any] | None = None) -> Item:
        """Return the action, for `together`, of writing an item."""
        return {"Put": {"TableName": self._name, "Item": self._attributes(item), **self._check(condition, values)}}

    def deleting(self, key: Key, condition: str = "", values: Mapping[str, Any] | None = None) -> Item:
        """Return the action, for `together`, of deleting an item."""
        return {"Delete": {"TableName": self._name, "Key": self._key(key), **self._check(condition, values)}}

    def updating(self, key: Key, expression: str, values: Item, condition: str = "") -> Item:
        """Return the action, for `together`, of changing an item."""
        return {
            "Update": {"TableName": self._name, "Key": self._key(key), **self._terms(expression, values, condition)}
        }

    def checking(self, key: Key, condition: str, values: Mapping[str, Any] | None = None) -> Item:
        """Return the action, for `together`, of asking that a condition holds."""
        return {"ConditionCheck": {"TableName": self._name, "Key": self._key(key), **self._check(condition, values)}}

    def together(self, actions: Sequence[Item]) -> None:
        """Do at most 100 actions, all or none; waits for others that work on the same items.

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
                if not _PASSING.intersection(reasons) or attempt == _ATTEMPTS - 1:
                    raise
            wait(attempt)

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
        # 16 MB a call: what did not fit, or was throttled, is asked for again.
        for attempt in range(_ATTEMPTS):
            answer = self._client.batch_get_item(RequestItems={self._name: wanted})
            got = answer["Responses"].get(self._name, [])
            items += [self._item(item) for item in got]
            wanted = answer["UnprocessedKeys"].get(self._name)
            if not wanted:
                return items
            if not got:
                wait(attempt)
        raise TimeoutError(f"{len(wanted['Keys'])} items could not be read in {_ATTEMPTS} attempts")

    def _write_batch(self, requests: Sequence[Any]) -> None:
        left: Any = {self._name: list(requests)}
        for attempt in range(_ATTEMPTS):
            left = self._client.batch_write_item(RequestItems=left)["UnprocessedItems"]
            if not left:
                return
            wait(attempt)
        raise TimeoutError(f"items could not be written in {_ATTEMPTS} attempts")

    def _terms(self, expression: str, values: Mapping[str, Any], condition: str) -> Item:
        terms: Item = {"UpdateExpression": expression}
        if condition:
            terms["ConditionExpression"] = condition
        if values:
            terms["ExpressionAttributeValues"] = self._attributes(values)
        return terms

    def _check(self, condition: str, values: Mapping[str, Any] | None) -> Item:
        terms: Item = {"ConditionExpression": condition} if condition else {}
        if values:
            terms["ExpressionAttributeValues"] = self._attributes(values)
        return terms

    def _attributes(self, item: Mapping[str, Any]) -> Any:
        return {name: self._write.serialize(value) for name, value in item.items() if value is not None}

    def _item(self, attributes: Mapping[str, Any]) -> Item:
        return {name: _plain(self._read.deserialize(value)) for name, value in attributes.items()}

    @staticmethod
    def _key(key: Key) -> Any:
        return {PARTITION_KEY: {"S": key[0]}, SORT_KEY: {"S": key[1]}}


def wait(attempt: int) -> None:
    """Wait before trying again: a random part of a time that doubles, so that rivals do not meet again."""
    longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
    time.sleep(random.uniform(0, longest))  # noqa: S311 spreads load, keeps no secret


def is_missing(error: ClientError) -> bool:
    """Tell whether S3 says that there is no such object."""
    return error.response["Error"]["Code"] in ("NoSuchKey", "404")


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Binary) else value  # type: ignore[attr-defined]


def _batches(things: Sequence[_Batch], size: int) -> Iterator[Sequence[_Batch]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]


_Answer = TypeVar("_Answer")


def _in_parallel(call: Callable[[Sequence[_Batch]], _Answer], batches: Sequence[Sequence[_Batch]]) -> Iterable[_Answer]:
    if len(batches) <= 1:
        return [call(batch) for batch in batches]
    with ThreadPoolExecutor(min(_THREADS, len(batches))) as pool:
        return list(pool.map(call, batches))
