"""Guests of sessions: people who are there, but not in the group."""

import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from muster.domain.closing import check_open
from muster.domain.documents import DocumentKind
from muster.domain.errors import GuestNotFound, InvalidRequest, SessionNotFound, StudentNotFound, VersionConflict
from muster.domain.guests import MAX_CHANGES, MAX_GUESTS, Guest, GuestBook, GuestChange, Visit
from muster.domain.identifiers import SessionId, StudentId, UserId
from muster.domain.student import Student
from muster.services.roster.names import checked_name
from muster.storage.ports import DocumentStore, SessionStore, StudentStore

_ATTEMPTS = 10
"""Attempts under conflict; few people add guests to one session at once."""


class Guests:
    """Keeps the guests of sessions, in one document per session, so that each change is atomic.

    Guests have no mark: they count in no figure, and no photo decides about them or teaches their face.
    """

    def __init__(
        self,
        documents: DocumentStore,
        students: StudentStore,
        sessions: SessionStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._documents = documents
        self._students = students
        self._sessions = sessions
        self._now = now

    def of(self, session_id: SessionId) -> GuestBook:
        """Return the guests of a session, and the changes."""
        return GuestBook.of_json(self._documents.get(DocumentKind.GUESTS, session_id).body)

    def of_sessions(self, session_ids: Collection[SessionId]) -> dict[SessionId, tuple[Guest, ...]]:
        """Return the guests of the sessions that have some."""
        found = self._documents.get_many(DocumentKind.GUESTS, session_ids)
        books = {SessionId(id): GuestBook.of_json(document.body).guests for id, document in found.items()}
        return {id: guests for id, guests in books.items() if guests}

    def visits(self, student_id: StudentId) -> list[Visit]:
        """Return what is kept about a student as a guest."""
        found = []
        for document in self._documents.of_kind(DocumentKind.GUESTS):
            book = GuestBook.of_json(document.body)
            guest = next((guest for guest in book.guests if guest.student_id == student_id), None)
            changes = tuple(change for change in book.changes if change.guest.student_id == student_id)
            if guest is not None or changes:
                found.append(Visit(SessionId(document.id), guest, changes))
        return found

    def add(self, session_id: SessionId, name: str, by: UserId, student: Student | None = None) -> Guest:
        """Add a guest.

        A student who is a guest of the session already is not added again.

        Args:
            name: may be empty if there is a student.
            student: the guest's record, which the caller may see.

        Raises:
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed.
            InvalidRequest: the name is malformed, the student is in the group, or there are too many guests.
            StudentNotFound: the student was erased by then.
        """
        shown = checked_name(name or (student.name if student is not None else ""), "guest")
        linked = None if student is None else student.id
        group_id = self._sessions.get(session_id).group_id
        if student is not None and group_id in student.groups:
            raise InvalidRequest(f"{student.id} is in the group {group_id}. Mark the student instead.")
        new = Guest(id=secrets.token_hex(6), name=shown, student_id=linked, by=by, at=self._now())

        def added(book: GuestBook) -> GuestBook:
            if linked is not None and any(guest.student_id == linked for guest in book.guests):
                return book
            if len(book.guests) >= MAX_GUESTS:
                raise InvalidRequest(f"A session has at most {MAX_GUESTS} guests.")
            change = GuestChange(at=new.at, by=by, added=True, guest=new)
            return GuestBook((*book.guests, new), (*book.changes, change))

        book = self._change(session_id, added)
        if linked is None:
            return new
        try:
            self._students.get(linked)
        except StudentNotFound:
            # Erased while the guest was added.
            with suppress(SessionNotFound):
                self._change(session_id, lambda book: _without(book, linked), closed_too=True)
            raise
        return next((guest for guest in book.guests if guest.student_id == linked), new)

    def remove(self, session_id: SessionId, guest_id: str, by: UserId) -> None:
        """Remove a guest; the changes say who did.

        Raises:
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed.
            GuestNotFound: the session has no such guest.
        """

        def removed(book: GuestBook) -> GuestBook:
            for guest in book.guests:
                if guest.id == guest_id:
                    change = GuestChange(at=self._now(), by=by, added=False, guest=guest)
                    guests = tuple(other for other in book.guests if other.id != guest_id)
                    return GuestBook(guests, (*book.changes, change))
            raise GuestNotFound("This guest is no longer in the session. Read the list again.")

        self._change(session_id, removed)

    def forget(self, session_id: SessionId) -> None:
        """Remove the guests and changes of a session that is removed."""
        for _ in range(_ATTEMPTS):
            document = self._documents.get(DocumentKind.GUESTS, session_id)
            if not document.version:
                return
            with suppress(VersionConflict):
                self._documents.remove(DocumentKind.GUESTS, session_id, document.version)
                return
        raise VersionConflict("The guests of this session are being changed by several people. Try again.")

    def _change(
        self, session_id: SessionId, change: Callable[[GuestBook], GuestBook], *, closed_too: bool = False
    ) -> GuestBook:
        for _ in range(_ATTEMPTS):
            session = self._sessions.get(session_id)
            if not closed_too:
                check_open(session)
            document = self._documents.get(DocumentKind.GUESTS, session_id)
            before = GuestBook.of_json(document.body)
            after = change(before)
            if after == before:
                return after
            if len(after.changes) > MAX_CHANGES:
                raise InvalidRequest(f"The guests of a session can be changed at most {MAX_CHANGES} times.")
            try:
                self._documents.put(DocumentKind.GUESTS, session_id, document.version, after.to_json())
            except VersionConflict:
                continue
            self._check_not_removed(session_id)
            return after
        raise VersionConflict("The guests of this session are being changed by several people. Try again.")

    def _check_not_removed(self, session_id: SessionId) -> None:
        try:
            self._sessions.get(session_id)
        except SessionNotFound:
            # Removed while its guests were changed.
            self.forget(session_id)
            raise


def _without(book: GuestBook, student_id: StudentId) -> GuestBook:
    return replace(
        book,
        guests=tuple(guest for guest in book.guests if guest.student_id != student_id),
        changes=tuple(change for change in book.changes if change.guest.student_id != student_id),
    )
