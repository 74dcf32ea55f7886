"""Changes that a person makes to a session, each written by one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from muster.domain.anonymisation import anonymise, remove_students, students_in, students_in_change
from muster.domain.attendance import Change, Mark, Session
from muster.domain.closing import after_changes
from muster.domain.errors import FaceNotFound, PhotoNotFound
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import PhotoId, SessionId
from muster.storage.aws import keys
from muster.storage.aws.objects import Objects, PendingEntry
from muster.storage.aws.session_items import (
    changes_item,
    closed_attribute,
    digest_key,
    marks_document,
    object_names,
    photo_key,
    read_marks,
    read_session,
)
from muster.storage.aws.session_records import SessionRecords
from muster.storage.aws.table import Item, Table
from muster.storage.documents import check_texts, faces_text, read_faces
from muster.storage.shared import changed_concurrently


@dataclass(frozen=True, slots=True)
class Amendment:
    """The arguments of `SessionStore.amend`."""

    marks: tuple[Mark, ...]
    faces: tuple[IdentifiedFace, ...]
    changes: tuple[Change, ...]
    photo_removed: PhotoId | None


class Amendments:
    """Amends sessions."""

    def __init__(self, table: Table, objects: Objects, records: SessionRecords) -> None:
        self._table = table
        self._objects = objects
        self._records = records

    def amend(self, session_id: SessionId, expected: int, amendment: Amendment) -> Session:
        """Store a person's decisions; see `SessionStore.amend`."""
        amended: list[tuple[Session, list[PendingEntry]]] = []
        self._records.retry_on_conflict(lambda: amended.append(self._amend(session_id, expected, amendment)))
        session, unused = amended[-1]
        for entry in unused:
            self._objects.delete(entry)
        return session

    def _amend(self, session_id: SessionId, expected: int, amendment: Amendment) -> tuple[Session, list[PendingEntry]]:
        """Try once to amend; return the session, and the entries of objects that no item refers to afterwards.

        Raises:
            ConditionFailed: the session changed since it was read.
        """
        students = students_in(amendment.faces) | {mark.student_id for mark in amendment.marks}
        students = students.union(*map(students_in_change, amendment.changes))
        record, known = self._records.load_with_mentions(session_id, students)
        if record["version"] != expected:
            raise changed_concurrently(f"The session {session_id}")
        session = after_changes(read_session(record), amendment.changes)
        record.pop("closed", None)
        record |= closed_attribute(session)
        stored = read_marks(record)
        stored |= {mark.student_id: mark for mark in amendment.marks if mark.student_id in known.enrolled}
        check_texts(stored.values(), amendment.marks, amendment.changes)
        record["marks"] = marks_document(stored)
        record["mentioned"] = sorted({*record["mentioned"], *known.enrolled})
        photos = self._with_faces(record, remove_students(amendment.faces, students - known.nameable))
        # Read after the record, whose revision also guards the photo.
        removal, unused = self._removal(session_id, amendment.photo_removed)
        kept = [anonymise(change, students - known.enrolled) for change in amendment.changes]
        actions = [
            self._records.put_next_revision(record, changed=True),
            *map(self._table.put_action, photos),
            *removal,
        ]
        if kept:
            actions.append(self._table.put_action(changes_item(record, kept)))
        self._table.transact_write(actions)
        return replace(read_session(record), version=expected + 1), unused

    def _with_faces(self, record: Item, faces: Sequence[IdentifiedFace]) -> list[Item]:
        """Return the photos that change when faces are replaced."""
        new = {face.face_id: face for face in faces}
        changed, found = [], set()
        for item in self._table.query(record["pk"], keys.PHOTO_PREFIX) if new else ():
            stored = read_faces(item["faces"])
            matching = {face.face_id for face in stored} & new.keys()
            if matching:
                changed.append({**item, "faces": faces_text([new.get(face.face_id, face) for face in stored])})
                found |= matching
        if missing := sorted(new.keys() - found):
            raise FaceNotFound(f"The session {record['id']} has no face {missing[0]}: read its photos again.")
        return changed

    def _removal(self, session_id: SessionId, photo_id: PhotoId | None) -> tuple[list[Item], list[PendingEntry]]:
        """Return the actions that remove a photo, and the entries of objects that no item refers to afterwards."""
        if photo_id is None:
            return [], []
        photo = self._table.get(photo_key(session_id, photo_id))
        if photo is None:
            raise PhotoNotFound(f"The session {session_id} has no photo {photo_id[:80]}: read its photos again.")
        removal = [
            self._table.delete_action(photo_key(session_id, photo_id)),
            self._table.delete_action(digest_key(photo)),
        ]
        files = object_names(photo)
        if not files:
            return removal, []
        entry = self._objects.pending.new_entry(files)
        return [*removal, self._objects.pending.put_action(entry)], [entry]
