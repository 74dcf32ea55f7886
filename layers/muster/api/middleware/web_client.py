"""The web client's files, served by this process on one machine, without authentication."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muster.api.middleware.request_log import IS_FILE
from muster.api.security_headers import HEADERS, content_security_policy

START_PAGE: Final = "/index.html"

SETTINGS_PATH: Final = "/config.json"

SETTINGS: Final[Mapping[str, str | None]] = {"stage": "local", "sign_in": None, "client_id": None, "region": None}
"""Read by the client at start: users sign in with tokens. The cloud's file has the same keys."""

_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""Set here, since the machine's own table may differ, and browsers refuse scripts of another type."""

_HEADERS: Final = {**HEADERS, "Content-Security-Policy": content_security_policy(), "Cache-Control": "no-cache"}


class WebClientMiddleware:
    """Serves the files in a folder and passes everything else on.

    It runs before `AuthenticationMiddleware`: the files contain no personal data. Only they are compressed. In
    responses of the API, secrets would lie beside text that the sender chose, and the compressed length would reveal
    them (BREACH).

    Args:
        folder: the web client; `index.html` in it is the start page.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app = app
        self._folder = folder.resolve()
        self._files = GZipMiddleware(StaticFiles(directory=self._folder))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request for a file, or pass it on."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif scope["path"] == SETTINGS_PATH:
            scope[IS_FILE] = True
            await JSONResponse(dict(SETTINGS))(scope, receive, _with_headers(send, SETTINGS_PATH))
        elif (path := await run_in_threadpool(self._find, scope["path"])) is not None:
            scope[IS_FILE] = True
            await self._files({**scope, "path": path, "root_path": ""}, receive, _with_headers(send, path))
        else:
            await self._app(scope, receive, send)

    def _find(self, path: str) -> str | None:
        """Return the file to send, or None. The client's pages differ only in the part after `#`."""
        path = START_PAGE if path == "/" else path
        try:
            file = (self._folder / path.lstrip("/")).resolve()
            return path if file.is_file() and file.is_relative_to(self._folder) else None
        except (OSError, ValueError):
            # Not a file name: too long, or with a null character.
            return None


def _with_headers(send: Send, path: str) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            if "content-type" in headers and (media_type := _media_type(path)):
                headers["Content-Type"] = media_type
        await send(message)

    return send_with_headers


def _media_type(path: str) -> str | None:
    return _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower())
