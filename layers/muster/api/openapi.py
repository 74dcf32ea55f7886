"""What the OpenAPI document says besides what the routes say of themselves."""

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI

from muster.api.examples import illustrate
from muster.api.middleware.idempotency import HEADER
from muster.api.problems import MEDIA_TYPE

_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_SIGNED_IN: Final = (401, 403, 429)
_WITH_BODY: Final = (413, 422)
_CREATING: Final = (409, 422)

_EXAMPLES: Final = {
    401: ("sign_in_required", "Send your token as `Authorization: Bearer <token>`; an admin makes one for you."),
    403: ("not_allowed", "This isn't in a group that you teach: ask an admin to add you."),
    404: ("student_not_found", "There is no student s1."),
    409: ("student_exists", "The student id s1 is taken: choose another."),
    412: ("version_conflict", "It was changed in the meantime: read it again, then change it."),
    413: ("image_too_large", "The photo is larger than 25 MB: send it at a smaller size."),
    415: ("unsupported_image", "Send a JPEG, PNG, WebP or HEIC photo."),
    422: ("no_face", "No face was found: take the photo from nearer, with the face to the camera."),
    428: ("version_needed", "Send the ETag that was read as If-Match, so that no other change is lost."),
    429: ("too_many_requests", "These are too many requests: wait 3 s, then send it again."),
    500: ("internal_error", "Something went wrong on the server and was logged: try again."),
    503: ("storage_full", "The disk is full: free some space and try again; nothing was stored."),
}
_HEADERS: Final = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "example": "Bearer"}},
    429: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "example": 3}},
}
_KEY_PARAMETER: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A text of the sender's, such as a random UUID: sent again with it within a day, the same request "
    "is done once and answered alike.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "0b9f5d0c-5d0e-4f0e-8a55-0d4f4b6f4b1e",
}


def install(app: FastAPI) -> None:
    """Let the application's document tell of problems, repeated requests and limits."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            for item in document["paths"].values():
                for method, operation in item.items():
                    _complete(method, operation)
            illustrate(document)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(method: str, operation: dict[str, Any]) -> None:
    codes = {500}
    if operation.get("security"):
        codes.update(_SIGNED_IN)
    if "requestBody" in operation:
        codes.update(_WITH_BODY)
    if method == "post":
        codes.update(_CREATING)
        operation.setdefault("parameters", []).append(_KEY_PARAMETER)
    responses: dict[str, Any] = operation["responses"]
    known = {int(code) for code, response in responses.items() if _tells_problem(response)}
    for code in known | codes:
        responses[str(code)] = _problem(code)
    operation["responses"] = dict(sorted(responses.items()))


def _tells_problem(response: dict[str, Any]) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return schema.get("$ref") in (_PROBLEM["$ref"], "#/components/schemas/HTTPValidationError")


def _problem(code: int) -> dict[str, Any]:
    title = HTTPStatus(code).phrase
    name, detail = _EXAMPLES[code]
    example = {"type": "about:blank", "title": title, "status": code, "code": name, "detail": detail}
    response: dict[str, Any] = {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": _PROBLEM, "example": example}},
    }
    if code in _HEADERS:
        response["headers"] = _HEADERS[code]
    return response
