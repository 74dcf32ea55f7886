"""Refusing requests that are too large before they fill memory or disk."""

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muster.api.problems import problem
from muster.domain.errors import ImageTooLarge


class _TooLarge(Exception):
    """More bytes came than are allowed."""


class BodyLimit:
    """ASGI middleware that answers 413 to a body above `limit` bytes, announced or not."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._limit:
            await self._refuse(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise _TooLarge
            return message

        async def kept_back(message: Message) -> None:
            # What the framework answers to the aborted read is not what the sender needs to know.
            if received <= self._limit:
                await send(message)

        with suppress(_TooLarge):
            await self._app(scope, counted, kept_back)
        if received > self._limit:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        megabytes = self._limit // 1_000_000
        detail = f"The request is larger than {megabytes} MB: send fewer or smaller photos."
        await problem(413, ImageTooLarge.code, detail)(scope, receive, send)
