"""Closing and reopening of registers."""

from collections.abc import Callable
from datetime import UTC, datetime

from muster.domain.attendance import MarkStatus, Session
from muster.domain.closing import close_register, reopen_register
from muster.domain.corrections import Correction
from muster.domain.identifiers import SessionId, UserId
from muster.services.roll_call.corrections import Corrections
from muster.storage.ports import SessionStore


class Registers:
    """Closes and reopens registers. A repeated request changes nothing."""

    def __init__(
        self,
        sessions: SessionStore,
        corrections: Corrections,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sessions = sessions
        self._corrections = corrections
        self._now = now

    def close(
        self,
        session_id: SessionId,
        by: UserId,
        expected: int | None = None,
        *,
        unanswered: MarkStatus | None = None,
    ) -> Session:
        """Close a register: its marks, photos and faces do not change until it is reopened.

        Args:
            unanswered: the status of students in review; None refuses to close while there are any.

        Raises:
            SessionNotFound: no session has this id.
            QuestionsOpen: students are in review.
            RegisterNotTaken: nobody was present, and not every mark was set by hand.
            VersionConflict: the session has a different version.
        """

        def correction(session: Session) -> Correction:
            photos, marks = self._sessions.photos(session_id), self._sessions.marks(session_id)
            return close_register(session, photos, marks, by=by, at=self._now(), unanswered=unanswered)

        return self._corrections.amend(session_id, expected, correction, closed_too=True)

    def reopen(self, session_id: SessionId, by: UserId, reason: str, expected: int | None = None) -> Session:
        """Reopen a register; the reason is kept with the session's changes.

        Raises:
            SessionNotFound: no session has this id.
            InvalidRequest: there is no reason, or it is too long.
            VersionConflict: the session has a different version.
        """

        def correction(session: Session) -> Correction:
            return reopen_register(session, by=by, at=self._now(), reason=reason)

        return self._corrections.amend(session_id, expected, correction, closed_too=True)
