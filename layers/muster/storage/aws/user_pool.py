"""Accounts in an Amazon Cognito user pool."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from muster.domain.errors import (
    InvitationAccepted,
    InvitationNotSent,
    MusterError,
    UserExists,
    UserNotFound,
    UserPoolDenied,
    UserPoolNotConfigured,
    UserPoolUnavailable,
)
from muster.domain.identifiers import UserId
from muster.domain.user import Account, AccountState, Role

_PAGE: Final = 60
"""Most users in one page (Amazon Cognito API Reference, `ListUsers` and `ListUsersInGroup`)."""

_STATES: Final = {
    "FORCE_CHANGE_PASSWORD": AccountState.INVITED,
    "RESET_REQUIRED": AccountState.PASSWORD_RESET,
}
"""Other values of `UserStatus` belong to accounts that can sign in."""

_EXTERNAL: Final = "EXTERNAL_PROVIDER"

_DENIED: Final = frozenset(
    {
        *("AccessDeniedException", "NotAuthorizedException", "UnrecognizedClientException", "ExpiredTokenException"),
        *("InvalidSignatureException", "ExpiredToken", "InvalidClientTokenId"),
    }
)
_NOT_SENT: Final = frozenset(
    {
        *("CodeDeliveryFailureException", "LimitExceededException", "InvalidEmailRoleAccessPolicyException"),
        *("InvalidSmsRoleAccessPolicyException", "InvalidSmsRoleTrustRelationshipException"),
    }
)


class UserPool:
    """`AccountStore` on Cognito. The SDK retries throttled and lost requests.

    Args:
        client: a boto3 client of `cognito-idp`.
        pool_id: such as `eu-central-1_Ab12Cd34E`.
    """

    def __init__(self, client: Any, pool_id: str) -> None:
        self._client = client
        self._pool = pool_id

    def find(self) -> list[Account]:
        """Return all accounts, ordered by address."""
        with self._explained(""):
            users = list(self._users())
            roles = self._roles() if users else {}
        accounts = [_account(user, roles.get(user["Username"])) for user in users]
        return sorted(accounts, key=lambda account: (account.email, account.id))

    def named(self, email: str) -> list[Account]:
        """Return the accounts with this address; see `AccountStore.named`."""
        with self._explained(email):
            # The list of users lags behind changes; a single user does not, but only a password account has its
            # address as an alias.
            users = [*self._with_alias(email), *self._users(f'email = "{email}"')]
            # The filter distinguishes case, and a single sign-on stores addresses as the provider writes them.
            users = users or [user for user in self._users() if _attributes(user).get("email", "").lower() == email]
            found = {user["Username"]: user for user in users}
            return [_account(user, self._role(username)) for username, user in found.items()]

    def invite(self, email: str, name: str) -> Account:
        """Create an account and send the invitation; see `AccountStore.invite`."""
        attributes = {"email": email, "email_verified": "true", **({"name": name} if name else {})}
        with self._explained(email):
            user = self._client.admin_create_user(
                UserPoolId=self._pool,
                Username=email,
                UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
                DesiredDeliveryMediums=["EMAIL"],
            )["User"]
        return _account(user, None)

    def resend(self, account: Account) -> None:
        """Send the invitation again; see `AccountStore.resend`."""
        with self._explained(account.email):
            self._client.admin_create_user(
                UserPoolId=self._pool,
                Username=account.email,
                MessageAction="RESEND",
                DesiredDeliveryMediums=["EMAIL"],
            )

    def set_role(self, account: Account, role: Role) -> None:
        """Give an account one role and take the other."""
        with self._explained(account.email):
            # First the new role: an interrupted change leaves the account with a role.
            self._client.admin_add_user_to_group(UserPoolId=self._pool, Username=account.username, GroupName=role.value)
            for other in Role:
                if other is not role:
                    self._client.admin_remove_user_from_group(
                        UserPoolId=self._pool, Username=account.username, GroupName=other.value
                    )

    def set_name(self, account: Account, name: str) -> None:
        """Change the name."""
        with self._explained(account.email):
            self._client.admin_update_user_attributes(
                UserPoolId=self._pool, Username=account.username, UserAttributes=[{"Name": "name", "Value": name}]
            )

    def disable(self, account: Account) -> None:
        """Refuse sign-ins, and end all sessions."""
        with self._explained(account.email):
            self._client.admin_disable_user(UserPoolId=self._pool, Username=account.username)
        self.end_sessions(account)

    def enable(self, account: Account) -> None:
        """Allow sign-ins again."""
        with self._explained(account.email):
            self._client.admin_enable_user(UserPoolId=self._pool, Username=account.username)

    def end_sessions(self, account: Account) -> None:
        """Revoke all refresh tokens; see `AccountStore.end_sessions`."""
        with self._explained(account.email):
            self._client.admin_user_global_sign_out(UserPoolId=self._pool, Username=account.username)

    def forget_authenticator(self, account: Account) -> None:
        """Remove the authenticator app; see `AccountStore.forget_authenticator`."""
        with self._explained(account.email):
            try:
                self._client.admin_delete_software_token(UserPoolId=self._pool, Username=account.username)
            except ClientError as error:
                # The account has no authenticator, as after an earlier attempt.
                if _code(error) != "SoftwareTokenMFANotFoundException":
                    raise

    def remove(self, account: Account) -> None:
        """Delete an account; does nothing if there is none."""
        try:
            with self._explained(account.email):
                self._client.admin_delete_user(UserPoolId=self._pool, Username=account.username)
        except UserNotFound:
            return

    def _with_alias(self, email: str) -> Iterator[Mapping[str, Any]]:
        try:
            user = self._client.admin_get_user(UserPoolId=self._pool, Username=email)
        except self._client.exceptions.UserNotFoundException:
            return
        yield {**user, "Attributes": user["UserAttributes"]}

    def _users(self, condition: str = "") -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("list_users").paginate(
            UserPoolId=self._pool,
            PaginationConfig={"PageSize": _PAGE},
            **({"Filter": condition} if condition else {}),
        )
        for page in pages:
            yield from page["Users"]

    def _role(self, username: str) -> Role | None:
        pages = self._client.get_paginator("admin_list_groups_for_user").paginate(
            UserPoolId=self._pool, Username=username
        )
        groups = {group["GroupName"] for page in pages for group in page["Groups"]}
        return next((role for role in (Role.ADMIN, Role.TEACHER) if role.value in groups), None)

    def _roles(self) -> dict[str, Role]:
        """Return the role of each user name; an account in both groups is an admin."""
        found: dict[str, Role] = {}
        for role in (Role.TEACHER, Role.ADMIN):
            pages = self._client.get_paginator("list_users_in_group").paginate(
                UserPoolId=self._pool, GroupName=role.value, PaginationConfig={"PageSize": _PAGE}
            )
            found.update({user["Username"]: role for page in pages for user in page["Users"]})
        return found

    @contextmanager
    def _explained(self, email: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._reason(error, email) from error
        except BotoCoreError as error:
            raise UserPoolUnavailable(
                f"The user pool could not be reached ({type(error).__name__}). Check the network, the credentials and "
                "AWS_DEFAULT_REGION, then run the command again."
            ) from error

    def _reason(self, error: ClientError, email: str) -> MusterError:
        code, operation = _code(error), error.operation_name
        if code == "UsernameExistsException":
            return UserExists(f"The user {email} already exists. Change the account with `muster users change`.")
        if code == "UserNotFoundException":
            return UserNotFound(f"The user pool has no account of {email}. `muster users list` shows the accounts.")
        if code == "UnsupportedUserStateException":
            return InvitationAccepted(
                f"{email} has already signed in. A lost password is reset on the sign-in page, a lost authenticator "
                "with `muster users reset-authenticator`."
            )
        if code == "ResourceNotFoundException":
            return UserPoolNotConfigured(
                f"There is no user pool {self._pool}, or it lacks a role's group. Set MUSTER_USER_POOL_ID and "
                "AWS_DEFAULT_REGION to those of the stage."
            )
        if code in _NOT_SENT:
            return InvitationNotSent(
                f"The invitation to {email} was not sent ({code}). Cognito's own sender allows 50 mails per day: wait, "
                "or set up Amazon SES, then run `muster users resend`."
            )
        if code in _DENIED:
            return UserPoolDenied(
                f"The credentials may not call cognito-idp:{operation} ({code}). docs/operations.md lists the "
                "permissions that `muster users` needs."
            )
        return UserPoolUnavailable(f"The user pool refused {operation} ({code}). Wait a minute, then run it again.")


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def _attributes(user: Mapping[str, Any]) -> dict[str, str]:
    return {pair["Name"]: pair.get("Value", "") for pair in user.get("Attributes", ())}


def _account(user: Mapping[str, Any], role: Role | None) -> Account:
    attributes = _attributes(user)
    status = user.get("UserStatus", "")
    return Account(
        id=UserId(attributes["sub"]),
        username=user["Username"],
        email=attributes.get("email", "").lower(),
        name=attributes.get("name", ""),
        role=role,
        state=_STATES.get(status, AccountState.ACTIVE) if user.get("Enabled", True) else AccountState.DISABLED,
        single_sign_on=status == _EXTERNAL,
    )
