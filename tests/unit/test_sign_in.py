"""Callers are identified by the claims that the gateway verified."""

from typing import Any

import pytest
from starlette.requests import HTTPConnection

from muster.api.sign_in import GatewaySignIn
from muster.domain.errors import NotAllowed, SignInRequired
from muster.domain.user import Role


def request(claims: dict[str, Any] | None, headers: dict[str, str] | None = None) -> HTTPConnection:
    authorizer = {} if claims is None else {"jwt": {"claims": claims, "scopes": None}}
    return HTTPConnection(
        {
            "type": "http",
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "aws.event": {"requestContext": {"authorizer": authorizer}},
        }
    )


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("[teacher]", Role.TEACHER),
        ("[admin teacher]", Role.ADMIN),
        ("[teacher admin]", Role.ADMIN),
        (["teacher", "admin"], Role.ADMIN),
        ("teacher", Role.TEACHER),
        ("[parent teacher]", Role.TEACHER),
    ],
    ids=str,
)
def test_the_groups_of_the_token_give_the_role(groups: Any, role: Role) -> None:
    principal = GatewaySignIn().principal(request({"sub": "1b9d", "cognito:groups": groups}))
    assert (principal.user_id, principal.role) == ("1b9d", role)


@pytest.mark.parametrize("groups", [None, "[]", "", [], "[parent]", "[administrator]", "[not-admin]"], ids=str)
def test_no_group_of_ours_is_no_role(groups: Any) -> None:
    claims = {"sub": "1b9d"} if groups is None else {"sub": "1b9d", "cognito:groups": groups}
    with pytest.raises(NotAllowed):
        GatewaySignIn().principal(request(claims))


def test_without_claims_nobody_asks_whatever_the_headers_say() -> None:
    headers = {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "cognito:groups": "admin"}
    with pytest.raises(SignInRequired):
        GatewaySignIn().principal(request(None, headers))
    with pytest.raises(SignInRequired):
        GatewaySignIn().principal(HTTPConnection({"type": "http", "headers": []}))
