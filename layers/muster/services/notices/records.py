"""Contacts of students and sent notices, as documents that are erased with the student."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from muster.domain.absence_notices import Contact, NoticeKind, NoticeState, SentNotice
from muster.domain.documents import Document, DocumentKind
from muster.domain.errors import InvalidRequest, StudentNotFound, VersionConflict
from muster.domain.identifiers import SessionId, StudentId
from muster.domain.user import parse_email
from muster.services.notices.days import NoticeDays
from muster.services.notices.texts import LANGUAGES
from muster.storage.ports import DocumentStore

MAX_CONTACTS: Final = 10
MAX_KEPT: Final = 500
"""Notices of one student that are kept, the newest: two school years."""

MAX_KEPT_BYTES: Final = 250_000
"""Of one student's notices, below the limit of a document (300 kB)."""


_ATTEMPTS: Final = 10
"""Processes that change the notices of one student at once are few."""


class NoticeRecords:
    """Reads and writes contacts and notices.

    Notices are stored with the student. A list per day names the students, so that nobody has to read the notices of
    the whole school.

    Attributes:
        days: these lists.
    """

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        self.days = NoticeDays(documents)

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
        students = self.days.students(since, until)
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

    def note_office(
        self, student_id: StudentId, day: date, told: Mapping[NoticeKind, Mapping[str, NoticeState]]
    ) -> None:
        """Store what became of the office's message about a student, by kind of notice and address.

        Nothing is stored for a student who was erased.

        Raises:
            VersionConflict: other processes changed the notices each time.
        """
        for attempt in range(_ATTEMPTS):
            version, notices = self.of_student(student_id)
            noted = [
                replace(notice, office={**notice.office, **told.get(notice.kind, {})}) if notice.day == day else notice
                for notice in notices
            ]
            if noted == notices:
                return
            try:
                self.put(student_id, version, noted)
            except StudentNotFound:
                return
            except VersionConflict:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return


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
        "office": {address: state.value for address, state in sorted(notice.office.items())},
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
        office={address: NoticeState(state) for address, state in body.get("office", {}).items()},
    )
