"""Removal of students from sessions, of the files of photos, and of whole sessions."""

from collections.abc import Collection
from datetime import datetime

from muster.domain.anonymisation import anonymise, count_erased, remove_students, students_ever_named_in, students_in
from muster.domain.closing import check_removable
from muster.domain.errors import SessionNotFound
from muster.domain.identifiers import SessionId, StudentId
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects
from muster.storage.aws.session_items import (
    OBJECT_ATTRIBUTES,
    changes_item,
    digest_key,
    listing_key,
    marks_document,
    object_names,
    read_changes,
    read_marks,
    read_session,
    record_key,
    removal_key,
)
from muster.storage.aws.session_records import SessionRecords
from muster.storage.aws.table import MAX_TRANSACTION_ACTIONS, ConditionFailed, Item, Table
from muster.storage.documents import faces_text, read_faces, read_time

_MAX_ITEMS = MAX_TRANSACTION_ACTIONS - 2
"""Photos and changes in one transaction, with the session's record and the log entry of its objects."""


class SessionErasure:
    """Erases from sessions in steps; a call that was interrupted can be repeated and then continues."""

    def __init__(self, table: Table, objects: Objects, records: SessionRecords) -> None:
        self._table = table
        self._objects = objects
        self._records = records

    def erase_students(self, session_id: SessionId, students: Collection[StudentId], *, whole: bool) -> None:
        """Remove students from a session's faces, and the objects of photos that named them.

        Does nothing if the session does not exist.

        Args:
            whole: also remove them from marks, which are counted, and from changes.
        """

        def attempt() -> None:
            record = self._table.get(record_key(session_id))
            if record is not None:
                self._erase_students(record, set(students), whole)

        self._records.retry_on_conflict(attempt)

    def drop_files(self, session_id: SessionId, before: datetime) -> int:
        """Remove the files of photos received before a moment; see `SessionStore.drop_files`."""
        dropped = 0

        def attempt() -> None:
            nonlocal dropped
            record = self._records.read(session_id)
            old = [
                item for item in self._photos(record) if object_names(item) and read_time(item["received_at"]) < before
            ]
            for start in range(0, len(old), _MAX_ITEMS):
                batch = old[start : start + _MAX_ITEMS]
                self._write(record, [_without_objects(item) for item in batch], _all_object_names(batch), changed=False)
                record["revision"] += 1
                dropped += len(batch)

        try:
            self._records.retry_on_conflict(attempt)
        except SessionNotFound:
            return 0
        return dropped

    def remove(self, session_id: SessionId, *, closed_too: bool = False) -> None:
        """Remove a session; see `SessionStore.remove`.

        The session is gone once its record is. A note in the table tells a later call to delete the rest.
        """

        def attempt() -> None:
            record = self._records.read(session_id)
            if not closed_too:
                check_removable(read_session(record))
            pk, sk = removal_key(session_id)
            unchanged = ("revision = :read", {":read": record["revision"]})
            self._table.transact_write(
                [
                    self._table.delete_action(record_key(session_id), *unchanged),
                    self._table.delete_action(listing_key(record)),
                    self._table.put_action({"pk": pk, "sk": sk, "mentioned": record["mentioned"]}),
                ]
            )

        self._records.retry_on_conflict(attempt)
        self.finish_removal(session_id)

    def finish_removal(self, session_id: SessionId) -> None:
        """Delete the remaining items of a session, if its removal is pending."""
        note = self._table.get(removal_key(session_id))
        if note is None:
            return
        items = list(self._table.query(keys.session_partition(session_id)))
        self._objects.delete(self._objects.pending.new_entry(_all_object_names(items)))
        mentions = [(keys.student_partition(student), keys.mention(session_id)) for student in note["mentioned"]]
        # The keys of these items come from the photos, so they are deleted first.
        self._table.delete_many([digest_key(item) for item in items if "digest" in item])
        self._table.delete_many([*((item["pk"], item["sk"]) for item in items), *mentions])
        self._table.delete(removal_key(session_id))

    def finish_removals(self) -> None:
        """Complete the removals that killed processes left."""
        for note in self._table.query(keys.REMOVALS):
            self.finish_removal(SessionId(note["sk"]))

    def _erase_students(self, record: Item, students: set[StudentId], whole: bool) -> None:
        changed, dropped = [], []
        changes = list(self._table.query(record["pk"], keys.CHANGE_PREFIX))
        made = [change for item in changes for change in read_changes(item)]
        for item in self._photos(record):
            faces = read_faces(item["faces"])
            objects = object_names(item) if students_ever_named_in(faces, made) & students else []
            dropped += objects
            if objects or students_in(faces) & students:
                kept = _without_objects(item) if objects else item
                changed.append({**kept, "faces": faces_text(remove_students(faces, students))})
        if whole:
            for item in changes:
                before = read_changes(item)
                after = [anonymise(change, students) for change in before]
                if after != before:
                    changed.append({**changes_item(record, after), "sk": item["sk"]})
        batch, rest = changed[:_MAX_ITEMS], changed[_MAX_ITEMS:]
        # In the last transaction, so that a mark is counted once.
        counted = whole and not rest and self._count_marks(record, students)
        self._write(record, batch, dropped, changed=bool(batch) or counted)
        if rest:
            raise ConditionFailed

    def _count_marks(self, record: Item, students: set[StudentId]) -> bool:
        """Replace the students' marks in a record with counts; return whether there were any."""
        marks, counts = read_marks(record), read_session(record).erased
        erased_marks = [mark for student, mark in marks.items() if student in students]
        for mark in erased_marks:
            counts = count_erased(counts, mark.status)
        record["erased"] = {status.value: count for status, count in counts.items()}
        record["marks"] = marks_document({student: mark for student, mark in marks.items() if student not in students})
        record["mentioned"] = [student for student in record["mentioned"] if student not in students]
        return bool(erased_marks)

    def _write(self, record: Item, items: list[Item], dropped: list[str], *, changed: bool) -> None:
        entry = self._objects.pending.new_entry(dropped)
        actions = [self._records.put_next_revision(record, changed=changed), *map(self._table.put_action, items)]
        if dropped:
            actions.append(self._objects.pending.put_action(entry))
        self._table.transact_write(actions)
        if dropped:
            self._objects.delete(entry)

    def _photos(self, record: Item) -> list[Item]:
        return list(self._table.query(record["pk"], keys.PHOTO_PREFIX))


def _without_objects(photo: Item) -> Item:
    return {name: value for name, value in photo.items() if name not in OBJECT_ATTRIBUTES}


def _all_object_names(photos: list[Item]) -> list[str]:
    return [name for photo in photos for name in object_names(photo)]
