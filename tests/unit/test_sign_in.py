"""Callers are identified by the claims that the gateway verified."""

from typing import Any
from unittest.mock import create_autospec

import pytest
from starlette.requests import HTTPConnection

from muster.api.sign_in import GatewaySignIn
from muster.domain.errors import NotAllowed, SignInRequired
from muster.domain.identifiers import UserId
from muster.domain.user import Person, Role
from muster.services.exchange.api_tokens import ApiTokens
from muster.services.exchange.substitutes import Substitutes
from muster.services.roster.people import Directory, SignedIn

DIRECTORY = create_autospec(Directory, instance=True)
DIRECTORY.sign_in.side_effect = lambda signed_in: Person(signed_in.user_id, name=signed_in.name or "")
API_TOKENS = create_autospec(ApiTokens, instance=True)
API_TOKENS.check.return_value = None
SUBSTITUTES = create_autospec(Substitutes, instance=True)
SUBSTITUTES.check.return_value = None


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
    principal = GatewaySignIn(DIRECTORY, API_TOKENS, SUBSTITUTES).principal(
        request({"sub": "1b9d", "cognito:groups": groups})
    )
    assert (principal.user_id, principal.role) == ("1b9d", role)


@pytest.mark.parametrize("groups", [None, "[]", "", [], "[parent]", "[administrator]", "[not-admin]"], ids=str)
def test_no_group_of_ours_is_no_role(groups: Any) -> None:
    claims = {"sub": "1b9d"} if groups is None else {"sub": "1b9d", "cognito:groups": groups}
    with pytest.raises(NotAllowed):
        GatewaySignIn(DIRECTORY, API_TOKENS, SUBSTITUTES).principal(request(claims))


def test_without_claims_nobody_asks_whatever_the_headers_say() -> None:
    headers = {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "cognito:groups": "admin"}
    with pytest.raises(SignInRequired):
        GatewaySignIn(DIRECTORY, API_TOKENS, SUBSTITUTES).principal(request(None, headers))
    with pytest.raises(SignInRequired):
        GatewaySignIn(DIRECTORY, API_TOKENS, SUBSTITUTES).principal(HTTPConnection({"type": "http", "headers": []}))


AUTOMATIC_GROUP = "eu-central-1_Ab12Cd34E_School"
"""The pool puts everyone who comes by a provider into a group of its own."""


@pytest.mark.parametrize("groups", [f"[{AUTOMATIC_GROUP}]", [AUTOMATIC_GROUP]], ids=str)
def test_who_comes_by_the_schools_sign_in_without_a_role_gets_nothing(groups: Any) -> None:
    claims = {"sub": "1b9d", "username": "School_admin", "cognito:username": "School_admin", "cognito:groups": groups}
    DIRECTORY.sign_in.reset_mock()
    with pytest.raises(NotAllowed):
        GatewaySignIn(DIRECTORY, API_TOKENS, SUBSTITUTES).principal(request(claims))
    DIRECTORY.sign_in.assert_not_called()


def test_who_comes_by_the_schools_sign_in_has_the_roles_of_the_token() -> None:
    claims = {
        "sub": "1b9d",
        "cognito:username": "School_00u1",
        "cognito:groups": f"[{AUTOMATIC_GROUP} teacher]",
        "identities": "[map[providerName:School providerType:OIDC userId:00u1]]",
        "email": "Ada@Example.edu",
        "email_verified": "false",
        "name": "Ada Lovelace",
    }
    principal = GatewaySignIn(DIRECTORY, API_TOKENS, SUBSTITUTES).principal(request(claims))
    assert (principal.user_id, principal.role, principal.name) == ("1b9d", Role.TEACHER, "Ada Lovelace")
    DIRECTORY.sign_in.assert_called_with(
        SignedIn(user_id=UserId("1b9d"), email="Ada@Example.edu", email_proven=True, name="Ada Lovelace")
    )


@pytest.mark.parametrize(
    ("claims", "proven"),
    [
        ({"email": "ada@example.edu", "email_verified": "true"}, True),
        ({"email": "ada@example.edu", "email_verified": True}, True),
        ({"email": "ada@example.edu", "email_verified": "false"}, False),
        ({"email": "ada@example.edu"}, False),
        ({"email": "ada@example.edu", "username": "School_1"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_an_address_counts_only_if_the_pool_or_the_school_vouches_for_it(claims: dict[str, Any], proven: bool) -> None:
    GatewaySignIn(DIRECTORY, API_TOKENS, SUBSTITUTES).principal(
        request({"sub": "1b9d", "cognito:groups": "[teacher]", **claims})
    )
    (signed_in,) = DIRECTORY.sign_in.call_args.args
    assert signed_in.email_proven is proven
