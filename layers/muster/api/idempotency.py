"""A POST sent again with the same `Idempotency-Key` is done once and answered alike, for a day.

The key belongs to its user and address. The same request is one with the same query and content: of a form, the same
parts, whatever boundary stands between them, since a browser that sends a form again chooses another one. Only answers
of success are kept: a request that was refused or failed changed nothing, and may succeed when it is sent again.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import Message as MediaType
from tempfile import SpooledTemporaryFile
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, UploadFile
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muster.api.access import Principal
from muster.api.callers import caller_of
from muster.api.problems import problem_of
from muster.domain.errors import InvalidRequest, MusterError, StorageFull
from muster.storage.ports import AnswerStore, KeptAnswer

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("location", "etag")
_IN_MEMORY_BYTES: Final = 1_000_000
_CHUNK_BYTES: Final = 1_000_000


class Idempotency:
    """ASGI middleware over the kept answers; it stands behind `Callers`."""

    def __init__(
        self, app: ASGIApp, answers: AnswerStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._app = app
        self._answers = answers
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless it was answered before."""
        if scope["type"] != "http" or scope["method"] != "POST":
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
                digest = await _receive(scope, receive, body)
                if digest is None:
                    return
                kept = await run_in_threadpool(self._answers.begin, name, digest, self._now())
                if kept is None:
                    await self._answer(name, scope, _sent_again(body, receive), send)
                else:
                    await _response(kept)(scope, receive, send)
            finally:
                await body.close()
        except MusterError as error:
            await problem_of(error)(scope, receive, send)

    async def _answer(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        try:
            await self._app(scope, receive, collect)
        except Exception:
            await self._finish(name, None)
            raise
        # Kept before it is sent: whoever never sees it asks again.
        await self._finish(name, _kept(messages))
        for message in messages:
            await send(message)

    async def _finish(self, name: str, answer: KeptAnswer | None) -> None:
        try:
            await run_in_threadpool(self._answers.finish, name, answer, self._now())
        except StorageFull:
            # The request itself was done, or said so; the claim lapses.
            return


def _name(key: str, caller: Principal, scope: Scope) -> str:
    if not _KEY.fullmatch(key):
        raise InvalidRequest(f"{HEADER} takes 1 to 255 visible ASCII characters: take a random UUID.")
    # Of a fixed length, and without the ids that an address may hold.
    return hashlib.sha256(json.dumps([caller.user_id, scope["path"], key]).encode()).hexdigest()


async def _receive(scope: Scope, receive: Receive, body: UploadFile) -> str | None:
    """Take the whole body in; return the digest of its content, or None where the sender went away."""
    media_type = MediaType()
    media_type["content-type"] = Headers(scope=scope).get("content-type", "")
    boundary = media_type.get_param("boundary")
    content = _Content(f"--{boundary}".encode() if isinstance(boundary, str) else b"")
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        content.update(chunk)
        await body.write(chunk)
        if not message.get("more_body", False):
            await body.seek(0)
            return content.digest([media_type.get_content_type(), scope.get("query_string", b"").decode("latin-1")])


class _Content:
    """A digest of the pieces between delimiters, however the bytes come in."""

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._rest = b""
        self._piece = hashlib.sha256()
        self._pieces = hashlib.sha256()

    def update(self, chunk: bytes) -> None:
        if not self._delimiter:
            self._piece.update(chunk)
            return
        *pieces, last = (self._rest + chunk).split(self._delimiter)
        for piece in pieces:
            self._piece.update(piece)
            self._pieces.update(self._piece.digest())
            self._piece = hashlib.sha256()
        # The end may be the beginning of a delimiter.
        held = min(len(last), len(self._delimiter) - 1)
        self._piece.update(last[: len(last) - held])
        self._rest = last[len(last) - held :]

    def digest(self, besides: list[str]) -> str:
        self._piece.update(self._rest)
        self._pieces.update(self._piece.digest())
        self._pieces.update(json.dumps(besides).encode())
        return self._pieces.hexdigest()


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


def _kept(messages: list[Message]) -> KeptAnswer | None:
    """Take an answer of success down, with those of its headers that say something of it."""
    start = next((one for one in messages if one["type"] == "http.response.start"), None)
    if start is None or not 200 <= start["status"] < 300:
        return None
    headers = Headers(raw=start["headers"])
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    body = b"".join(one.get("body", b"") for one in messages if one["type"] == "http.response.body")
    return KeptAnswer(start["status"], headers.get("content-type", ""), json.dumps(kept).encode() + b"\n" + body)


def _response(kept: KeptAnswer) -> Response:
    headers, _, body = bytes(kept.body).partition(b"\n")
    media_type = kept.media_type or None
    return Response(body, kept.status, {**json.loads(headers), REPLAYED: "true"}, media_type)
