"""A function as Lambda runs it: the real runtime client in a process, asking this Runtime API for work."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from uuid import uuid4

from tests import processes

INVOCATION_LIMIT_BYTES = 6 * 1024 * 1024
"""Largest request of a synchronous invocation (AWS Lambda Developer Guide, "Lambda quotas")."""


class FunctionError(Exception):
    """The function answered with an error, or its process ended."""


class LambdaFunction:
    """One instance of a function; invocations wait for one another, as they do on one instance.

    `start` runs the function's process elsewhere than here, a container for instance, given its environment.
    """

    def __init__(
        self,
        name: str,
        handler: str,
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        start: Callable[[Mapping[str, str]], subprocess.Popen[bytes]] | None = None,
    ) -> None:
        self.name = name
        self._work: Queue[tuple[str, bytes]] = Queue()
        self._answers: dict[str, Queue[tuple[bool, bytes]]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _runtime_api(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        port = self._server.server_address[1]
        self.log = log
        self._started = time.monotonic()
        self.ready_after: float | None = None
        variables = {**environment, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", **_identity(name)}
        self._process = (
            start(variables)
            if start
            else processes.start(
                ["-m", "awslambdaric", handler],
                cwd=folder,
                env={**os.environ, **variables},
                stdout=log.open("wb"),
                stderr=subprocess.STDOUT,
            )
        )

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def invoke(self, event: Mapping[str, Any], timeout: float = 600) -> Any:
        """Give the function one event and return what it returns.

        Raises:
            FunctionError: it raised, or is gone.
        """
        request_id = str(uuid4())
        answer = self._answers[request_id] = Queue()
        self._work.put((request_id, json.dumps(event).encode()))
        deadline = time.monotonic() + timeout
        while True:
            try:
                succeeded, body = answer.get(timeout=0.5)
                break
            except Empty:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise FunctionError(f"{self.name}: no answer\n{self.log.read_text()[-3000:]}") from None
        del self._answers[request_id]
        if not succeeded:
            raise FunctionError(body.decode())
        return json.loads(body)

    def stop(self) -> None:
        """End the instance."""
        self._process.kill()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    def next_invocation(self) -> tuple[str, bytes] | None:
        """Wait for work; None once the process that asks is gone."""
        if self.ready_after is None:
            self.ready_after = time.monotonic() - self._started
        while self._process.poll() is None:
            try:
                return self._work.get(timeout=0.2)
            except Empty:
                continue
        return None

    def answered(self, request_id: str, succeeded: bool, body: bytes) -> None:
        """Take what the function returned or raised."""
        self._answers[request_id].put((succeeded, body))


def _identity(name: str) -> dict[str, str]:
    return {
        "AWS_LAMBDA_FUNCTION_NAME": f"muster-dev-{name}",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
        "AWS_LAMBDA_LOG_GROUP_NAME": name,
        "AWS_LAMBDA_LOG_STREAM_NAME": name,
        "PYTHONUNBUFFERED": "1",
    }


def _runtime_api(function: LambdaFunction) -> type[BaseHTTPRequestHandler]:
    class RuntimeApi(BaseHTTPRequestHandler):
        """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, as much as the client calls."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            work = function.next_invocation()
            if work is None:
                self.close_connection = True
                return
            request_id, event = work
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 240) * 1000)))
            arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{function.name}"
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", arn)
            self._finish(event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            *_, request_id, what = self.path.split("/")
            if request_id != "init":
                function.answered(request_id, what == "response", body)
            self.send_response(202)
            self._finish(b"{}")

        def _finish(self, body: bytes) -> None:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return RuntimeApi
