"""The users of one machine, and their tokens."""

import hashlib
import hmac
import secrets
from collections.abc import Collection

from muster.domain.errors import InvalidRequest, MusterError, UserExists, UserNotFound
from muster.domain.identifiers import GroupId, UserId
from muster.domain.user import Role, User
from muster.services.roster.groups import Groups
from muster.storage.ports import UserStore

TOKEN_BYTES = 32
"""Random bytes in a token. 256 bits cannot be guessed, so a plain digest is safe to store."""

MIN_TOKEN_LENGTH = 32

_ADMIN = UserId("admin")


class Users:
    """Manages users. A token is shown once, when it is created; only its digest is stored."""

    def __init__(self, users: UserStore, groups: Groups) -> None:
        self._users = users
        self._groups = groups

    def add(self, user: User, groups: Collection[GroupId] = (), *, create_groups: bool = True) -> str:
        """Create a user who teaches these groups; return their token.

        Args:
            create_groups: create those groups that do not exist.

        Raises:
            GroupNotFound: a group does not exist and `create_groups` is not set; no user is created.
            UserExists: the id is taken.
            InvalidRequest: a group has too many teachers; no user is created.
        """
        if not create_groups:
            self._groups.check(groups)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._users.add(user, _digest(token))
        try:
            self._groups.ensure(groups)
            for group_id in groups:
                self._groups.teach(group_id, user.id, True)
        except MusterError:
            # Nobody has seen the token, so the user could not sign in.
            self.remove(user.id, last_admin=True)
            raise
        return token

    def set_admin(self, token: str) -> None:
        """Create the user `admin`, or set their token, to one chosen elsewhere, such as a container's environment.

        Raises:
            InvalidRequest: the token is too short.
        """
        if len(token) < MIN_TOKEN_LENGTH:
            raise InvalidRequest(
                f"MUSTER_ADMIN_TOKEN needs {MIN_TOKEN_LENGTH} random characters: `openssl rand -hex 32`."
            )
        try:
            self._users.add(User(_ADMIN, Role.ADMIN), _digest(token))
        except UserExists:
            self._users.replace_token(_ADMIN, _digest(token))

    def find(self) -> list[User]:
        """Return all users, ordered by id."""
        return self._users.find()

    def of_token(self, token: str) -> User | None:
        """Return the user who has this token, or None."""
        digest = _digest(token)
        # Every digest is compared, in constant time, so that response times reveal nothing.
        holders = {
            user_id for user_id, kept in self._users.token_digests().items() if hmac.compare_digest(kept, digest)
        }
        return next((user for user in self._users.find() if user.id in holders), None)

    def renew_token(self, user_id: UserId) -> str:
        """Return a new token; the old one is invalid from now on.

        Raises:
            UserNotFound: no user has this id.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._users.replace_token(user_id, _digest(token))
        return token

    def get(self, user_id: UserId) -> User:
        """Return one user.

        Raises:
            UserNotFound: no user has this id.
        """
        for user in self._users.find():
            if user.id == user_id:
                return user
        raise UserNotFound(f"There is no user {user_id}. List the users with `muster users list`.")

    def remove(self, user_id: UserId, *, last_admin: bool = False) -> None:
        """Remove a user, invalidate their token, and remove them from their groups.

        Args:
            last_admin: remove the user even if there is no admin afterwards.

        Raises:
            UserNotFound: no user has this id.
            LastAdmin: nobody else is an admin.
        """
        self._users.remove(user_id, last_admin=last_admin)
        for group_id in self._groups.taught_by(user_id):
            self._groups.teach(group_id, user_id, False)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
