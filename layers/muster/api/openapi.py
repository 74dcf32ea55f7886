"""Additions to the OpenAPI document: problems, repeated requests and examples."""

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from muster.api.etags import VERSION_CHANGED, VERSION_MISSING
from muster.api.examples import illustrate
from muster.api.middleware.idempotency import HEADER
from muster.api.middleware.rate_limit import wait_detail
from muster.api.problems import MEDIA_TYPE, NO_FACE, SCHEMA, UNEXPECTED, Problem
from muster.api.routes.substitutes import SECRET_PATHS
from muster.api.sign_in import NOT_SIGNED_IN
from muster.domain.errors import (
    ImageTooLarge,
    NoFace,
    NotAllowed,
    SignInRequired,
    StorageFull,
    StudentExists,
    StudentNotFound,
    TooManyRequests,
    UnsupportedImage,
    VersionConflict,
    VersionNeeded,
)

_SIGNED_IN: Final = (401, 403, 429)
_WITH_BODY: Final = (413, 422)
_CREATING: Final = (409, 422)

_EXAMPLES: Final = {
    401: (SignInRequired.code, NOT_SIGNED_IN),
    403: (NotAllowed.code, "You don't teach this group. Ask an admin to add you."),
    404: (StudentNotFound.code, "No student has the id s1."),
    409: (StudentExists.code, "The student id s1 is taken: choose another."),
    412: (VersionConflict.code, VERSION_CHANGED),
    413: (ImageTooLarge.code, "The photo is larger than 25 MB. Send a smaller one."),
    415: (UnsupportedImage.code, "Send a JPEG, PNG, WebP or HEIC photo."),
    422: (NoFace.code, NO_FACE),
    428: (VersionNeeded.code, VERSION_MISSING),
    429: (TooManyRequests.code, wait_detail(3)),
    500: ("internal_error", UNEXPECTED),
    503: (StorageFull.code, "The disk is full, and nothing was stored. Free some space and try again."),
}
_HEADERS: Final = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "example": "Bearer"}},
    429: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "example": 3}},
}
_KEY_PARAMETER: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A key of your choice, such as a random UUID. A request that is repeated with it within a day is "
    "executed once; repeats get the stored response.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "0b9f5d0c-5d0e-4f0e-8a55-0d4f4b6f4b1e",
}


def install(app: FastAPI) -> None:
    """Add problems, the idempotency key and examples to the application's document."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            document["components"]["schemas"][Problem.__name__] = Problem.model_json_schema(mode="serialization")
            for path, item in document["paths"].items():
                for method, operation in item.items():
                    _complete(method, operation, repeatable=method == "post" and path not in SECRET_PATHS)
            illustrate(document)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(method: str, operation: dict[str, Any], *, repeatable: bool) -> None:
    codes = {500}
    if operation.get("security"):
        codes.update(_SIGNED_IN)
    if "requestBody" in operation:
        codes.update(_WITH_BODY)
    if method == "post":
        codes.update(_CREATING)
    if repeatable:
        operation.setdefault("parameters", []).append(_KEY_PARAMETER)
    responses: dict[str, Any] = operation["responses"]
    known = {int(code) for code, response in responses.items() if _is_problem(response)}
    for code in known | codes:
        responses[str(code)] = _problem(code)
    operation["responses"] = dict(sorted(responses.items()))


def _is_problem(response: dict[str, Any]) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return schema.get("$ref") in (SCHEMA["$ref"], "#/components/schemas/HTTPValidationError")


def _problem(code: int) -> dict[str, Any]:
    title = HTTPStatus(code).phrase
    name, detail = _EXAMPLES[code]
    example = {"type": "about:blank", "title": title, "status": code, "code": name, "detail": detail}
    response: dict[str, Any] = {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": SCHEMA, "example": example}},
    }
    if code in _HEADERS:
        response["headers"] = _HEADERS[code]
    return response
