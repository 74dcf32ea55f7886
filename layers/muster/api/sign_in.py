"""Identification of the caller: by token on one machine, by verified claims in the cloud."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from muster.api.access import Principal
from muster.domain.actor import OPERATOR
from muster.domain.api_token import TOKEN_PREFIX
from muster.domain.errors import NotAllowed, SignInRequired
from muster.domain.identifiers import UserId
from muster.domain.substitute import SUBSTITUTE_PREFIX
from muster.domain.user import Role
from muster.services.exchange.api_tokens import ApiTokens
from muster.services.exchange.substitutes import Substitutes
from muster.services.roster.people import Directory, SignedIn
from muster.services.roster.users import Users

if TYPE_CHECKING:
    # Commands build the services, too, and answer no request.
    from starlette.requests import HTTPConnection

LOCAL_USER: Final = OPERATOR.user_id
"""The caller while no user exists."""

_FORWARDING: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers that a proxy adds. A request with one comes from elsewhere, whatever its address."""


NOT_SIGNED_IN: Final = "Send your token as `Authorization: Bearer <token>`. An admin can create one for you."


class SignIn(Protocol):
    """Identifies the caller of a request."""

    def principal(self, request: HTTPConnection) -> Principal:
        """Return the caller.

        Raises:
            SignInRequired: the request carries no valid token.
            NotAllowed: the user has no role, or a page of another site sent the request.
        """


class LocalSignIn:
    """Users of one machine, by `Authorization: Bearer`.

    While no user exists, anyone at this machine is an admin. Such requests must come from the machine's own address,
    use its own host name, and not be sent by another site's page.
    """

    def __init__(self, users: Users, api_tokens: ApiTokens, substitutes: Substitutes) -> None:
        self._users = users
        self._api_tokens = api_tokens
        self._substitutes = substitutes

    def principal(self, request: HTTPConnection) -> Principal:
        """Return the caller; see `SignIn.principal`."""
        token = _bearer(request)
        if token.startswith(TOKEN_PREFIX):
            return _of_api_token(self._api_tokens, token)
        if token.startswith(SUBSTITUTE_PREFIX):
            return _of_substitute(self._substitutes, token)
        if token:
            user = self._users.of_token(token)
            if user is None:
                raise SignInRequired("The token is not valid. Ask an admin for a new one (`muster users token`).")
            return Principal(user.id, user.role, user.name or None)
        if self._users.find():
            raise SignInRequired(NOT_SIGNED_IN)
        _check_at_this_machine(request)
        return Principal(LOCAL_USER, Role.ADMIN)


class GatewaySignIn:
    """Users of the cloud, by the claims that the gateway verified. Nothing else in the request is trusted.

    ID tokens and access tokens are accepted; only ID tokens say who the user is. A request without claims came through
    a gateway that verifies nothing: it needs an API token, or the token of a substitute.
    """

    def __init__(self, directory: Directory, api_tokens: ApiTokens, substitutes: Substitutes) -> None:
        self._directory = directory
        self._api_tokens = api_tokens
        self._substitutes = substitutes

    def principal(self, request: HTTPConnection) -> Principal:
        """Return the caller; see `SignIn.principal`."""
        context = request.scope.get("aws.event", {}).get("requestContext", {})
        claims = (context.get("authorizer") or {}).get("jwt", {}).get("claims") or {}
        token = "" if claims else _bearer(request)
        if token.startswith(TOKEN_PREFIX):
            return _of_api_token(self._api_tokens, token)
        if token.startswith(SUBSTITUTE_PREFIX):
            return _of_substitute(self._substitutes, token)
        if not claims.get("sub"):
            raise SignInRequired("Sign in, then send the request again.")
        groups = _groups(claims)
        for role in (Role.ADMIN, Role.TEACHER):
            if role in groups:
                person = self._directory.sign_in(_signed_in(claims))
                return Principal(person.id, role, person.label or claims.get("email"))
        raise NotAllowed("Your account has no role yet. Ask an admin to make you a teacher.")


def _bearer(request: HTTPConnection) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _of_api_token(api_tokens: ApiTokens, text: str) -> Principal:
    token = api_tokens.check(text)
    if token is None:
        raise SignInRequired("The API token is wrong, expired or revoked. Ask an admin for another (`muster tokens`).")
    return Principal.of_token(token)


def _of_substitute(substitutes: Substitutes, text: str) -> Principal:
    substitute = substitutes.check(text)
    if substitute is None:
        raise SignInRequired("Your access as a substitute has ended. Ask the office of the school for a code.")
    return Principal.of_substitute(substitute)


def _signed_in(claims: Mapping[str, Any]) -> SignedIn:
    # Users cannot change their address, and only the pool writes `identities`: the single sign-on that vouches for the
    # address. A provider's address is never `email_verified`.
    proven = str(claims.get("email_verified")).lower() == "true" or bool(claims.get("identities"))
    return SignedIn(
        user_id=UserId(claims["sub"]), email=claims.get("email"), email_proven=proven, name=claims.get("name")
    )


def _groups(claims: Mapping[str, Any]) -> set[str]:
    """Return the groups in the user pool; the HTTP API sends a list as the text `[admin teacher]`."""
    value = claims.get("cognito:groups") or []
    return set(value.strip("[]").replace(",", " ").split() if isinstance(value, str) else value)


def _check_at_this_machine(request: HTTPConnection) -> None:
    """Refuse requests that another site's page could make a browser here send (DNS rebinding, forged requests).

    Reading is refused too. Another site's page cannot see the response, but a picture that loads reveals that a
    student exists, and each request costs work here. The web client's pages are not part of the API and can be linked.
    """
    host = request.headers.get("host", "")
    forwarded = any(name in request.headers for name in _FORWARDING)
    here = request.client is not None and _is_loopback(request.client.host) and _is_loopback(_hostname(host))
    if forwarded or not here:
        raise SignInRequired(
            "Until a user exists, the server accepts requests to localhost only. Add users with `muster users add`."
        )
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    elsewhere = site not in (None, "same-origin", "none")
    if elsewhere or (origin is not None and urlsplit(origin).netloc.lower() != host.lower()):
        raise NotAllowed("A page of another site sent this request. Use Muster's own page, or a token.")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
