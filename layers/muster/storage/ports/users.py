"""Store of users."""

from typing import Protocol

from muster.domain.identifiers import UserId
from muster.domain.user import User


class UserStore(Protocol):
    """Users of one machine and the digests of their tokens; on AWS, Cognito holds the users."""

    def add(self, user: User, token_digest: str) -> None:
        """Store a new user.

        Raises:
            UserExists: the id is taken.
        """

    def find(self) -> list[User]:
        """Return all users, ordered by id."""

    def token_digests(self) -> dict[UserId, str]:
        """Return the digest of each user's token."""

    def replace_token(self, user_id: UserId, token_digest: str) -> None:
        """Replace a user's token; the old one becomes invalid.

        Raises:
            UserNotFound: no user has this id.
        """

    def remove(self, user_id: UserId, *, last_admin: bool = False) -> None:
        """Remove a user.

        Args:
            last_admin: remove the user even if no admin remains.

        Raises:
            UserNotFound: no user has this id.
            LastAdmin: there is no other admin.
        """
