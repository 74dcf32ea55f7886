"""A simulated AWS account that is called over HTTP."""

import hashlib
import io
import json
import socket
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tests.quick_tables import share_items

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TOKEN_LASTS_SECONDS = 600.0
"""TransactWriteItems, `ClientRequestToken` (Amazon DynamoDB API Reference): valid for ten minutes."""


@dataclass(frozen=True)
class _Answer:
    """What a transaction was answered, and the SHA-256 of what it asked for."""

    asked: str
    at: float
    status: str
    headers: list[tuple[str, str]]
    body: bytes


class RequestTokens:
    """Recognises a transaction that is sent again by its token, as DynamoDB does and the simulation does not.

    The first answer is given again for ten minutes; another transaction under the token is refused. A transaction that
    was cancelled changed nothing, and is carried out again.
    """

    def __init__(self, app: "WSGIApplication", clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._kept: dict[str, _Answer] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request; not to be called for two at once."""
        if not environ.get("HTTP_X_AMZ_TARGET", "").endswith(".TransactWriteItems"):
            return self._app(environ, start_response)
        content = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(content)
        asked = json.loads(content)
        token = asked.pop("ClientRequestToken", None)
        if token is None:
            return self._app(environ, start_response)
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        now = self._clock()
        while self._kept and now - next(iter(self._kept.values())).at >= _TOKEN_LASTS_SECONDS:
            del self._kept[next(iter(self._kept))]
        if token in self._kept:
            answer = self._kept[token] if self._kept[token].asked == digest else _mismatch(digest, now)
        else:
            answer = self._carry_out(environ, digest, now)
            if answer.status.startswith("200"):
                self._kept[token] = answer
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _carry_out(self, environ: "WSGIEnvironment", digest: str, now: float) -> _Answer:
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def keep(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            told.append((status, headers))
            return lambda _: None

        body = b"".join(self._app(environ, keep))
        status, headers = told[-1]
        return _Answer(digest, now, status, headers, body)


def _mismatch(digest: str, now: float) -> _Answer:
    document = {
        "__type": "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
        "Message": "DynamoDB rejected the request because of a mismatch in the request parameters.",
    }
    headers = [("Content-Type", "application/x-amz-json-1.0")]
    return _Answer(digest, now, "400 Bad Request", headers, json.dumps(document).encode())


class _KeptConnections(MotoRequestHandler):
    """Answers on connections that stay open: Werkzeug's handler closes each, which is a third of a short request."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Send small answers at once."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run_wsgi(self) -> None:
        """Answer one request, after all of it was read, so that the next one starts where it ends."""
        self.environ = environ = self.make_environ()
        length = None if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(-1 if length is None else length))
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
            begun.append((status, headers))
            return lambda _: None

        try:
            body = b"".join(self.server.app(environ, start_response))
        except Exception:  # noqa: BLE001 - whatever the simulation raises
            # What the simulation lacks is an error of the service, as Werkzeug's handler answers it.
            self.log_error("%s", traceback.format_exc())
            begun, body = [("500 INTERNAL SERVER ERROR", [("Content-Type", "text/plain")])], b""
        status, headers = begun[-1]
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in headers}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def simulated_aws(
    around: "Callable[[WSGIApplication], WSGIApplication]" = lambda app: app,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Run the simulation on loopback, and give its address.

    It answers one request at a time: its transactions copy and restore whole tables, so that others at the same
    moment would be undone or fail, which DynamoDB promises not to do. Requests still come in any order.

    Args:
        around: puts something between the network and the account, such as answers that get lost.
        clock: seconds, by which request tokens expire.
    """
    share_items()
    app, lock = RequestTokens(DomainDispatcherApplication(create_backend_app), clock), Lock()

    def one_at_a_time(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with lock:
            return list(app(environ, start_response))

    server = make_server("127.0.0.1", 0, around(one_at_a_time), threaded=True, request_handler=_KeptConnections)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
