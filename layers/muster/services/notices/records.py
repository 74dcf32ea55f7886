"""Contacts of students and sent notices, as documents that are erased with the student."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zlib import crc32

from muster.domain.absence_notices import Contact, NoticeKind, NoticeState, SentNotice
from muster.domain.documents import Document, DocumentKind
from muster.domain.errors import InvalidRequest, VersionConflict
from muster.domain.identifiers import SessionId, StudentId
from muster.domain.user import parse_email
from muster.services.notices.texts import LANGUAGES
from muster.storage.ports import DocumentStore

MAX_CONTACTS: Final = 10
MAX_KEPT: Final = 500
"""Notices of one student that are kept, the newest: two school years."""

MAX_KEPT_BYTES: Final = 250_000
"""Of one student's notices, below the limit of a document (300 kB)."""

LISTED_DAYS: Final = 400
"""Days for which notices are found by day; older ones are in the student's record only."""

_PARTS: Final = 4
"""Documents per day, so that 300 kB each are enough for 20,000 absent students with ids of ten characters."""

_ATTEMPTS: Final = 10
"""Processes that change the same day at once are few: a server, the command line, a function."""


class NoticeRecords:
    """Reads and writes contacts and notices.

    Notices are stored with the student. A list per day names the students, so that nobody has to read the notices of
    the whole school. It may name students without a notice, if a process was killed.
    """

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    def contacts(self, student_id: StudentId) -> tuple[Contact, ...]:
        """Return the addresses that receive notices about a student."""
        return _contacts(self._documents.get(DocumentKind.CONTACTS, student_id))

    def contacts_of(self, student_ids: Collection[StudentId]) -> dict[str, tuple[Contact, ...]]:
        """Return the contacts of several students; those without contacts are left out."""
        found = self._documents.get_many(DocumentKind.CONTACTS, student_ids)
        return {student: _contacts(document) for student, document in found.items()}

    def set_contacts(self, student_id: StudentId, contacts: Sequence[Contact]) -> tuple[Contact, ...]:
        """Replace the contacts of a student.

        Raises:
            StudentNotFound: nobody has this id.
            InvalidRequest: an address or a language is not one, or there are too many.
        """
        if len(contacts) > MAX_CONTACTS:
            raise InvalidRequest(f"A student can have {MAX_CONTACTS} contacts, not {len(contacts)}.")
        if unknown := {contact.language for contact in contacts} - set(LANGUAGES):
            raise InvalidRequest(f"There are no notices in {min(unknown)[:20]!r}: use {' or '.join(LANGUAGES)}.")
        checked = {parse_email(contact.address): contact.language for contact in contacts}
        body = {"contacts": [{"address": address, "language": language} for address, language in checked.items()]}
        stored = self._documents.get(DocumentKind.CONTACTS, student_id)
        return _contacts(self._documents.put(DocumentKind.CONTACTS, student_id, stored.version, body))

    def of_student(self, student_id: StudentId) -> tuple[int, list[SentNotice]]:
        """Return the notices about a student, oldest first, and the version for `put`."""
        document = self._documents.get(DocumentKind.NOTICES, student_id)
        return document.version, _notices(document)

    def find(self, since: date, until: date) -> list[SentNotice]:
        """Return all notices about a period of days, oldest first; of a longer period, the last `LISTED_DAYS`."""
        first = max(since, until - timedelta(days=LISTED_DAYS - 1))
        days = [first + timedelta(days=offset) for offset in range((until - first).days + 1)]
        listed = self._documents.get_many(
            DocumentKind.NOTICE_DAYS, [_day_id(day, part) for day in days for part in range(_PARTS)]
        )
        students = {StudentId(each["student_id"]) for document in listed.values() for each in _students(document)}
        documents = self._documents.get_many(DocumentKind.NOTICES, students)
        every = (notice for document in documents.values() for notice in _notices(document))
        return sorted((notice for notice in every if since <= notice.day <= until), key=lambda notice: notice.at)

    def put(self, student_id: StudentId, expected: int, notices: Sequence[SentNotice]) -> int:
        """Store the notices about a student; return the new version.

        Raises:
            VersionConflict: another process stored some.
            StudentNotFound: the student was erased.
        """
        kept = list(_fitting([_body(notice) for notice in notices[-MAX_KEPT:]]))
        return self._documents.put(DocumentKind.NOTICES, student_id, expected, {"notices": kept}).version

    def list_students(self, day: date, student_ids: Collection[StudentId]) -> None:
        """Add students to the list of a day.

        Raises:
            VersionConflict: other processes changed the list each time.
        """
        for part in range(_PARTS):
            self._change_day(day, part, {id for id in student_ids if _part(id) == part}, frozenset())

    def unlist_student(self, day: date, student_id: StudentId) -> None:
        """Remove a student who was erased from the list of a day.

        Raises:
            VersionConflict: other processes changed the list each time.
        """
        self._change_day(day, _part(student_id), frozenset(), {student_id})

    def _change_day(self, day: date, part: int, added: Collection[StudentId], removed: Collection[StudentId]) -> None:
        if not added and not removed:
            return
        for attempt in range(_ATTEMPTS):
            document = self._documents.get(DocumentKind.NOTICE_DAYS, _day_id(day, part))
            before = {each["student_id"] for each in _students(document)}
            after = (before | set(added)) - set(removed)
            if after == before:
                return
            body = {"students": [{"student_id": id} for id in sorted(after)]}
            try:
                self._documents.put(DocumentKind.NOTICE_DAYS, document.id, document.version, body)
            except VersionConflict:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            if not document.version:
                self._remove_old_days(day, part)
            return

    def _remove_old_days(self, day: date, part: int) -> None:
        """Remove lists that are too old. A gap as long as the summer holidays leaves none."""
        old = [_day_id(day - timedelta(days=LISTED_DAYS + offset), part) for offset in range(100)]
        for document in self._documents.get_many(DocumentKind.NOTICE_DAYS, old).values():
            try:
                self._documents.remove(DocumentKind.NOTICE_DAYS, document.id, document.version)
            except VersionConflict:
                # Removed by another process, or a student was erased; the next list removes it.
                continue


