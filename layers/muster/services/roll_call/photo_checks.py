"""Checks that photos belong to their roll call. The sender can override a doubt with `use_anyway`."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from muster.domain.attendance import Session
from muster.domain.errors import (
    IsRegistrationPhoto,
    MusterError,
    PhotoFromAnotherDay,
    PhotoUsedBefore,
    SessionNotFound,
)
from muster.domain.identifiers import GroupId, SessionId, StudentId
from muster.storage.ports import SessionStore
from muster.vision.capture_time import capture_time

SAME_DAY = timedelta(hours=6)
"""Times this close count as one day: an evening class may run past midnight, and a clock may be wrong."""

_REMEDY = "Take a new photo, or confirm with `use_anyway` (`--use-anyway`) that it belongs to this roll call."


class PhotoChecks:
    """Detects photos that were used before, taken on another day, or taken for a registration.

    Args:
        zone: the school's time zone, in which days begin and end.
    """

    def __init__(self, sessions: SessionStore, zone: tzinfo) -> None:
        self._sessions = sessions
        self._zone = zone

    def derived_session(
        self, group_id: GroupId, digests: Collection[str], now: datetime, use_anyway: bool
    ) -> SessionId:
        """Return the session derived from these photos, so that the same request twice is one session.

        Photos that are sent again on another day count as used before. If the sender overrides this, they get a
        session of that day.

        Raises:
            PhotoUsedBefore: the photos' session was on another day, and `use_anyway` is not set.
        """
        first = _derived(group_id, digests)
        session = self._find(first)
        if session is None or self._is_same_day(session.started_at, now):
            return first
        if not use_anyway:
            raise PhotoUsedBefore(
                f"These photos were used before, in the roll call of {self._spoken(session.started_at)}. {_REMEDY}"
            )
        today = now.astimezone(self._zone).date()
        # Close to midnight, the session may have been opened the day before.
        begun = _derived(group_id, digests, f"{today - timedelta(days=1)}")
        session = self._find(begun)
        if session is not None and self._is_same_day(session.started_at, now):
            return begun
        return _derived(group_id, digests, f"{today}")

    def check(
        self,
        session: Session,
        photos: Mapping[str, bytes],
        registration_photos: Mapping[str, StudentId],
        visible_groups: Collection[GroupId] | None,
    ) -> None:
        """Refuse photos that seem not to belong to a session. Photos that it already has are accepted.

        Args:
            session: stored, or about to be opened.
            photos: the encoded pictures by SHA-256 digest.
            registration_photos: the group's students by the digest of their registration photo.
            visible_groups: other groups whose roll calls the sender may see; None means all.

        Raises:
            IsRegistrationPhoto, PhotoUsedBefore, PhotoFromAnotherDay: a photo seems to belong elsewhere.
        """
        for number, (digest, image) in enumerate(photos.items(), start=1):
            holders = self._sessions.with_photo(digest)
            if any(holder.id == session.id for holder in holders):
                continue
            doubt = (
                self._registration(digest, registration_photos)
                or self._use_before(session, holders, visible_groups)
                or self._other_day(session, image)
            )
            if doubt is not None:
                which = f"Photo {number} of {len(photos)}" if len(photos) > 1 else "This photo"
                raise type(doubt)(f"{which} {doubt}. {_REMEDY}")

    def _registration(self, digest: str, registration_photos: Mapping[str, StudentId]) -> MusterError | None:
        student = registration_photos.get(digest)
        return None if student is None else IsRegistrationPhoto(f"is the registration photo of {student}")

    def _use_before(
        self, session: Session, holders: Sequence[Session], visible_groups: Collection[GroupId] | None
    ) -> MusterError | None:
        if not holders:
            return None
        for holder in reversed(holders):
            if visible_groups is None or holder.group_id in {session.group_id, *visible_groups}:
                when = self._spoken(holder.started_at)
                return PhotoUsedBefore(f"was used before, in the roll call of {holder.group_id} of {when}")
        return PhotoUsedBefore("was used before, in another roll call")

    def _other_day(self, session: Session, image: bytes) -> MusterError | None:
        taken = capture_time(image, self._zone)
        if taken is None or self._is_same_day(taken, session.started_at):
            return None
        started = self._spoken(session.started_at)
        return PhotoFromAnotherDay(
            f"was taken on {self._spoken(taken)} according to its metadata, but the roll call is on {started}"
        )

    def _is_same_day(self, one: datetime, other: datetime) -> bool:
        days = {moment.astimezone(self._zone).date() for moment in (one, other)}
        return len(days) == 1 or abs(one - other) <= SAME_DAY

    def _spoken(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        return f"{local.day} {local:%B %Y, %H:%M}"

    def _find(self, session_id: SessionId) -> Session | None:
        try:
            return self._sessions.get(session_id)
        except SessionNotFound:
            return None


def _derived(group_id: GroupId, digests: Collection[str], *day: str) -> SessionId:
    return SessionId(hashlib.sha256("/".join([group_id, *sorted(set(digests)), *day]).encode()).hexdigest()[:32])
