"""Users of the server on one machine; on AWS, the user pool holds them."""

import sqlite3

from muster.domain.errors import LastAdmin, UserExists, UserNotFound
from muster.domain.identifiers import UserId
from muster.domain.user import Role, User
from muster.storage.local.database import Database


class LocalUsers:
    """`UserStore` on SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: User, token_digest: str) -> None:
        """Store a new user; see `UserStore.add`."""
        row = (user.id, user.role, user.name, token_digest)
        try:
            with self._database.write() as connection:
                connection.execute("INSERT INTO users (id, role, name, token_digest) VALUES (?, ?, ?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise UserExists(
                f"The user {user.id} already exists. Choose another id, or give this one a new token with "
                "`muster users token`."
            ) from error

    def find(self) -> list[User]:
        """Return all users, ordered by id."""
        rows = self._database.read().execute("SELECT id, role, name FROM users ORDER BY id")
        return [User(UserId(identifier), Role(role), name) for identifier, role, name in rows]

    def token_digests(self) -> dict[UserId, str]:
        """Return the digest of each user's token."""
        return dict(self._database.read().execute("SELECT id, token_digest FROM users").fetchall())

    def replace_token(self, user_id: UserId, token_digest: str) -> None:
        """Replace a user's token; see `UserStore.replace_token`."""
        with self._database.write() as connection:
            changed = connection.execute("UPDATE users SET token_digest = ? WHERE id = ?", (token_digest, user_id))
            if not changed.rowcount:
                raise _unknown(user_id)

    def remove(self, user_id: UserId, *, last_admin: bool = False) -> None:
        """Remove a user; see `UserStore.remove`."""
        with self._database.write() as connection:
            removed = connection.execute("DELETE FROM users WHERE id = ? RETURNING role", (user_id,)).fetchall()
            if not removed:
                raise _unknown(user_id)
            admins = connection.execute("SELECT count(*) FROM users WHERE role = ?", (Role.ADMIN,)).fetchone()[0]
            if removed == [(Role.ADMIN,)] and not admins and not last_admin:
                # Raised inside the transaction, which is rolled back.
                raise LastAdmin(
                    f"{user_id} is the last admin: make another one first (`muster users add ID --role admin`), "
                    "or add --last-admin to remove this one all the same."
                )


def _unknown(user_id: UserId) -> UserNotFound:
    return UserNotFound(f"There is no user {user_id}: `muster users list` shows who there is.")
