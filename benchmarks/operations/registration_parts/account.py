"""A simulated AWS account with the latency and the capacity of a real one."""

import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from tests.aws_faults import throttled

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECONDS: Mapping[str, float] = {
    "GetItem": 0.005,
    "BatchGetItem": 0.02,
    "Query": 0.02,
    "PutItem": 0.008,
    "UpdateItem": 0.008,
    "DeleteItem": 0.008,
    "BatchWriteItem": 0.02,
    "TransactWriteItems": 0.04,
    "S3": 0.05,
}
"""Duration of a request, on top of that of the simulation: single-digit milliseconds for one item (Amazon DynamoDB
Developer Guide), several times that for batches and transactions, and tens of milliseconds for S3."""

_BYTES_PER_READ_UNIT = 4096
_BYTES_PER_WRITE_UNIT = 1024


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Request units per second of the table: `table_max_reads` and `table_max_writes`."""

    reads: float
    writes: float


class MeteredAccount:
    """Slows requests down, counts the request units they take, and throttles the table beyond its capacity.

    Attributes:
        reads, writes: request units taken so far. An update counts as 2 units, since its answer does not hold the item.
        throttled: requests that were refused.
    """

    def __init__(self, capacity: Capacity, clock: Callable[[], float] = time.monotonic) -> None:
        self.reads = self.writes = 0.0
        self.throttled: Counter[str] = Counter()
        self._capacity = capacity
        self._clock = clock
        self._left = {"reads": capacity.reads, "writes": capacity.writes}
        self._at = clock()
        self._lock = Lock()

    def limit(self, capacity: Capacity) -> None:
        """Change the capacity, and count from 0 again."""
        with self._lock:
            self.reads = self.writes = 0.0
            self.throttled.clear()
            self._capacity, self._left = capacity, {"reads": capacity.reads, "writes": capacity.writes}

    def around(self, app: "WSGIApplication") -> "WSGIApplication":
        """Stand between the network and the account."""

        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            if not target.startswith("DynamoDB"):
                time.sleep(SECONDS["S3"])
                return app(environ, start_response)
            operation = target.rpartition(".")[2]
            content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(content)
            time.sleep(SECONDS.get(operation, 0.0))
            if self._exhausted():
                self.throttled[operation] += 1
                status, document = throttled(operation, json.loads(content))
                start_response(status, [("Content-Type", "application/x-amz-json-1.0")])
                return [json.dumps(document).encode()]
            body = b"".join(app(environ, start_response))
            self._charge(operation, json.loads(content), json.loads(body or b"{}"))
            return [body]

        return answer

    def _exhausted(self) -> bool:
        with self._lock:
            now = self._clock()
            for kind in self._left:
                most = getattr(self._capacity, kind)
                if most < float("inf"):
                    self._left[kind] = min(most, self._left[kind] + most * (now - self._at))
            self._at = now
            return min(self._left.values()) < 0

    def _charge(self, operation: str, asked: dict[str, Any], answered: dict[str, Any]) -> None:
        reads, writes = _reads(operation, answered), _writes(operation, asked)
        with self._lock:
            self.reads += reads
            self.writes += writes
            self._left["reads"] -= reads
            self._left["writes"] -= writes


def _reads(operation: str, answered: dict[str, Any]) -> float:
    """Return the read units of a consistent read."""
    match operation:
        case "GetItem":
            return _units([answered.get("Item", {})], _BYTES_PER_READ_UNIT)
        case "BatchGetItem":
            items = [item for items in answered.get("Responses", {}).values() for item in items]
            return sum(_units([item], _BYTES_PER_READ_UNIT) for item in items)
        case "Query":
            # The items of one query are added up before they are rounded.
            return _units(answered.get("Items", []), _BYTES_PER_READ_UNIT)
    return 0.0


def _writes(operation: str, asked: dict[str, Any]) -> float:
    match operation:
        case "PutItem":
            return _units([asked["Item"]], _BYTES_PER_WRITE_UNIT)
        case "UpdateItem" | "DeleteItem":
            return 2.0
        case "BatchWriteItem":
            requests = [request for requests in asked["RequestItems"].values() for request in requests]
            items = [request.get("PutRequest", {}).get("Item", {}) for request in requests]
            return sum(_units([item], _BYTES_PER_WRITE_UNIT) for item in items)
        case "TransactWriteItems":
            # Each action is prepared and committed, which doubles its units.
            puts = [action["Put"]["Item"] if "Put" in action else {} for action in asked["TransactItems"]]
            return 2 * sum(_units([item], _BYTES_PER_WRITE_UNIT) for item in puts)
    return 0.0


def _units(items: list[dict[str, Any]], unit: int) -> float:
    return float(max(1, -(-sum(map(_size, items)) // unit)))


def _size(item: dict[str, Any]) -> int:
    """Return roughly the size of an item that is written in DynamoDB's JSON."""
    return sum(len(name) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return len(content) * 3 // 4
        case "M":
            return 3 + _size(content)
        case "L":
            return 3 + sum(map(_value_size, content))
    return len(str(content))
