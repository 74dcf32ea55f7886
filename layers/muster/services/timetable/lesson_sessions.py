"""The registers of lessons: which lesson a photo belongs to, and the session of a lesson."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from muster.domain.attendance import LessonDetails, Session
from muster.domain.documents import SCHOOL, DocumentKind
from muster.domain.errors import LessonNotFound
from muster.domain.identifiers import GroupId, SessionId
from muster.domain.timetable import Occurrence, is_lesson_session, occurrences
from muster.services.timetable.bodies import read_calendar, read_lessons
from muster.storage.ports import DocumentStore, SessionStore

_SAME_LESSON = timedelta(hours=12)
"""A photo that is sent again within this time belongs to the same lesson; its next occurrence is a day later."""


@dataclass(frozen=True, slots=True)
class LessonSessions:
    """Finds the lessons of a group at a moment."""

    documents: DocumentStore
    sessions: SessionStore
    zone: ZoneInfo
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def join(self, group_id: GroupId, digests: Collection[str], now: datetime) -> SessionId | None:
        """Return the register that photos without a session belong to, or None if the group has no lesson now.

        Photos that a register of the group already holds stay with it, so that a repeated request changes nothing.

        Args:
            digests: SHA-256 of the photos.
        """
        for digest in sorted(digests):
            for session in self.sessions.with_photo(digest):
                recent = abs(session.started_at - now) < _SAME_LESSON
                if session.group_id == group_id and recent and is_lesson_session(session.id):
                    return session.id
        current = self.current(group_id, now)
        return None if current is None else current.session_id

    def current(self, group_id: GroupId, now: datetime) -> Occurrence | None:
        """Return the lesson of a group that is now; if one ends as another begins, the one in progress."""
        found = [each for each in self._around(group_id, now) if each.is_now(now)]
        in_progress = [each for each in found if each.starts_at <= now]
        return next(iter([*reversed(in_progress), *found]), None)

    def new_session(self, group_id: GroupId, session_id: SessionId, started_at: datetime) -> Session:
        """Return a session to open: with the times of its lesson if the id is that of a lesson's register.

        Raises:
            LessonNotFound: the id has the form of a lesson's register, and the group has no such lesson around that
                day. Otherwise one class could take the register of another class's lesson.
        """
        if not is_lesson_session(session_id):
            return Session(session_id, group_id, started_at)
        for occurrence in self._around(group_id, started_at):
            if occurrence.session_id == session_id:
                return session_of(occurrence, started_at)
        raise LessonNotFound(
            f"The group {group_id} has no lesson with the register {session_id} around this day. Read the lessons of "
            "the day again, or leave out the session's id."
        )

    def _around(self, group_id: GroupId, moment: datetime) -> list[Occurrence]:
        """Return the lessons of the day before, of the day and of the day after, in the school's zone."""
        lessons = read_lessons(group_id, self.documents.get(DocumentKind.LESSONS, group_id).body)
        if not lessons:
            return []
        calendar = read_calendar(self.documents.get(DocumentKind.TERMS, SCHOOL).body)
        today = moment.astimezone(self.zone).date()
        days = [today + timedelta(days=offset) for offset in (-1, 0, 1)]
        return [each for day in days for each in occurrences(lessons, calendar, day, self.zone)]


def session_of(occurrence: Occurrence, now: datetime) -> Session:
    """Return the session of a lesson's register, to be opened now."""
    lesson = occurrence.lesson
    details = LessonDetails(
        lesson_id=lesson.id,
        subject=lesson.subject,
        room=lesson.room,
        teacher=lesson.teacher,
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
    )
    return Session(occurrence.session_id, lesson.group_id, occurrence.started_at(now), lesson=details)
