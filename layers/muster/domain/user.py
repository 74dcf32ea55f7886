"""Users, their roles, and their accounts in the cloud."""

import re
from dataclasses import dataclass
from enum import StrEnum

from muster.domain.errors import InvalidRequest
from muster.domain.identifiers import UserId

_EMAIL = re.compile(r"[^\s@\"\\<>()\[\],;:]{1,64}@[^\s@\"\\<>()\[\],;:]+\.[^\s@\"\\<>()\[\],;:]+")
_MAX_EMAIL = 128
"""Maximum length of a user name in a Cognito user pool (Amazon Cognito API Reference, `AdminCreateUser`)."""


class Role(StrEnum):
    """An admin sees and changes everything, a teacher their own groups."""

    ADMIN = "admin"
    TEACHER = "teacher"


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account; in the cloud the id is the `sub` claim of their token."""

    id: UserId
    role: Role
    name: str = ""


class AccountState(StrEnum):
    """What an account of the user pool waits for."""

    INVITED = "invited"
    """The invitation was sent; nobody has signed in yet."""
    ACTIVE = "active"
    PASSWORD_RESET = "password_reset"  # noqa: S105 a state
    """The next sign-in sets a new password."""
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the user pool.

    Attributes:
        id: the `sub` claim of its tokens; never changes and is never given to anybody else.
        username: the pool's own name for the account; not shown to people.
        email: lower case.
        name: empty if it is not known.
        role: from the groups of the pool; None if it is in neither. A single sign-on may give another.
        single_sign_on: the school's own sign-in manages the account.
    """

    id: UserId
    username: str
    email: str
    name: str = ""
    role: Role | None
    state: AccountState
    single_sign_on: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """What the store knows about a user of the cloud, so that people see a name instead of an id.

    Attributes:
        email: lower case; may be empty.
        name: may be empty.
    """

    id: UserId
    email: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """The name, or else the address; may be empty."""
        return self.name or self.email


def is_email(text: str) -> bool:
    """Return whether a text is an e-mail address rather than a user id."""
    return "@" in text


def parse_email(text: str) -> str:
    """Read an e-mail address, in lower case: the user pool ignores case.

    Raises:
        InvalidRequest: the text is not an address.
    """
    address = text.strip().lower()
    if len(address) > _MAX_EMAIL or not _EMAIL.fullmatch(address):
        raise InvalidRequest(f"{text[:80]!r} is not an e-mail address, such as ada@example.edu.")
    return address
