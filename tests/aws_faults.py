"""Refusals of the simulated account: throttling and conflicts that AWS answers and the simulation never does."""

import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
_THROTTLED = (
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
)
_SINGLE_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})

Answer = tuple[str, dict[str, Any]]
Refuse = Callable[[str, dict[str, Any]], Answer | None]


class AwsFaults:
    """Refuses requests to the table, to S3 and to SES before they take effect, as the test chooses.

    Attributes:
        refused: refusals so far, by operation and code.
    """

    def __init__(self) -> None:
        self.refused: Counter[tuple[str, str]] = Counter()
        self._refuse: Refuse = lambda operation, asked: None
        self._lock = Lock()

    def around(self, app: "WSGIApplication") -> "WSGIApplication":
        """Stand between the network and the account."""

        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            operation, asked = _request(environ)
            with self._lock:
                refusal = self._refuse(operation, asked) if operation else None
                if refusal is not None:
                    self.refused[operation, _code(refusal[1])] += 1
            if refusal is None:
                return app(environ, start_response)
            status, document = refusal
            if operation.startswith("S3 "):
                body = f"<Error><Code>{document['Code']}</Code><Message>Slow down.</Message></Error>".encode()
                start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
                return [body]
            body = json.dumps(document).encode()
            headers = [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(body)))]
            start_response(status, headers)
            return [body]

        return answer

    def refuse(self, refuse: Refuse) -> None:
        """Ask `refuse` before each request, with its operation and body; an answer takes the place of AWS's own."""
        with self._lock:
            self.refused.clear()
            self._refuse = refuse

    def stop(self) -> None:
        """Refuse nothing any more; what was refused stays counted."""
        with self._lock:
            self._refuse = lambda operation, asked: None


def conflict(operation: str, asked: dict[str, Any]) -> Answer | None:
    """Answer that a write uses an item that a transaction is writing; None for an operation that cannot conflict.

    Amazon DynamoDB Developer Guide, "Transaction conflict handling in DynamoDB".
    """
    if operation in _SINGLE_WRITES:
        document = {"__type": f"{_DYNAMODB}TransactionConflictException", "message": "Transaction is ongoing"}
        return "400 Bad Request", document
    if operation == "TransactWriteItems":
        return _cancelled(asked, "TransactionConflict")
    return None


def throttled(operation: str, asked: dict[str, Any], code: str = _THROTTLED[0]) -> Answer:
    """Answer that too much is asked; each operation says it in its own way."""
    match operation:
        case "BatchGetItem":
            return "200 OK", {"Responses": {}, "UnprocessedKeys": asked["RequestItems"]}
        case "BatchWriteItem":
            return "200 OK", {"UnprocessedItems": asked["RequestItems"]}
        case "TransactWriteItems" if code == _THROTTLED[0]:
            return _cancelled(asked, "ProvisionedThroughputExceeded")
        case _ if operation.startswith("S3 "):
            return "503 Slow Down", {"Code": "SlowDown"}
    return "400 Bad Request", {"__type": f"{_DYNAMODB}{code}", "message": "Slow down."}


def at_random(seed: int, share: float) -> Refuse:
    """Refuse a share of the requests: throttled, or in conflict where the operation can be.

    The n-th request of an operation meets the same fate in each run with the same seed. No operation is refused more
    than twice in a row, which is fewer times than the SDK repeats a request. Only items that transactions write can be
    in conflict.
    """
    count: Counter[str] = Counter()
    in_a_row: Counter[str] = Counter()
    in_transactions: set[str] = set()

    def refuse(operation: str, asked: dict[str, Any]) -> Answer | None:
        in_transactions.update(_keys(asked.get("TransactItems", ())))
        chance = random.Random(f"{seed} {operation} {count[operation]}")  # noqa: S311 repeats, keeps no secret
        count[operation] += 1
        if chance.random() >= share or in_a_row[operation] == 2:
            in_a_row[operation] = 0
            return None
        in_a_row[operation] += 1
        may_conflict = operation == "TransactWriteItems" or not in_transactions.isdisjoint(_keys([{operation: asked}]))
        in_conflict = conflict(operation, asked) if may_conflict and chance.random() < 0.5 else None
        return in_conflict or throttled(operation, asked, chance.choice(_THROTTLED))

    return refuse


def _request(environ: "WSGIEnvironment") -> tuple[str, dict[str, Any]]:
    """Return operation and body of a request to the table, `S3 GET` for one to S3, `SES`, and "" for any other."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target.startswith("DynamoDB"):
        content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(content)
        return target.rpartition(".")[2], json.loads(content)
    if "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
        return f"S3 {environ['REQUEST_METHOD']}", {}
    if "/ses/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
        return "SES", {}
    return "", {}


def _keys(actions: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the keys of the items that actions of a transaction, or single writes, are about."""
    for action in actions:
        ((_, terms),) = action.items()
        key = terms.get("Key") or terms.get("Item")
        if key is not None:
            yield f"{key['pk']['S']} {key['sk']['S']}"


def _cancelled(asked: dict[str, Any], reason: str) -> Answer:
    reasons = [{"Code": "None"} for _ in asked["TransactItems"]]
    reasons[-1] = {"Code": reason, "Message": "Try again."}
    document = {"__type": f"{_DYNAMODB}TransactionCanceledException", "CancellationReasons": reasons}
    return "400 Bad Request", document


def _code(document: dict[str, Any]) -> str:
    if "CancellationReasons" in document:
        return str(document["CancellationReasons"][-1]["Code"])
    return str(document.get("__type", document.get("Code", "Unprocessed"))).rpartition("#")[2]
