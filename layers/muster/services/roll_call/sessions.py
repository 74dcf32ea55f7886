"""Opening and reading of sessions."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from muster.domain.actor import OPERATOR, Actor
from muster.domain.attendance import Change, Mark, RollCall, Session, SessionPhoto
from muster.domain.corrections import students_marked_by_people
from muster.domain.errors import (
    GroupNotFound,
    InvalidRequest,
    SessionExists,
    SessionNotFound,
    SessionOfOtherGroup,
    StudentNotFound,
)
from muster.domain.identifiers import GroupId, SessionId, StudentId, new_session_id
from muster.domain.taken import CLOCK_TOLERANCE, is_taken, visible_marks
from muster.services.roll_call.absences import PlannedMarks, nothing_planned
from muster.services.roll_call.questions import Question, questions_of
from muster.storage.ports import GroupStore, SessionStore, StudentStore

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)


RECENT = timedelta(minutes=15)
"""How long after its start a roll call is offered for further photos of the same group."""


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """A session with its photos and marks.

    Attributes:
        photos: in the order received.
        taken: whether the session is taken; if not, nobody is absent.
        marks: the visible marks, by student id.
        by_people: students whose mark a person set or caused.
        names: names of its students.
    """

    session: Session
    photos: tuple[SessionPhoto, ...]
    taken: bool
    marks: tuple[Mark, ...]
    by_people: frozenset[StudentId]
    names: Mapping[StudentId, str]


@dataclass(frozen=True, slots=True)
class SessionOverview:
    """A session in a list: its visible marks, and whether it is taken."""

    session: Session
    taken: bool
    marks: tuple[Mark, ...]


class Sessions:
    """Opens and reads sessions."""

    def __init__(
        self,
        students: StudentStore,
        sessions: SessionStore,
        groups: GroupStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_session: Callable[[GroupId, SessionId, datetime], Session] | None = None,
        planned: PlannedMarks = nothing_planned,
    ) -> None:
        self._students = students
        self._sessions = sessions
        self._groups = groups
        self._now = now
        self._new_session = new_session or _plain_session
        self._planned = planned

    def open(
        self,
        group_id: GroupId,
        session_id: SessionId | None = None,
        started_at: datetime | None = None,
        actor: Actor = OPERATOR,
    ) -> SessionDetail:
        """Open a session before its photos. Until somebody is present, it is not taken and nobody is absent.

        Planned absences are marked.

        Args:
            session_id: None makes a new one.
            started_at: with its offset from UTC; None means now.

        Raises:
            GroupNotFound: the group has no record and no students.
            SessionExists: the id is taken by a session that the actor may see.
            NotAllowed: the id is taken by a session that the actor may not see.
            LessonNotFound: the id is that of a lesson's register, and the group has no such lesson around that day.
            InvalidRequest: the time has no offset, or lies before 1970 or after 2999.
        """
        roster = self._students.find(group_id)
        if not roster:
            self._check_known(group_id)
        session = self._new_session(group_id, session_id or new_session_id(), _checked_time(started_at or self._now()))
        try:
            ids = [student.id for student in roster]
            self._sessions.create(session, ids, list(self._planned(session, ids).values()))
        except SessionExists:
            actor.check([self._sessions.get(session.id).group_id])
            raise
        return self.get(session.id)

    def check_group(self, session_id: SessionId, group_id: GroupId, actor: Actor) -> None:
        """Refuse a session of another group; see `check_group`. An unused id is accepted."""
        try:
            session = self._sessions.get(session_id)
        except SessionNotFound:
            return
        check_group(session, group_id, actor)

    def get(self, session_id: SessionId) -> SessionDetail:
        """Return a session with its photos and marks.

        Raises:
            SessionNotFound: no session has this id.
        """
        session = self._sessions.get(session_id)
        photos, marks = self._sessions.photos(session_id), self._sessions.marks(session_id)
        overview = self._overview(RollCall(session, tuple(marks)))
        return SessionDetail(
            session=session,
            photos=tuple(photos),
            taken=overview.taken,
            marks=overview.marks,
            by_people=students_marked_by_people(marks, self._sessions.changes(session_id)),
            names=self._names(session.group_id, marks),
        )

    def find(
        self, group_ids: Iterable[GroupId], since: datetime | None = None, until: datetime | None = None
    ) -> list[Session]:
        """Return the sessions of the groups started from `since` and before `until`, oldest first."""
        found = [session for group_id in group_ids for session in self._sessions.of_group(group_id, since, until)]
        return sorted(found, key=lambda session: (session.started_at, session.id))

    def recent(self, group_id: GroupId) -> list[Session]:
        """Return the sessions of a group that started within the last quarter of an hour, newest first."""
        now = self._now()
        return self.find([group_id], now - RECENT, now + CLOCK_TOLERANCE)[::-1]

    def with_marks(self, sessions: Sequence[Session]) -> list[SessionOverview]:
        """Return sessions with their marks, in a few reads; sessions that were removed by then are left out."""
        of_group: dict[GroupId, list[datetime]] = {}
        for session in sessions:
            of_group.setdefault(session.group_id, []).append(session.started_at)
        found = {
            roll_call.session.id: roll_call
            for group_id, times in of_group.items()
            for roll_call in self._sessions.roll_calls(group_id, min(times), max(times) + timedelta(microseconds=1))
        }
        return [self._overview(found[session.id]) for session in sessions if session.id in found]

    def changes(self, session_id: SessionId) -> list[Change]:
        """Return what people changed in a session, oldest first.

        Raises:
            SessionNotFound: no session has this id.
        """
        return self._sessions.changes(session_id)

    def questions(self, session_id: SessionId) -> list[Question]:
        """Return one question for each student in review, the likeliest first.

        Raises:
            SessionNotFound: no session has this id.
        """
        group_id = self._sessions.get(session_id).group_id
        roster = {student.id: student for student in self._students.find(group_id)}
        return questions_of(self._sessions.photos(session_id), self._sessions.marks(session_id), roster)

    def _overview(self, roll_call: RollCall) -> SessionOverview:
        now = self._now()
        taken = is_taken(roll_call.session, roll_call.marks, now)
        return SessionOverview(roll_call.session, taken, visible_marks(roll_call, now))

    def _names(self, group_id: GroupId, marks: Collection[Mark]) -> dict[StudentId, str]:
        names = {student.id: student.name for student in self._students.find(group_id)}
        for student_id in {mark.student_id for mark in marks} - names.keys():
            try:
                names[student_id] = self._students.get(student_id).name
            except StudentNotFound:
                # Erased since the marks were read.
                continue
        return names

    def _check_known(self, group_id: GroupId) -> None:
        try:
            self._groups.get(group_id)
        except GroupNotFound as error:
            raise GroupNotFound(f"There is no group {group_id}. Create it, or add students to it, first.") from error


def _plain_session(group_id: GroupId, session_id: SessionId, started_at: datetime) -> Session:
    return Session(session_id, group_id, started_at)


def check_group(session: Session, group_id: GroupId, actor: Actor) -> None:
    """Refuse a session of another group.

    Raises:
        SessionOfOtherGroup: the actor may see that group; the message names it.
        NotAllowed: the actor may not see it.
    """
    if session.group_id != group_id:
        actor.check([session.group_id])
        raise SessionOfOtherGroup(
            f"The session {session.id} belongs to the group {session.group_id}. Name that group, "
            "or leave out the session to open another."
        )


def _checked_time(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidRequest("Give the time with its offset from UTC, such as 2026-09-01T08:15:00+02:00.")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.max.replace(tzinfo=UTC)
    if not _EARLIEST <= moment < _LATEST:
        raise InvalidRequest("The time must be between 1970 and 2999.")
    return moment
