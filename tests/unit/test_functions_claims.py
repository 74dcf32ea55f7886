"""Claims that API Gateway's authorizer read from the token reach the application."""

from typing import Any

from fastapi import FastAPI, Request
from mangum import Mangum

CLAIMS = {"sub": "5d0c", "cognito:groups": "[admin teacher]", "username": "ada@example.edu"}


def request(claims: dict[str, str] | None) -> dict[str, Any]:
    """Return a request as API Gateway (payload 2.0) hands it to a function."""
    http = {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"}
    authorizer = {} if claims is None else {"authorizer": {"jwt": {"claims": claims, "scopes": None}}}
    return {
        "version": "2.0",
        "routeKey": "ANY /v1/{proxy+}",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"host": "localhost"},
        "requestContext": {"http": http, "stage": "$default", "domainName": "localhost", **authorizer},
        "isBase64Encoded": False,
    }


def test_the_claims_of_the_token_are_in_the_scope_of_the_request() -> None:
    app = FastAPI()
    seen: list[Any] = []

    @app.get("/")
    def root(request: Request) -> None:
        seen.append(request.scope["aws.event"]["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims"))

    http = Mangum(app, lifespan="off")
    for claims in (CLAIMS, None):
        http(request(claims), object())  # type: ignore[arg-type]
    assert seen == [CLAIMS, None]
