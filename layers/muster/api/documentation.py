"""The API documentation page. All its files are served from this package, none from other sites."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from muster.api.security_headers import HEADERS

PAGE: Final = "/docs"
FILES: Final = "/docs/{name}"

_FOLDER: Final = Path(__file__).parent / "swagger_ui"
_MEDIA_TYPES: Final = {
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}

# Swagger UI writes style attributes and has its icons in data addresses.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {**HEADERS, "Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}


def install(app: FastAPI) -> None:
    """Add the page and its files to an application, without authentication: they contain no personal data."""

    @app.get(PAGE, include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(_FOLDER / "index.html", media_type="text/html; charset=utf-8", headers=_HEADERS)

    @app.get(FILES, include_in_schema=False)
    def file(name: str) -> FileResponse:
        if name not in _MEDIA_TYPES:
            raise HTTPException(404)
        return FileResponse(_FOLDER / name, media_type=_MEDIA_TYPES[name], headers=_HEADERS)
