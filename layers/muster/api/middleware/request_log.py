"""The request log: one JSON line per request, with an id that the response carries too.

A line contains the route but not the path, query, headers or body, since those identify people.
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
"""Scope key that marks requests for the web client's files, which are logged at DEBUG: one visit makes sixty."""

_log = logging.getLogger(LOGGER)
_SANE = re.compile(r"[A-Za-z0-9._=:/+-]{8,128}")


class RequestLogMiddleware:
    """The outermost middleware: adds request ids, logs each request, and responds to unexpected failures."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and log its response."""
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
                # No page of another site may load a response as a picture or script.
                headers.setdefault(_RESOURCE_POLICY, "same-origin")
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - any failure gets a response and a log line
            _write(logging.ERROR, "failed", request_id, **_failure(error))
            if status == 0:
                answer = out_of_memory() if is_out_of_memory(error) else bug()
                await answer(scope, receive, noted)
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        level = logging.DEBUG if scope.get(IS_FILE) else logging.INFO
        _write(level, "answered", request_id, **_request(scope), status=status, ms=milliseconds)


def _request_id(scope: Scope) -> str:
    """Return the client's id if it is valid, or else the gateway's, or else a new one."""
    sent = Headers(scope=scope).get(REQUEST_ID, "")
    gateway = scope.get("aws.event", {}).get("requestContext", {}).get("requestId", "")
    return next((id_ for id_ in (sent, gateway) if _SANE.fullmatch(id_)), uuid4().hex)


def _request(scope: Scope) -> dict[str, Any]:
    route, caller = scope.get("route"), caller_of(scope)
    return {
        "method": scope["method"],
        "route": getattr(route, "path", None),
        "user_id": None if isinstance(caller, MusterError) else caller.log_id,
    }


def _failure(error: Exception) -> dict[str, Any]:
    """Describe a failure without its message, which may contain a name or an id."""
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__qualname__, "at": at}


def _write(level: int, message: str, request_id: str, **fields: Any) -> None:
    line = {"time": datetime.now(UTC).isoformat(), "level": logging.getLevelName(level), "message": message}
    _log.log(level, json.dumps({**line, "request_id": request_id, **fields}))
