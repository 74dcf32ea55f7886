"""Access control: admins may do everything, teachers may act on their own groups."""

from collections.abc import Collection
from dataclasses import dataclass

from muster.domain.actor import Actor
from muster.domain.api_token import ApiToken
from muster.domain.attendance import Session
from muster.domain.errors import NotAllowed, SessionNotFound, StudentNotFound
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.student import Student
from muster.domain.user import Role
from muster.storage.ports import GroupStore, SessionStore, StudentStore


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated user, or another system with an API token.

    Attributes:
        name: for display, if known.
        token: the API token; None for a person.
    """

    user_id: UserId
    role: Role
    name: str | None = None
    token: ApiToken | None = None

    @classmethod
    def of_token(cls, token: ApiToken) -> "Principal":
        """Return the principal for an API token. A token for all groups counts as an admin within its scopes."""
        role = Role.ADMIN if token.groups is None else Role.TEACHER
        return cls(token.user_id, role, token.name, token)


class Access:
    """Checks what one caller may see and do. Each route calls one of the methods first.

    A teacher gets the same response for a resource of another group and for one that does not exist, so that ids
    cannot be guessed.
    """

    def __init__(
        self, principal: Principal, groups: GroupStore, students: StudentStore, sessions: SessionStore
    ) -> None:
        self.principal = principal
        self._groups = groups
        self._students = students
        self._sessions = sessions
        self._own: frozenset[GroupId] | None = None

    def admin(self) -> None:
        """Check that the caller is an admin.

        Raises:
            NotAllowed: the caller is not an admin.
        """
        if self.principal.role is not Role.ADMIN:
            raise NotAllowed("Only an admin can do this. Ask one.")

    def groups(self) -> frozenset[GroupId] | None:
        """Return the groups that the caller may see; None means all."""
        if self.principal.role is Role.ADMIN:
            return None
        if self.principal.token is not None:
            return self.principal.token.groups
        if self._own is None:
            self._own = frozenset(group.id for group in self._groups.find() if self.principal.user_id in group.teachers)
        return self._own

    def actor(self) -> Actor:
        """Return the caller in the form that the services take."""
        return Actor(self.principal.user_id, self.groups())

    def group(self, group_id: GroupId) -> None:
        """Check that the caller may see a group.

        Raises:
            NotAllowed: the caller does not teach it.
        """
        self.any_of([group_id])

    def any_of(self, group_ids: Collection[GroupId]) -> None:
        """Check that the caller may see at least one of the groups.

        Raises:
            NotAllowed: the caller teaches none of them.
        """
        self.actor().check(group_ids)

    def student(self, student_id: StudentId) -> Student:
        """Return a student if the caller may see them.

        Raises:
            StudentNotFound: no student has this id, and the caller is an admin.
            NotAllowed: the caller teaches none of the student's groups.
        """
        try:
            student = self._students.get(student_id)
        except StudentNotFound:
            self.any_of(())
            raise
        self.any_of(student.groups)
        return student

    def session(self, session_id: SessionId) -> Session:
        """Return a session if the caller may see it.

        Raises:
            SessionNotFound: no session has this id, and the caller is an admin.
            NotAllowed: the caller does not teach its group.
        """
        try:
            session = self._sessions.get(session_id)
        except SessionNotFound:
            self.any_of(())
            raise
        self.group(session.group_id)
        return session


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Returns what a caller may do with the groups, students and sessions of these stores."""

    groups: GroupStore
    students: StudentStore
    sessions: SessionStore

    def of(self, caller: Principal) -> Access:
        """Return a caller's access.

        Raises:
            NotAllowed: the user has no role.
        """
        return Access(caller, self.groups, self.students, self.sessions)
