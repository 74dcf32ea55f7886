"""Answers of the simulated account that get lost on the way: the request is carried out, and the client repeats it."""

import socket
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "DescribeTable"})


class LostAnswers:
    """Cuts the connection instead of answering, for writes to the table that the test chooses.

    Attributes:
        app: what carries the requests out.
        written: operations that wrote to the table since the last `lose`, repetitions included.
    """

    app: "WSGIApplication"

    def __init__(self) -> None:
        self.written: list[str] = []
        self._lost: Callable[[int], bool] = lambda number: False
        self._lock = Lock()

    def around(self, app: "WSGIApplication") -> "WSGIApplication":
        """Stand between the network and the account."""
        self.app = app
        return self._answer

    def lose(self, lost: Callable[[int], bool]) -> None:
        """Count writes from 0 again, and lose the answers to those for which `lost` is true."""
        with self._lock:
            self.written, self._lost = [], lost

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        body = self.app(environ, start_response)
        if not operation or operation in _READS:
            return body
        with self._lock:
            number = len(self.written)
            self.written.append(operation)
            lost = self._lost(number)
        if lost:
            connection: Any = environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
        return body
