"""Who asks: read from the request, by token on one machine and by verified claims in the cloud."""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from muster.api.access import Principal
from muster.domain.actor import OPERATOR
from muster.domain.errors import NotAllowed, SignInRequired
from muster.domain.identifiers import UserId
from muster.domain.user import Role
from muster.services.roster.users import Users

LOCAL_USER: Final = OPERATOR.user_id
"""Who asks where no user was made."""

_FORWARDING: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers that a proxy adds: the request comes from elsewhere, whatever its address says."""


class SignIn(Protocol):
    """Tells who sent a request."""

    def principal(self, request: HTTPConnection) -> Principal:
        """Return it.

        Raises:
            SignInRequired: the request carries no valid token.
            NotAllowed: the user has no role, or the request is not one that this sender may send.
        """


class LocalSignIn:
    """Users of one machine, by `Authorization: Bearer`.

    As long as there is no user, everyone at this machine is an admin: requests that come from its own address, name it
    by its own name, and are not sent by another site's page.
    """

    def __init__(self, users: Users) -> None:
        self._users = users

    def principal(self, request: HTTPConnection) -> Principal:
        """Return who asks; see `SignIn.principal`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            user = self._users.of_token(token.strip())
            if user is None:
                raise SignInRequired("The token is not valid: ask an admin for a new one (`muster users token`).")
            return Principal(user.id, user.role, user.name or None)
        if self._users.find():
            raise SignInRequired("Send your token as `Authorization: Bearer <token>`; an admin makes one for you.")
        _check_at_this_machine(request)
        return Principal(LOCAL_USER, Role.ADMIN)


class GatewaySignIn:
    """Users of the cloud, by the claims that the gateway verified; nothing in the request itself is believed."""

    def principal(self, request: HTTPConnection) -> Principal:
        """Return who asks; see `SignIn.principal`."""
        context = request.scope.get("aws.event", {}).get("requestContext", {})
        claims = (context.get("authorizer") or {}).get("jwt", {}).get("claims") or {}
        if not claims.get("sub"):
            raise SignInRequired("Sign in, then send the request again.")
        groups = _groups(claims)
        for role in (Role.ADMIN, Role.TEACHER):
            if role in groups:
                return Principal(UserId(claims["sub"]), role, claims.get("name") or claims.get("email"))
        raise NotAllowed("Your account has no role yet: ask an admin to make you a teacher.")


def _groups(claims: Mapping[str, Any]) -> set[str]:
    """Read the user pool's groups; the HTTP API writes a list as the text `[admin teacher]`."""
    value = claims.get("cognito:groups") or []
    return set(value.strip("[]").replace(",", " ").split() if isinstance(value, str) else value)


def _check_at_this_machine(request: HTTPConnection) -> None:
    """Refuse what a page of another site could make this machine's browser send (DNS rebinding, forged requests).

    Reading is refused too: another site's page cannot see the answer, but learns from a picture that loads who exists,
    and makes this machine work. The web client's own pages are no part of the API and can be linked to.
    """
    host = request.headers.get("host", "")
    forwarded = any(name in request.headers for name in _FORWARDING)
    here = request.client is not None and _is_loopback(request.client.host) and _is_loopback(_hostname(host))
    if forwarded or not here:
        raise SignInRequired(
            "Without users the server answers only at this machine, as localhost: add users with `muster users add`."
        )
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    elsewhere = site not in (None, "same-origin", "none")
    if elsewhere or (origin is not None and urlsplit(origin).netloc.lower() != host.lower()):
        raise NotAllowed("A page of another site sent this: use Muster's own page, or a token.")


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
