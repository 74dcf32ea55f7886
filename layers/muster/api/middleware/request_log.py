"""One JSON line for each request, and an id by which a request is found in the log.

A line says which route was asked, not which address, and nothing of query, headers or body: those name people.
"""

import json
import logging
import re
import time
import traceback
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muster.api.middleware.authentication import caller_of
from muster.api.problems import bug, is_out_of_memory, out_of_memory
from muster.domain.errors import MusterError

REQUEST_ID: Final = "X-Request-Id"

_RESOURCE_POLICY: Final = "Cross-Origin-Resource-Policy"

LOGGER: Final = "muster.requests"
"""Name of the logger; its messages are the lines."""

IS_FILE: Final = "muster.is_file"
"""Key of the scope of requests for the web client's files, whose lines have the level DEBUG: one visit makes sixty."""

_log = logging.getLogger(LOGGER)
_SANE = re.compile(r"[A-Za-z0-9._=:/+-]{8,128}")


class RequestLogMiddleware:
    """ASGI middleware, the outermost: request ids, one line a request, and an answer to failures nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write down how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                # No page of another site may load an answer as a picture or script.
                headers.setdefault(_RESOURCE_POLICY, "same-origin")
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets an answer and the log its place
            _write(logging.ERROR, "failed", request_id, **_failure(error))
            if status == 0:
                answer = out_of_memory() if is_out_of_memory(error) else bug()
                await answer(scope, receive, noted)
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        level = logging.DEBUG if scope.get(IS_FILE) else logging.INFO
        _write(level, "answered", request_id, **_request(scope), status=status, ms=milliseconds)


def _request_id(scope: Scope) -> str:
    """Take the sender's id if it is one, else the gateway's, else make one."""
    sent = Headers(scope=scope).get(REQUEST_ID, "")
    gateway = scope.get("aws.event", {}).get("requestContext", {}).get("requestId", "")
    return next((one for one in (sent, gateway) if _SANE.fullmatch(one)), uuid4().hex)


def _request(scope: Scope) -> dict[str, Any]:
    route, caller = scope.get("route"), caller_of(scope)
    return {
        "method": scope["method"],
        "route": getattr(route, "path", None),
        "user_id": None if isinstance(caller, MusterError) else caller.user_id,
    }


def _failure(error: Exception) -> dict[str, Any]:
    """Say what failed and where; the message stays out, since it may quote a name or an id."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__qualname__, "at": [f"{one.filename}:{one.lineno} {one.name}" for one in frames]}


def _write(level: int, message: str, request_id: str, **fields: Any) -> None:
    line = {"time": datetime.now(UTC).isoformat(), "level": logging.getLevelName(level), "message": message}
    _log.log(level, json.dumps({**line, "request_id": request_id, **fields}))
