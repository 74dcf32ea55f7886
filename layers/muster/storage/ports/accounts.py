"""Store of accounts in the cloud."""

from typing import Protocol

from muster.domain.user import Account, Role


class AccountStore(Protocol):
    """Accounts of the user pool. Each method changes one thing, and repeating it changes nothing more.

    Raises, from every method:
        UserPoolNotConfigured: the pool does not exist.
        UserPoolDenied: the credentials do not allow the call.
        UserPoolUnavailable: the pool does not answer, or still refuses requests after several attempts.
    """

    def find(self) -> list[Account]:
        """Return all accounts, ordered by address."""

    def named(self, email: str) -> list[Account]:
        """Return the accounts with this address; a password account and one of the single sign-on can share it."""

    def invite(self, email: str, name: str) -> Account:
        """Create an account without a role, and send the invitation.

        Raises:
            UserExists: an account has this address as its user name.
            InvitationNotSent: the mail could not be sent; the account may exist.
        """

    def resend(self, account: Account) -> None:
        """Send the invitation again, with a new temporary password.

        Raises:
            InvitationAccepted: the account has a password of its own.
            InvitationNotSent: the mail could not be sent.
        """

    def set_role(self, account: Account, role: Role) -> None:
        """Give an account one role and take the other."""

    def set_name(self, account: Account, name: str) -> None:
        """Change the name."""

    def disable(self, account: Account) -> None:
        """Refuse sign-ins, and end all sessions."""

    def enable(self, account: Account) -> None:
        """Allow sign-ins again."""

    def end_sessions(self, account: Account) -> None:
        """Revoke all refresh tokens. Issued tokens stay valid until they expire."""

    def forget_authenticator(self, account: Account) -> None:
        """Remove the authenticator app, so that the next sign-in registers another."""

    def remove(self, account: Account) -> None:
        """Delete an account; does nothing if there is none."""
