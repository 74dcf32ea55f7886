"""Errors as RFC 9457 problem documents, made in this one place."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from muster.domain.errors import Category, InvalidRequest, MusterError, OutOfMemory, ServerBusy

MEDIA_TYPE = "application/problem+json"

SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
"""The schema of `Problem` in the OpenAPI document."""

_RETRY_AFTER_SECONDS = 5

NO_FACE = "No face was found. Take the photo from nearer, with the face towards the camera."
"""An example of `detail` for the documentation."""

UNEXPECTED = "Something went wrong on the server; the error was logged. Try again, or contact the administrator."

_STATUS = {
    Category.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Category.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Category.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Category.CONFLICT: HTTPStatus.CONFLICT,
    Category.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Category.UNSUPPORTED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Category.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Category.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Category.STALE: HTTPStatus.PRECONDITION_FAILED,
    Category.VERSION_NEEDED: HTTPStatus.PRECONDITION_REQUIRED,
    Category.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
}


class Problem(BaseModel):
    """A problem document (RFC 9457). `code` is stable; `detail` describes the problem and what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "code": "no_face",
                "detail": NO_FACE,
            }
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` argument of a route that may answer with these statuses.

    It refers to the schema of `Problem`, which `muster.api.openapi` adds to the document. With the model itself,
    FastAPI would analyse it for each status of each route, half of the time that the application takes to build.
    """
    return {status: {"content": {"application/json": {"schema": dict(SCHEMA)}}} for status in statuses}


def describe(category: Category, code: str, detail: str) -> Problem:
    """Make the document for one domain error."""
    return _document(_STATUS[category], code, detail)


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Make the response for one failure."""
    sent = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    document = _document(status, code, detail).model_dump()
    return JSONResponse(document, status_code=status, media_type=MEDIA_TYPE, headers=sent)


def problem_of(error: MusterError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Make the response for one domain error."""
    return problem(status_of(error), error.code, str(error), headers)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out. OpenCV and ONNX Runtime report that with exception types of their own."""
    text = f"{type(error).__module__} {error}".lower()
    return isinstance(error, MemoryError) or any(
        library in text and sign in text for library, sign in (("cv2", "insufficient memory"), ("onnxruntime", "alloc"))
    )


def out_of_memory() -> JSONResponse:
    """Make the response for a request that ran out of memory."""
    return problem_of(
        OutOfMemory("The server is short of memory. Try again in a minute, or send a smaller photo."),
        {"Retry-After": str(_RETRY_AFTER_SECONDS)},
    )


def bug() -> JSONResponse:
    """Make the response for an unexpected failure."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        UNEXPECTED,
    )


def status_of(error: MusterError) -> int:
    """Return the HTTP status of a domain error."""
    return int(_STATUS[error.category])


def _document(status: int, code: str, detail: str) -> Problem:
    return Problem(title=HTTPStatus(status).phrase, status=status, code=code, detail=detail)


def install(app: FastAPI) -> None:
    """Turn domain errors, malformed requests and unknown routes into problem documents."""

    @app.exception_handler(MusterError)
    def _domain(_: Request, error: MusterError) -> JSONResponse:
        if not isinstance(error, ServerBusy | OutOfMemory):
            return problem_of(error)
        wanted = error.retry_after if isinstance(error, ServerBusy) else None
        return problem_of(error, {"Retry-After": str(wanted or _RETRY_AFTER_SECONDS)})

    @app.exception_handler(RequestValidationError)
    def _malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        # The input is left out: it may be a photo or a name.
        faults = [f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}" for fault in error.errors()]
        detail = "Correct these fields, then send the request again: " + "; ".join(faults) + "."
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, InvalidRequest.code, detail)

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        match error.status_code:
            case HTTPStatus.BAD_REQUEST:
                # The body does not match its Content-Type.
                detail = f"The body does not match its Content-Type: {error.detail}."
                return problem(HTTPStatus.UNPROCESSABLE_ENTITY, InvalidRequest.code, detail)
            case HTTPStatus.NOT_FOUND:
                detail = "There is nothing at this address. See /docs for the addresses of the API."
            case HTTPStatus.METHOD_NOT_ALLOWED:
                detail = "This address does not accept this method. The `Allow` header lists those that it does."
            case _:
                detail = str(error.detail)
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("'", "")
        return problem(error.status_code, code, detail, error.headers)
