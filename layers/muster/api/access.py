"""Access control: admins may do everything, teachers may act on their own groups."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime

from muster.domain.actor import Actor
from muster.domain.api_token import ApiToken
from muster.domain.attendance import Session
from muster.domain.errors import NotAllowed, SessionNotFound, StudentNotFound
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.student import Student
from muster.domain.substitute import AUDIT_PREFIX, Substitute
from muster.domain.timetable import is_lesson_session
from muster.domain.user import Role
from muster.storage.ports import GroupStore, SessionStore, StudentStore


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated user, or another system with an API token.

    Attributes:
        name: for display, if known.
        token: the API token; None for a person.
        substitute: access for one day; None for everybody else.
    """

    user_id: UserId
    role: Role
    name: str | None = None
    token: ApiToken | None = None
    substitute: Substitute | None = None

    @classmethod
    def of_token(cls, token: ApiToken) -> "Principal":
        """Return the principal for an API token. A token for all groups counts as an admin within its scopes."""
        role = Role.ADMIN if token.groups is None else Role.TEACHER
        return cls(token.user_id, role, token.name, token)

    @classmethod
    def of_substitute(cls, substitute: Substitute) -> "Principal":
        """Return the principal for a substitute, who counts as a teacher of the code's groups."""
        return cls(substitute.user_id, Role.TEACHER, substitute.name, substitute=substitute)

    @property
    def log_id(self) -> str:
        """The id for logs, which name no substitute."""
        return self.user_id if self.substitute is None else AUDIT_PREFIX + self.substitute.id


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
            self._own = frozenset(group.id for group in self._groups.find() if self._teaches(group))
        return self._own

    def _teaches(self, group: Group) -> bool:
        substitute = self.principal.substitute
        if substitute is not None:
            return group.id in substitute.groups
        return self.principal.user_id in group.teachers

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
        self.at(session.started_at)
        return session

    def at(self, moment: datetime | None) -> None:
        """Check that the caller may see and open sessions of this time; a substitute may on their day only.

        Raises:
            NotAllowed: a substitute's access has another day.
        """
        substitute = self.principal.substitute
        if substitute is not None and moment is not None and not substitute.covers(moment):
            raise _other_day(substitute)

    def on(self, day: date) -> None:
        """Check that the caller may see and open the lessons of a day.

        Raises:
            NotAllowed: a substitute's access has another day.
        """
        substitute = self.principal.substitute
        if substitute is not None and day != substitute.day:
            raise _other_day(substitute)

    def within(self, since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
        """Return the part of a period whose sessions the caller may see: from `since`, before `until`."""
        substitute = self.principal.substitute
        if substitute is None:
            return since, until
        first = max(since or substitute.starts_at, substitute.starts_at)
        # Stores refuse a period that ends before it starts.
        return first, max(first, min(until or substitute.expires_at, substitute.expires_at))

    def photos_of(self, session_id: SessionId | None) -> None:
        """Check that the caller may add photos to a session, whether or not it exists.

        A photo opens the register of a lesson on the lesson's day, which may be another. A substitute opens it first.

        Raises:
            NotAllowed: a substitute's access has another day, or the register of a lesson is not open.
        """
        substitute = self.principal.substitute
        if substitute is None or session_id is None:
            return
        try:
            self.at(self._sessions.get(session_id).started_at)
        except SessionNotFound:
            if is_lesson_session(session_id):
                raise _other_day(substitute) from None

    def opens(self, session_id: SessionId | None, lessons: Callable[[date], Collection[SessionId]]) -> None:
        """Check that the caller may open a session with this id.

        Args:
            lessons: returns the ids of the registers of a day's lessons.

        Raises:
            NotAllowed: a substitute's access has another day than the lesson.
        """
        substitute = self.principal.substitute
        if substitute is None or session_id is None or not is_lesson_session(session_id):
            return
        if session_id not in lessons(substitute.day):
            raise _other_day(substitute)

    def member_of_staff(self) -> None:
        """Check that the caller has more than a substitute's access.

        Raises:
            NotAllowed: the caller is a substitute.
        """
        if self.principal.substitute is not None:
            raise not_for_substitutes()

    def knows_students(self) -> bool:
        """Return whether templates may learn from faces that the caller names."""
        return self.principal.substitute is None


def not_for_substitutes() -> NotAllowed:
    """Return the error for what substitutes may not do."""
    return NotAllowed("A substitute keeps the registers of one day only. Ask a teacher or an admin to do this.")


def _other_day(substitute: Substitute) -> NotAllowed:
    return NotAllowed(f"This isn't on {substitute.day}, the day of your access. Ask a teacher or an admin.")


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
