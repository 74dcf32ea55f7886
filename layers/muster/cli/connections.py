"""Limits on the number and the slowness of connections, which uvicorn itself does not have."""

import asyncio
import logging
import resource
import time
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 10.0
"""A request's line and headers must arrive within this time."""

BODY_SECONDS: Final = 20.0
BODY_BYTES: Final = 10_000
"""At least this much of a body must arrive per `BODY_SECONDS`: 4 kbit/s, less than the slowest mobile network."""

LINGER_SECONDS: Final = 2.0
"""A client that got its response before its body was read may send for this long, to receive the response."""

RESPONSE_SECONDS: Final = 60.0
"""A client must read more of its response within this time."""

MAX_CONNECTIONS: Final = 1_000
RESERVED_DESCRIPTORS: Final = 160
"""File descriptors for files, models and the database, which each of the 40 worker threads opens itself."""

_TICK_SECONDS = 1.0
_BACKLOG = 64
_ACCEPT_FAILED = "out of system resource"


class BoundedProtocol(H11Protocol):
    """An HTTP connection that is closed if it is too slow, or idle when there are too many."""

    max_connections = MAX_CONNECTIONS

    _idle_since = 0.0
    _body_since = 0.0
    _body_bytes = 0
    _write_paused_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection; if there are too many, close the one that has been idle longest."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        if len(self.connections) > self.max_connections:
            idle = [other for other in self.connections if isinstance(other, BoundedProtocol) and other._is_idle()]
            oldest = min(idle, key=lambda other: other._idle_since, default=self)
            self.connections.discard(oldest)
            oldest.transport.abort()
        self.loop.call_later(_TICK_SECONDS, self._check)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of the body."""
        if self._is_idle():
            self._body_since, self._body_bytes = self.loop.time(), 0
        self._body_bytes += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Start to wait for the next request, or for the rest of an unread body."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Record that the client stopped reading."""
        self._write_paused_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Record that the client reads again."""
        self._write_paused_since = None
        super().resume_writing()

    def _is_idle(self) -> bool:
        return self.conn.their_state is h11.IDLE and (self.cycle is None or self.cycle.response_complete)

    def _check(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_overdue(self.loop.time()):
            self.transport.abort()
        else:
            self.loop.call_later(_TICK_SECONDS, self._check)

    def _is_overdue(self, now: float) -> bool:
        if self._write_paused_since is not None:
            return now - self._write_paused_since > RESPONSE_SECONDS
        if self._is_idle():
            return now - self._idle_since > HEAD_SECONDS
        if self.conn.their_state is not h11.SEND_BODY:
            return False
        if self.cycle.response_complete:
            return now - self._idle_since > LINGER_SECONDS
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            # The application does not read the body yet.
            self._body_since, self._body_bytes = now, 0
        if now - self._body_since <= BODY_SECONDS:
            return False
        too_slow = self._body_bytes < BODY_BYTES
        self._body_since, self._body_bytes = now, 0
        return too_slow


class _AcceptFailures(logging.Filter):
    """Pass one report per minute of connections that could not be accepted, without its traceback."""

    _last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        if _ACCEPT_FAILED not in record.getMessage():
            return True
        if time.monotonic() - self._last < 60:
            return False
        self._last = time.monotonic()
        record.msg, record.args, record.exc_info = "no file descriptor is left for further connections", (), None
        return True


def server_options() -> dict[str, Any]:
    """Raise this process's limit of open files, and return the arguments of `uvicorn.run` that limit connections."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + RESERVED_DESCRIPTORS
    allowed = wanted if hard_limit == resource.RLIM_INFINITY else min(hard_limit, wanted)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard_limit))
    BoundedProtocol.max_connections = max(16, min(MAX_CONNECTIONS, allowed - RESERVED_DESCRIPTORS))
    logging.getLogger("asyncio").addFilter(_AcceptFailures())
    return {"http": BoundedProtocol, "ws": "none", "backlog": _BACKLOG, "h11_max_incomplete_event_size": 32_000}
