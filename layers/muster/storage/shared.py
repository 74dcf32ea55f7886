"""Limits and errors that both stores share."""

from datetime import timedelta

from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session
from muster.domain.errors import HeadConflict, IdempotencyKeyReused, InvalidRequest, RequestUnderWay, VersionConflict
from muster.domain.identifiers import StudentId
from muster.domain.student import MAX_GROUPS, Student

RESPONSE_LIFETIME = timedelta(days=1)
"""Longer than any phone retries."""

MAX_RESPONSE_BYTES = 256_000
"""Below the 400 kB limit of a DynamoDB item."""


def absent_at_start(session: Session, student: StudentId) -> Mark:
    """Return the mark of a student when a session is opened."""
    return Mark(student, MarkStatus.ABSENT, MarkSource.PHOTO, session.started_at)


def check_groups(student: Student) -> None:
    """Refuse a student in more groups than a store can write at once.

    Raises:
        InvalidRequest: there are more than `MAX_GROUPS`.
    """
    if len(student.groups) > MAX_GROUPS:
        raise InvalidRequest(f"A student can be in at most {MAX_GROUPS} groups, not {len(student.groups)}.")


def key_reused() -> IdempotencyKeyReused:
    """Return the error for a key that was used for a different request."""
    return IdempotencyKeyReused("This Idempotency-Key was used for a different request. Use a new key.")


def request_in_progress() -> RequestUnderWay:
    """Return the error for a repeated request whose first attempt is still in progress."""
    return RequestUnderWay("The same request is still in progress. Try again in a few seconds.")


def changed_concurrently(record: str) -> VersionConflict:
    """Return the error for a record, such as "The group 7b", whose version is not the expected one."""
    return VersionConflict(f"{record} was changed by someone else. Read it again, then repeat the change.")


def promoted_concurrently() -> HeadConflict:
    """Return the error for a current head that is not the expected one."""
    return HeadConflict("Another head was promoted first. Check which one is current, then try again.")
