"""Accounts of the cloud: invitations, roles, classes and lost authenticators."""

from collections.abc import Collection
from dataclasses import replace

from muster.domain.errors import (
    InvalidRequest,
    InvitationAccepted,
    LastAdmin,
    SingleSignOnAccount,
    UserAmbiguous,
    UserExists,
    UserNotFound,
)
from muster.domain.identifiers import GroupId
from muster.domain.user import Account, AccountState, Person, Role, is_email, parse_email
from muster.services.roster.account_types import AccountChange, AccountOverview, ExpectedUser, Invitation
from muster.services.roster.groups import Groups
from muster.services.roster.names import checked_name
from muster.storage.ports import AccountStore, PersonStore


class Accounts:
    """Manages the accounts of a user pool. Every method completes an earlier call that was interrupted."""

    def __init__(self, accounts: AccountStore, people: PersonStore, groups: Groups) -> None:
        self._accounts = accounts
        self._people = people
        self._groups = groups

    def invite(self, invitation: Invitation) -> AccountOverview:
        """Create an account with a role and groups, and send the invitation.

        An account that waits for its first sign-in is completed, without a second mail.

        Raises:
            InvalidRequest: the address or the name is malformed.
            GroupNotFound: a group does not exist and `create_groups` is not set; nobody is invited.
            UserExists: an account with this address signs in already, with another role or other groups, or through
                the single sign-on.
            InvitationNotSent: the mail could not be sent.
        """
        email = parse_email(invitation.email)
        name = checked_name(invitation.name, "user") if invitation.name else ""
        self._check_groups(invitation.groups, invitation.create_groups)
        known = self._accounts.named(email)
        if known and all(account.single_sign_on for account in known):
            raise UserExists(
                f"{email} has signed in at the school's own sign-in already. Use `muster users change {email}`."
            )
        known = [account for account in known if not account.single_sign_on]
        invited = False
        if known:
            account = known[0]
        else:
            try:
                account, invited = self._accounts.invite(email, name), True
            except UserExists:
                # The first response was lost, or the list of users lags behind.
                account = self._named(email)
        if account.state is not AccountState.INVITED:
            return self._unchanged(account, invitation)
        if account.role is not invitation.role:
            self._accounts.set_role(account, invitation.role)
        if name and account.name != name:
            self._accounts.set_name(account, name)
        account = replace(account, role=invitation.role, name=name or account.name)
        return replace(self._with_groups(account, invitation.groups), invited=invited)

    def expect(self, email: str, groups: Collection[GroupId], *, create_groups: bool = False) -> ExpectedUser:
        """Keep groups for someone who will sign in through the school's single sign-on.

        Raises:
            InvalidRequest: the address is malformed, or no group is named.
            GroupNotFound: a group does not exist and `create_groups` is not set.
            UserExists: someone with this address has signed in already.
        """
        address = parse_email(email)
        if not groups:
            raise InvalidRequest("Name the groups that wait for them with --group.")
        self._check_groups(groups, create_groups)
        if any(account.single_sign_on for account in self._accounts.named(address)):
            raise UserExists(f"{address} has signed in already. Use `muster users change {address} --join GROUP`.")
        self._people.expect(address, self._people.expected_groups(address) | set(groups))
        return ExpectedUser(address, tuple(sorted(self._people.expected_groups(address))))

    def find(self) -> list[AccountOverview]:
        """Return all accounts with their groups, ordered by address."""
        groups = self._groups.find()
        return [
            AccountOverview(account, tuple(group.id for group in groups if account.id in group.teachers))
            for account in self._accounts.find()
        ]

    def expected(self) -> list[ExpectedUser]:
        """Return those who have not signed in yet, ordered by address."""
        return [ExpectedUser(email, tuple(sorted(groups))) for email, groups in self._people.expected().items()]

    def change(self, who: str, change: AccountChange, *, last_admin: bool = False) -> AccountOverview:
        """Change role, name and groups.

        Args:
            who: an e-mail address, or a user id.
            last_admin: take the role of the last admin.

        Raises:
            UserNotFound, UserAmbiguous: no account, or several, has this address.
            GroupNotFound: a group does not exist; nothing was changed.
            LastAdmin: nobody else is an admin.
            SingleSignOnAccount: the school's own sign-in gives the name.
        """
        account = self._named(who)
        name = None if change.name is None else checked_name(change.name, "user")
        self._groups.check([*change.join, *change.leave])
        if name is not None and account.single_sign_on:
            raise SingleSignOnAccount(
                f"The name of {account.email} comes from the school's own sign-in: change it there."
            )
        if change.role is not None and change.role is not account.role:
            self._check_last_admin(account, last_admin)
            self._accounts.set_role(account, change.role)
            # A refresh would otherwise go on with the old role for as long as the session lasts.
            self._accounts.end_sessions(account)
            account = replace(account, role=change.role)
        if name is not None and name != account.name:
            self._accounts.set_name(account, name)
            account = replace(account, name=name)
        return self._with_groups(account, change.join, change.leave)

    def disable(self, who: str, *, last_admin: bool = False) -> Account:
        """Refuse sign-ins and end all sessions.

        Raises:
            UserNotFound, UserAmbiguous: no account, or several, has this address.
            LastAdmin: nobody else is an admin.
        """
        account = self._named(who)
        self._check_last_admin(account, last_admin)
        self._accounts.disable(account)
        return replace(account, state=AccountState.DISABLED)

    def enable(self, who: str) -> Account:
        """Allow sign-ins again.

        Raises:
            UserNotFound, UserAmbiguous: no account, or several, has this address.
        """
        account = self._named(who)
        self._accounts.enable(account)
        return self._named(account.id)

    def resend(self, who: str) -> Account:
        """Send the invitation again, with a new temporary password.

        Raises:
            UserNotFound, UserAmbiguous: no account, or several, has this address.
            InvitationAccepted: the user has signed in already.
            InvitationNotSent: the mail could not be sent.
            SingleSignOnAccount: the school's own sign-in has the password.
        """
        account = self._with_password(who)
        if account.state is not AccountState.INVITED:
            raise InvitationAccepted(
                f"{account.email} is {account.state.replace('_', ' ')}: only an invitation that nobody has accepted is "
                "sent again. A lost password is reset on the sign-in page."
            )
        self._accounts.resend(account)
        return account

    def forget_authenticator(self, who: str) -> Account:
        """Remove a lost authenticator app, and end all sessions; the next sign-in registers another.

        Raises:
            UserNotFound, UserAmbiguous: no account, or several, has this address.
            SingleSignOnAccount: the school's own sign-in has the second factor.
        """
        account = self._with_password(who)
        self._accounts.forget_authenticator(account)
        # The account may be signed in on a lost telephone.
        self._accounts.end_sessions(account)
        return account

    def remove(self, who: str, *, last_admin: bool = False) -> str:
        """Delete an account or an expected person, with their groups; return the address.

        Raises:
            UserNotFound, UserAmbiguous: no account, or several, has this address.
            LastAdmin: nobody else is an admin.
        """
        try:
            account = self._named(who)
        except UserNotFound:
            return self._remove_remains(who)
        self._check_last_admin(account, last_admin)
        for group_id in self._groups.taught_by(account.id):
            self._groups.teach(group_id, account.id, False)
        self._accounts.remove(account)
        self._people.remove(account.id)
        return account.email

    def _remove_remains(self, who: str) -> str:
        """Remove what is left of an account that an interrupted call deleted, or someone expected."""
        people = [person for person in self._people.find() if who.strip().lower() in (person.email, person.id)]
        address = parse_email(who) if is_email(who) else ""
        if not people and not (address and self._people.expected_groups(address)):
            raise _unknown(who)
        for person in people:
            for group_id in self._groups.taught_by(person.id):
                self._groups.teach(group_id, person.id, False)
            self._people.remove(person.id)
        if address:
            self._people.expect(address, ())
        return address or people[0].email

    def _named(self, who: str) -> Account:
        if is_email(who):
            found = self._accounts.named(parse_email(who))
        else:
            found = [account for account in self._accounts.find() if account.id == who.strip()]
        if not found:
            raise _unknown(who)
        if len(found) > 1:
            ids = " or ".join(
                f"{account.id}{' (single sign-on)' if account.single_sign_on else ''}" for account in found
            )
            raise UserAmbiguous(f"Several accounts have the address {found[0].email}. Name one by its id: {ids}.")
        return found[0]

    def _with_password(self, who: str) -> Account:
        account = self._named(who)
        if account.single_sign_on:
            raise SingleSignOnAccount(
                f"{account.email} signs in at the school's own sign-in, which has the password and the second factor."
            )
        return account

    def _unchanged(self, account: Account, invitation: Invitation) -> AccountOverview:
        """Return an account that signs in already, if it has what the invitation asks for."""
        taught = self._groups.taught_by(account.id)
        if account.role is not invitation.role or not set(invitation.groups) <= set(taught):
            raise UserExists(
                f"{account.email} has an account already ({account.state.replace('_', ' ')}). Change it with "
                f"`muster users change {account.email}`."
            )
        return self._with_groups(account)

    def _with_groups(
        self, account: Account, join: Collection[GroupId] = (), leave: Collection[GroupId] = ()
    ) -> AccountOverview:
        """Store the account's name, then change its groups."""
        self._people.put(Person(account.id, account.email, account.name))
        for group_id in leave:
            self._groups.teach(group_id, account.id, False)
        for group_id in join:
            self._groups.teach(group_id, account.id, True)
        return AccountOverview(account, tuple(self._groups.taught_by(account.id)))

    def _check_groups(self, groups: Collection[GroupId], create: bool) -> None:
        if create:
            self._groups.ensure(groups)
        else:
            self._groups.check(groups)

    def _check_last_admin(self, account: Account, last_admin: bool) -> None:
        if account.role is not Role.ADMIN or account.state is AccountState.DISABLED or last_admin:
            return
        others = [
            other
            for other in self._accounts.find()
            if other.role is Role.ADMIN and other.state is not AccountState.DISABLED and other.id != account.id
        ]
        if not others:
            raise LastAdmin(
                f"{account.email} is the last admin. Make another one first with `muster users invite EMAIL --role "
                "admin`, or add --last-admin to go on all the same."
            )


def _unknown(who: str) -> UserNotFound:
    return UserNotFound(f"There is no account of {who[:80]}. `muster users list` shows the accounts.")
