"""A loopback gateway that speaks API Gateway v2 events to functions, by the routes of the template."""

import base64
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from tests.e2e.aws.lambda_runtime import INVOCATION_LIMIT_BYTES, FunctionError, LambdaFunction


@dataclass(frozen=True)
class Route:
    """One route of the template: `POST /v1/{proxy+}`, the function behind it, and whether it asks for a token."""

    key: str
    function: str
    signed_in: bool

    def matches(self, method: str, path: str) -> bool:
        verb, template = self.key.split(" ")
        pattern = re.sub(r"\\\{[^}]*\\\+\\\}", ".+", re.escape(template))
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
        return verb in (method, "ANY") and re.fullmatch(pattern, path) is not None


class Gateway:
    """Serves until stopped; `url` is where."""

    def __init__(self, routes: list[Route], functions: Mapping[str, LambdaFunction]) -> None:
        # The most specific route wins: the one whose fixed text is longest.
        ordered = sorted(routes, key=lambda route: len(re.sub(r"\{.*?\}|^\w+ ", "", route.key)), reverse=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _front(ordered, functions))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _front(routes: list[Route], functions: Mapping[str, LambdaFunction]) -> type[BaseHTTPRequestHandler]:
    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            path = urlsplit(self.path).path
            route = next((route for route in routes if route.matches(self.command, path)), None)
            if route is None:
                self._reply(404, {"message": "Not Found"})
            elif route.signed_in and "Authorization" not in self.headers:
                self._reply(401, {"message": "Unauthorized"})
            else:
                event = self._event(route, body)
                if len(json.dumps(event)) > INVOCATION_LIMIT_BYTES:
                    self._reply(413, {"message": "Request Entity Too Large"})
                    return
                try:
                    self._relay(functions[route.function].invoke(event))
                except FunctionError:
                    self._reply(500, {"message": "Internal Server Error"})

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

        def _event(self, route: Route, body: bytes) -> dict[str, Any]:
            split = urlsplit(self.path)
            claims = {"sub": "admin-1", "cognito:groups": "[admin]"}
            return {
                "version": "2.0",
                "routeKey": route.key,
                "rawPath": split.path,
                "rawQueryString": split.query,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "requestContext": {
                    "accountId": "123456789012",
                    "apiId": "api",
                    "authorizer": {"jwt": {"claims": claims, "scopes": None}} if route.signed_in else {},
                    "domainName": "localhost",
                    "http": {
                        "method": self.command,
                        "path": split.path,
                        "protocol": "HTTP/1.1",
                        "sourceIp": "127.0.0.1",
                        "userAgent": "test",
                    },
                    "requestId": str(uuid4()),
                    "routeKey": route.key,
                    "stage": "$default",
                    "time": "01/Jan/2026:00:00:00 +0000",
                    "timeEpoch": 1767225600000,
                },
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            }

        def _relay(self, answer: dict[str, Any]) -> None:
            body = answer.get("body", "").encode()
            if answer.get("isBase64Encoded"):
                body = base64.b64decode(body)
            self.send_response(answer["statusCode"])
            for name, value in answer.get("headers", {}).items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _reply(self, status: int, document: dict[str, str]) -> None:
            self._relay({"statusCode": status, "body": json.dumps(document)})

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Front
