"""Taking out of sessions what is not to be kept: students, files of photos, whole sessions."""

from collections.abc import Collection
from datetime import datetime

from muster.domain.anonymisation import anonymise, count_erased, remove_students, students_ever_named_in, students_in
from muster.domain.errors import SessionNotFound
from muster.domain.identifiers import SessionId, StudentId
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.session_items import (
    FILES,
    changes_item,
    digest_key,
    files_of,
    listed_key,
    marks_document,
    read_changes,
    read_marks,
    read_session,
    record_key,
    removal_key,
)
from muster.storage.aws.session_records import SessionRecords
from muster.storage.aws.table import MAX_IN_A_TRANSACTION, ConditionFailed, Item, Table
from muster.storage.documents import faces_text, read_faces, read_time

_MAX_AT_ONCE = MAX_IN_A_TRANSACTION - 2
"""Photos and changes beside the record and the line of the ledger."""


class Forgetting:
    """Changes sessions in steps that may be cut off anywhere; whoever asks again goes on."""

    def __init__(self, table: Table, objects: Objects, records: SessionRecords) -> None:
        self._table = table
        self._objects = objects
        self._records = records

    def forget(self, session_id: SessionId, students: Collection[StudentId], *, whole: bool) -> None:
        """Remove students from a session's faces, and the objects of photos that name them; a session gone is done.

        Args:
            whole: remove them from marks, which are counted, and from changes too.
        """

        def attempt() -> None:
            record = self._table.get(record_key(session_id))
            if record is not None:
                self._forget(record, set(students), whole)

        self._records.again(attempt)

    def drop_files(self, session_id: SessionId, before: datetime) -> int:
        """Remove the files of photos received before a moment; see `SessionStore.drop_files`."""
        dropped = 0

        def attempt() -> None:
            nonlocal dropped
            record = self._records.read(session_id)
            old = [item for item in self._photos(record) if files_of(item) and read_time(item["received_at"]) < before]
            for start in range(0, len(old), _MAX_AT_ONCE):
                some = old[start : start + _MAX_AT_ONCE]
                self._write(record, [_without_files(item) for item in some], _files_of_all(some), changed=False)
                record["revision"] += 1
                dropped += len(some)

        try:
            self._records.again(attempt)
        except SessionNotFound:
            return 0
        return dropped

    def remove(self, session_id: SessionId) -> None:
        """Remove a session; see `SessionStore.remove`.

        Once the record is gone so is the session; a note says that the rest is still to be deleted.
        """

        def attempt() -> None:
            record = self._records.read(session_id)
            pk, sk = removal_key(session_id)
            unchanged = ("revision = :read", {":read": record["revision"]})
            self._table.together(
                [
                    self._table.deleting(record_key(session_id), *unchanged),
                    self._table.deleting(listed_key(record)),
                    self._table.putting({"pk": pk, "sk": sk, "mentioned": record["mentioned"]}),
                ]
            )

        self._records.again(attempt)
        self.finish_removal(session_id)

    def finish_removal(self, session_id: SessionId) -> None:
        """Delete what is left of a session that is being removed, if it is."""
        note = self._table.get(removal_key(session_id))
        if note is None:
            return
        items = list(self._table.query(keys.session_partition(session_id)))
        self._objects.delete(self._objects.enter(_files_of_all(items)))
        mentions = [(keys.student_partition(student), keys.mention(session_id)) for student in note["mentioned"]]
        # Before the photos, which are what leads to these.
        self._table.delete_many([digest_key(item) for item in items if "digest" in item])
        self._table.delete_many([*((item["pk"], item["sk"]) for item in items), *mentions])
        self._table.delete(removal_key(session_id))

    def finish_removals(self) -> None:
        """Finish the removals of processes that were killed on the way."""
        for note in self._table.query(keys.REMOVALS):
            self.finish_removal(SessionId(note["sk"]))

    def _forget(self, record: Item, students: set[StudentId], whole: bool) -> None:
        changed, files = [], []
        changes = list(self._table.query(record["pk"], keys.CHANGE_PREFIX))
        made = [change for item in changes for change in read_changes(item)]
        for item in self._photos(record):
            faces = read_faces(item["faces"])
            shown = files_of(item) if students_ever_named_in(faces, made) & students else []
            files += shown
            if shown or students_in(faces) & students:
                kept = _without_files(item) if shown else item
                changed.append({**kept, "faces": faces_text(remove_students(faces, students))})
        if whole:
            for item in changes:
                before = read_changes(item)
                after = [anonymise(change, students) for change in before]
                if after != before:
                    changed.append({**changes_item(record, after), "sk": item["sk"]})
        some, rest = changed[:_MAX_AT_ONCE], changed[_MAX_AT_ONCE:]
        # The last step, so that a mark is counted once.
        counted = whole and not rest and self._count(record, students)
        self._write(record, some, files, changed=bool(some) or counted)
        if rest:
            raise ConditionFailed

    def _count(self, record: Item, students: set[StudentId]) -> bool:
        """Take students' marks out of a record, leaving their number; return whether there was any."""
        marks, erased = read_marks(record), read_session(record).erased
        gone = [mark for student, mark in marks.items() if student in students]
        for mark in gone:
            erased = count_erased(erased, mark.status)
        record["erased"] = {status.value: count for status, count in erased.items()}
        record["marks"] = marks_document({student: mark for student, mark in marks.items() if student not in students})
        record["mentioned"] = [student for student in record["mentioned"] if student not in students]
        return bool(gone)

    def _write(self, record: Item, items: list[Item], dropped: list[str], *, changed: bool) -> None:
        gone = self._objects.enter(dropped)
        ledger = [self._objects.entering(gone)] if dropped else []
        self._table.together([self._records.raised(record, changed=changed), *ledger, *map(self._table.putting, items)])
        if dropped:
            self._objects.delete(gone)

    def _photos(self, record: Item) -> list[Item]:
        return list(self._table.query(record["pk"], keys.PHOTO_PREFIX))


def _without_files(photo: Item) -> Item:
    return {name: value for name, value in photo.items() if name not in FILES}


def _files_of_all(photos: list[Item]) -> list[str]:
    return [name for photo in photos for name in files_of(photo)]
