"""Lists of the students with notices of a day, and the lines that the office still has to get."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from zlib import crc32

from muster.domain.absence_notices import NoticeKind
from muster.domain.documents import Document, DocumentKind
from muster.domain.errors import VersionConflict
from muster.domain.identifiers import StudentId
from muster.storage.ports import DocumentStore

LISTED_DAYS: Final = 400
"""Days for which notices are found by day; older ones are in the student's record only."""

_PARTS: Final = 4
"""Documents per day, so that 300 kB each are enough for 20,000 absent students with ids of ten characters."""

_ATTEMPTS: Final = 10
"""Processes that change the same day at once are few: a server, the command line, a function."""

Entry = dict[str, Any]
"""A student of a day. `waits` has the lines that the office did not get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeLine:
    """A line of the office's message: a notice about a student."""

    student_id: StudentId
    name: str
    kind: NoticeKind
    lessons: str


class NoticeDays:
    """Reads and changes the lists. A list may name students without a notice, if a process was killed."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    def students(self, since: date, until: date) -> set[StudentId]:
        """Return the students of a period; of a longer period, those of the last `LISTED_DAYS`."""
        number = min((until - since).days + 1, LISTED_DAYS)
        days = [until - timedelta(days=offset) for offset in range(number)]
        return {StudentId(id) for document in self._of_days(days) for id in _entries(document)}

    def add(self, day: date, student_ids: Collection[StudentId]) -> None:
        """Add students to the list of a day.

        Raises:
            VersionConflict: other processes changed the list each time.
        """
        self._change(day, student_ids, lambda entry: entry)

    def remove(self, day: date, student_id: StudentId) -> None:
        """Remove a student who was erased from the list of a day.

        Raises:
            VersionConflict: other processes changed the list each time.
        """
        self._change(day, [student_id], lambda entry: None)

    def keep(self, day: date, address: str, lines: Collection[OfficeLine]) -> None:
        """Keep lines that an address of the office did not get. Students who were erased stay removed.

        Raises:
            VersionConflict: other processes changed the list each time.
        """
        kept: dict[str, list[Entry]] = {}
        for line in lines:
            body = {"to": address, "name": line.name, "kind": line.kind.value, "lessons": line.lessons}
            kept.setdefault(line.student_id, []).append(body)
        self._change(
            day,
            [line.student_id for line in lines],
            lambda entry: {**entry, "waits": [*entry.get("waits", ()), *kept[entry["student_id"]]]},
            listed_only=True,
        )

    def take(self, day: date) -> dict[str, list[OfficeLine]]:
        """Return the lines that were kept, by address, and keep them no longer: no other process gets them too.

        Raises:
            VersionConflict: other processes changed the list each time.
        """
        waiting = [
            entry for document in self._of_days([day]) for entry in _entries(document).values() if "waits" in entry
        ]
        taken: dict[str, list[OfficeLine]] = {}

        def without_lines(entry: Entry) -> Entry:
            return {name: value for name, value in entry.items() if name != "waits"}

        for before in self._change(day, [StudentId(entry["student_id"]) for entry in waiting], without_lines):
            for line in before.get("waits", ()):
                taken.setdefault(line["to"], []).append(
                    OfficeLine(
                        student_id=StudentId(before["student_id"]),
                        name=line["name"],
                        kind=NoticeKind(line["kind"]),
                        lessons=line["lessons"],
                    )
                )
        return taken

    def _of_days(self, days: Iterable[date]) -> list[Document]:
        ids = [_day_id(day, part) for day in days for part in range(_PARTS)]
        return list(self._documents.get_many(DocumentKind.NOTICE_DAYS, ids).values())

    def _change(
        self,
        day: date,
        student_ids: Collection[StudentId],
        change: Callable[[Entry], Entry | None],
        *,
        listed_only: bool = False,
    ) -> list[Entry]:
        """Change the entries of students; None removes one. Return the entries as they were before."""
        before: list[Entry] = []
        for part in range(_PARTS):
            chosen = {id for id in student_ids if _part(id) == part}
            if chosen:
                before += self._change_part(day, part, chosen, change, listed_only=listed_only)
        return before

    def _change_part(
        self,
        day: date,
        part: int,
        chosen: Collection[StudentId],
        change: Callable[[Entry], Entry | None],
        *,
        listed_only: bool,
    ) -> list[Entry]:
        for attempt in range(_ATTEMPTS):
            document = self._documents.get(DocumentKind.NOTICE_DAYS, _day_id(day, part))
            before = _entries(document)
            after: dict[str, Entry | None] = dict(before)
            after |= {
                id: change(before.get(id, {"student_id": id})) for id in chosen if id in before or not listed_only
            }
            stored = {id: entry for id, entry in sorted(after.items()) if entry is not None}
            if stored != before:
                body = {"students": list(stored.values())}
                try:
                    self._documents.put(DocumentKind.NOTICE_DAYS, document.id, document.version, body)
                except VersionConflict:
                    if attempt == _ATTEMPTS - 1:
                        raise
                    continue
                if not document.version:
                    self._remove_old_days(day, part)
            return [before[id] for id in sorted(chosen) if id in before]
        raise AssertionError("the last attempt returns or raises")

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


def _entries(document: Document) -> dict[str, Entry]:
    return {entry["student_id"]: entry for entry in document.body.get("students", ())}