def _day_id(day: date, part: int) -> str:
    return f"{day.isoformat()}.{part}"


def _part(student_id: StudentId) -> int:
    return crc32(student_id.encode()) % _PARTS


def _students(document: Document) -> list[dict[str, str]]:
    students: list[dict[str, str]] = document.body.get("students", [])
    return students


def _fitting(bodies: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the newest notices that fit into a document, oldest first."""
    size, first = 0, len(bodies)
    while first > 0:
        size += len(json.dumps(bodies[first - 1], ensure_ascii=False).encode())
        if size > MAX_KEPT_BYTES:
            break
        first -= 1
    yield from bodies[first:]


def _contacts(document: Document) -> tuple[Contact, ...]:
    return tuple(Contact(each["address"], each["language"]) for each in document.body.get("contacts", ()))


def _notices(document: Document) -> list[SentNotice]:
    return [_read(StudentId(document.id), each) for each in document.body.get("notices", ())]


def _body(notice: SentNotice) -> dict[str, Any]:
    body = {
        "day": notice.day.isoformat(),
        "kind": notice.kind.value,
        "state": notice.state.value,
        "delivery_id": notice.delivery_id,
        "at": notice.at.isoformat(),
        "sessions": list(notice.sessions),
        "done": sorted(notice.done),
        "attempts": notice.attempts,
    }
    optional = {
        "unclear": sorted(notice.unclear),
        "reason": notice.reason,
        "name": notice.name,
        "tried_at": None if notice.tried_at is None else notice.tried_at.isoformat(),
    }
    return body | {name: value for name, value in optional.items() if value}


def _read(student_id: StudentId, body: dict[str, Any]) -> SentNotice:
    tried_at = body.get("tried_at")
    return SentNotice(
        student_id=student_id,
        day=date.fromisoformat(body["day"]),
        kind=NoticeKind(body["kind"]),
        state=NoticeState(body["state"]),
        delivery_id=body["delivery_id"],
        at=datetime.fromisoformat(body["at"]),
        sessions=tuple(map(SessionId, body["sessions"])),
        done=frozenset(body["done"]),
        attempts=body["attempts"],
        unclear=frozenset(body.get("unclear", ())),
        reason=body.get("reason", ""),
        name=body.get("name", ""),
        tried_at=None if tried_at is None else datetime.fromisoformat(tried_at),
    )
