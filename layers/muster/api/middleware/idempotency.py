"""Idempotency keys: a POST with an `Idempotency-Key` is executed once; repeats within a day get the stored response.

A key is scoped to one user and one path. Two requests are the same if their queries and contents are equal. Forms are
compared by their parts: a browser that sends a form again chooses another boundary. Only successful responses are
stored, since a request that was refused or failed changed nothing and may succeed later.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final
from uuid import uuid4

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, UploadFile
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muster.api.access import Principal
from muster.api.middleware.authentication import caller_of
from muster.api.middleware.content_digest import ContentDigest, delimiter_of, media_type_of
from muster.api.problems import problem_of
from muster.domain.errors import InvalidRequest, MusterError, StorageFull
from muster.storage.ports import CLAIM_LIFETIME, IdempotencyStore, StoredResponse

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"

_log = logging.getLogger(__name__)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("location", "etag")
_IN_MEMORY_BYTES: Final = 1_000_000
_CHUNK_BYTES: Final = 1_000_000
_RENEWAL_THREADS: Final = 2


class IdempotencyMiddleware:
    """Stores responses by key and replays them; runs after `AuthenticationMiddleware`.

    Args:
        secret_paths: paths whose responses contain secrets and are never stored.
    """

    def __init__(
        self,
        app: ASGIApp,
        answers: IdempotencyStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        renew_every: timedelta = CLAIM_LIFETIME / 4,
        secret_paths: Collection[str] = (),
    ) -> None:
        self._secret_paths = secret_paths
        self._app = app
        self._answers = answers
        self._now = now
        self._renew_every = renew_every
        # Separate threads: those of the routes may all be busy for longer than a claim lasts.
        self._renewals = CapacityLimiter(_RENEWAL_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it was executed before."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] in self._secret_paths:
            await self._app(scope, receive, send)
            return
        key, caller = Headers(scope=scope).get(HEADER), caller_of(scope)
        if key is None or isinstance(caller, MusterError):
            await self._app(scope, receive, send)
            return
        try:
            name = _name(key, caller, scope)
            body = UploadFile(SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES))  # type: ignore[arg-type]  # noqa: SIM115
            try:
                if not await _receive(receive, body):
                    return
                # In a thread, so that the event loop serves other requests.
                digest = await run_in_threadpool(_digest, scope, body.file)
                claim = uuid4().hex
                kept = await run_in_threadpool(self._answers.begin, name, digest, claim, self._now())
                if kept is None:
                    async with self._renewed(name, claim):
                        await self._answer(name, claim, scope, _sent_again(body, receive), send)
                else:
                    await _response(kept)(scope, receive, send)
            finally:
                await body.close()
        except MusterError as error:
            await problem_of(error)(scope, receive, send)

    @asynccontextmanager
    async def _renewed(self, name: str, claim: str) -> AsyncIterator[None]:
        """Renew a claim while its request is being processed."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._renew_every.total_seconds())
                try:
                    mine = await to_thread.run_sync(
                        self._answers.renew, name, claim, self._now(), limiter=self._renewals
                    )
                except Exception as error:  # noqa: BLE001 - the next try comes before the claim lapses
                    _log.warning("a claim was not renewed: %s", type(error).__qualname__)
                    continue
                if not mine:
                    return

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()

    async def _answer(self, name: str, claim: str, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        try:
            await self._app(scope, receive, collect)
        except Exception:
            await self._finish(name, claim, None)
            raise
        # Stored before it is sent: a client that never receives it repeats the request.
        await self._finish(name, claim, _kept(messages))
        for message in messages:
            await send(message)

    async def _finish(self, name: str, claim: str, answer: StoredResponse | None) -> None:
        try:
            await run_in_threadpool(self._answers.finish, name, claim, answer, self._now())
        except StorageFull:
            # The request has its response; the claim expires.
            return


def _name(key: str, caller: Principal, scope: Scope) -> str:
    if not _KEY.fullmatch(key):
        raise InvalidRequest(f"{HEADER} must be 1 to 255 visible ASCII characters. Use a random UUID.")
    # A digest has a fixed length, and reveals no ids from the path.
    return hashlib.sha256(json.dumps([caller.user_id, scope["path"], key]).encode()).hexdigest()


async def _receive(receive: Receive, body: UploadFile) -> bool:
    """Read the whole body; return False if the client disconnected."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        await body.write(message.get("body", b""))
        if not message.get("more_body", False):
            await body.seek(0)
            return True


def _digest(scope: Scope, body: BinaryIO) -> str:
    """Return the digest of a request's content, and rewind the body."""
    content_type = Headers(scope=scope).get("content-type", "")
    content = ContentDigest(delimiter_of(content_type))
    while chunk := body.read(_CHUNK_BYTES):
        content.update(chunk)
    body.seek(0)
    return content.hexdigest([media_type_of(content_type), scope.get("query_string", b"").decode("latin-1")])


def _sent_again(body: UploadFile, receive: Receive) -> Receive:
    done = False

    async def again() -> Message:
        nonlocal done
        if done:
            return await receive()
        chunk = await body.read(_CHUNK_BYTES)
        done = len(chunk) < _CHUNK_BYTES
        return {"type": "http.request", "body": chunk, "more_body": not done}

    return again


def _kept(messages: list[Message]) -> StoredResponse | None:
    """Return a successful response with its relevant headers, or None for any other."""
    start = next((message for message in messages if message["type"] == "http.response.start"), None)
    if start is None or not 200 <= start["status"] < 300:
        return None
    headers = Headers(raw=start["headers"])
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    return StoredResponse(start["status"], headers.get("content-type", ""), json.dumps(kept).encode() + b"\n" + body)


def _response(kept: StoredResponse) -> Response:
    headers, _, body = bytes(kept.body).partition(b"\n")
    media_type = kept.media_type or None
    return Response(body, kept.status, {**json.loads(headers), REPLAYED: "true"}, media_type)
