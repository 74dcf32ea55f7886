"""Closing and reopening of registers."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from muster.domain.attendance import Change, Closing, Mark, MarkStatus, RegisterChange, Session, SessionPhoto
from muster.domain.corrections import Correction, MarkByHand, check_text, set_marks
from muster.domain.errors import InvalidRequest, QuestionsOpen, RegisterClosed, RegisterNotTaken
from muster.domain.identifiers import UserId
from muster.domain.taken import is_taken


def close_register(
    session: Session,
    photos: Iterable[SessionPhoto],
    marks: Collection[Mark],
    *,
    by: UserId,
    at: datetime,
    unanswered: MarkStatus | None = None,
) -> Correction:
    """Close a register; nothing changes if it is closed.

    Args:
        unanswered: the status to set for students in review; None refuses to close while there are any.

    Raises:
        QuestionsOpen: students are in review.
        RegisterNotTaken: nobody was present, and not every mark was set by hand.
    """
    if session.closed is not None:
        return Correction()
    in_review = [mark.student_id for mark in marks if mark.status is MarkStatus.REVIEW]
    if in_review and unanswered is None:
        questions = "1 question is" if len(in_review) == 1 else f"{len(in_review)} questions are"
        raise QuestionsOpen(
            f"{questions} open. Answer the questions, or close the register with these students marked absent."
        )
    answers = {} if unanswered is None else {student: MarkByHand(status=unanswered) for student in in_review}
    answered = set_marks(answers, photos, marks, by=by, at=at)
    final = {mark.student_id: mark for mark in (*marks, *answered.marks)}
    if not is_taken(session, final.values(), at):
        raise RegisterNotTaken(
            "The register is not taken yet: take a photo, or mark the students by hand, before you close it."
        )
    return replace(answered, changes=(*answered.changes, RegisterChange(at, by, closed=True)))


def reopen_register(session: Session, *, by: UserId, at: datetime, reason: str) -> Correction:
    """Reopen a register; nothing changes if it is open.

    Args:
        reason: why, kept with the session's changes.

    Raises:
        InvalidRequest: there is no reason, or it is too long.
    """
    if not reason.strip():
        raise InvalidRequest("Give a reason for reopening the register.")
    check_text(reason, "reason")
    if session.closed is None:
        return Correction()
    return Correction(changes=(RegisterChange(at, by, closed=False, reason=reason.strip()),))


def check_open(session: Session) -> None:
    """Refuse to change a closed register.

    Raises:
        RegisterClosed: it is closed.
    """
    if session.closed is not None:
        raise RegisterClosed("The register is closed. Reopen it, and give the reason, to change it.")


def begin_removal(session: Session, *, by: UserId, at: datetime) -> Correction:
    """Close an open register because its session is being removed; nothing changes if that was begun before.

    Raises:
        RegisterClosed: a person closed it.
    """
    check_removable(session)
    if session.closed is not None:
        return Correction()
    return Correction(changes=(RegisterChange(at, by, closed=True, removal=True),))


def check_removable(session: Session) -> None:
    """Refuse to remove a register that a person closed.

    Raises:
        RegisterClosed: a person closed it.
    """
    if session.is_closed:
        check_open(session)


def after_changes(session: Session, changes: Iterable[Change]) -> Session:
    """Return a session as changes leave it: closed or open.

    Raises:
        RegisterClosed: it is closed, and none of the changes reopens it.
    """
    of_register = [change for change in changes if isinstance(change, RegisterChange)]
    if not of_register:
        check_open(session)
        return session
    last = of_register[-1]
    return replace(session, closed=Closing(last.at, last.by, last.removal) if last.closed else None)
