"""Requests to, and results of, the management of accounts in the cloud."""

from collections.abc import Collection
from dataclasses import dataclass

from muster.domain.identifiers import GroupId
from muster.domain.user import Account, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A person to invite.

    Attributes:
        name: may be empty.
        create_groups: create those groups that do not exist.
    """

    email: str
    role: Role = Role.TEACHER
    name: str = ""
    groups: Collection[GroupId] = ()
    create_groups: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """A change of an account; None changes nothing."""

    role: Role | None = None
    name: str | None = None
    join: Collection[GroupId] = ()
    leave: Collection[GroupId] = ()


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """An account with the groups that it teaches, ordered by id.

    Attributes:
        invited: this call sent an invitation.
    """

    account: Account
    groups: tuple[GroupId, ...]
    invited: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedUser:
    """Someone who has not signed in yet through the single sign-on, with the groups that wait for them."""

    email: str
    groups: tuple[GroupId, ...]
