"""The school's own sign-in, which a stage can accept in addition to accounts with a password."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from muster.domain.user import Role

_RESERVED: Final = frozenset({"cognito", "loginwithamazon", "signinwithapple", "facebook", "google"})
"""Names that Cognito has for itself and for its built-in providers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdProvider:
    """A provider of OpenID Connect, such as Microsoft Entra ID or Google.

    Users without a role get nothing. The provider must belong to the school alone, because its e-mail addresses are
    trusted.

    Attributes:
        name: text of the button on the sign-in page, 3 to 32 letters or digits. After a change everybody is a new user.
        issuer: such as `https://login.microsoftonline.com/TENANT/v2.0`.
        client_id: of the application that is registered with the provider.
        client_secret: name of the secret in AWS Secrets Manager that holds the application's secret, in plain text. The
            secret itself is never in the template.
        roles_claim: claim with the user's roles or groups; None if roles are given by `muster users` only.
        roles: the role that each value of the claim gives.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str
    roles_claim: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.name, self.issuer, self.roles_claim, self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlProvider:
    """A provider of SAML 2.0, such as Google Workspace, Shibboleth or AD FS.

    Attributes:
        name: see `OpenIdProvider`.
        metadata_url: address of the provider's metadata document.
        email, full_name: names of the attributes with the e-mail address and the name.
        roles_claim, roles: see `OpenIdProvider`; the claim is the name of an attribute.
    """

    name: str
    metadata_url: str
    email: str = "email"
    full_name: str = "name"
    roles_claim: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.name, self.metadata_url, self.roles_claim, self.roles)


SingleSignOn = OpenIdProvider | SamlProvider


def _check(name: str, address: str, roles_claim: str | None, roles: Mapping[str, Role]) -> None:
    """Check at synthesis what would otherwise fail in the middle of a deployment, or let nobody in.

    Raises:
        ValueError: a field has a value that cannot work.
    """
    if not (3 <= len(name) <= 32 and name.isascii() and name.isalnum()) or name.lower() in _RESERVED:
        raise ValueError(f"single_sign_on: the name {name!r} is not 3 to 32 letters or digits, or Cognito's own.")
    if not address.startswith("https://"):
        raise ValueError(f"single_sign_on: {address!r} is not an https address.")
    if (roles_claim is None) != (not roles):
        raise ValueError("single_sign_on: roles_claim and roles belong together: give both, or neither.")
