"""Limit on the size of request bodies, applied before they fill memory or disk."""

from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muster.api.problems import problem
from muster.domain.errors import ImageTooLarge, RequestTooLarge


class _TooLarge(Exception):
    """The body is larger than allowed."""


class BodyLimitMiddleware:
    """Answers 413 to a body that is too large, with or without a `Content-Length`.

    Args:
        form_bytes: largest form with files.
        other_bytes: largest body of another kind.
    """

    def __init__(self, app: ASGIApp, form_bytes: int, other_bytes: int) -> None:
        self._app = app
        self._form_bytes = form_bytes
        self._other_bytes = other_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").lower().startswith("multipart/form-data")
        limit = self._form_bytes if is_form else self._other_bytes
        refusal = _refusal(limit, is_form)
        announced = headers.get("content-length", "0")
        # Compared by length first: Python refuses to convert thousands of digits.
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit):
            await refusal(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _TooLarge
            return message

        async def kept_back(message: Message) -> None:
            # The framework's response to the aborted read is dropped in favour of 413.
            if received <= limit:
                await send(message)

        with suppress(_TooLarge):
            await self._app(scope, counted, kept_back)
        if received > limit:
            await refusal(scope, receive, send)


def _refusal(limit: int, is_form: bool) -> JSONResponse:
    megabytes = limit // 1_000_000
    if is_form:
        detail = f"The request is larger than {megabytes} MB. Send fewer or smaller photos."
        return problem(413, ImageTooLarge.code, detail)
    detail = f"The request is larger than {megabytes} MB. Send files in a form (multipart/form-data)."
    return problem(413, RequestTooLarge.code, detail)
