"""Sessions with their photos and marks in the table and the buckets."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from muster.domain.anonymisation import remove_students, students_in, students_named_in
from muster.domain.attendance import Change, Mark, MarkSource, MarkStatus, RollCall, Session, SessionPhoto
from muster.domain.errors import PhotoNotFound, SessionExists, SessionNotFound
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId
from muster.domain.precedence import keep_decisions, keep_marks, outranks
from muster.storage.aws import keys
from muster.storage.aws.amendments import Amendment, Amendments
from muster.storage.aws.forgetting import Forgetting
from muster.storage.aws.objects import Entry, Objects
from muster.storage.aws.session_items import (
    digest_item,
    digest_key,
    files_of,
    listed_key,
    marks_document,
    new_record,
    photo_item,
    photo_key,
    read_changes,
    read_marks,
    read_photo,
    read_session,
    record_key,
    removal_key,
)
from muster.storage.aws.session_records import SessionRecords
from muster.storage.aws.table import ConditionFailed, Item, Key, Table
from muster.storage.documents import read_faces, time_text


class AwsSessions:
    """`SessionStore` on DynamoDB and S3.

    All marks of a session lie in its record (about 90 bytes each: a class of 200 is 18 KB of the 400 KB an item may
    have). A photo is then stored by one transaction of a few items, however many students it marks, and is there with
    all its marks or not at all; marks are one read. What people changed at once is one item, however many marks that
    were. Who writes a record, and when it counts, is `SessionRecords`'.
    """

    def __init__(self, table: Table, objects: Objects, records: SessionRecords, forgetting: Forgetting) -> None:
        self._table = table
        self._objects = objects
        self._records = records
        self._forgetting = forgetting
        self._amendments = Amendments(table, objects, records)

    def create(self, session: Session, roster: Sequence[StudentId]) -> None:
        """Open a session; see `SessionStore.create`."""
        if self._table.get(record_key(session.id)):
            raise _exists(session.id)
        enrolled = self._records.look_up(roster).enrolled
        self._records.mention(session.id, enrolled)
        absent = {
            student: Mark(student, MarkStatus.ABSENT, MarkSource.PHOTO, session.started_at) for student in enrolled
        }
        self._put_new(new_record(session, absent), session.id)
        # Whoever was erased before there was a session to clean is found missing now.
        if erased := enrolled - self._records.look_up(enrolled).enrolled:
            self._forgetting.forget(session.id, erased, whole=True)
            self._records.take_back(session.id, erased)

    def get(self, session_id: SessionId) -> Session:
        """Return one session; see `SessionStore.get`."""
        return read_session(self._records.read(session_id))

    def of_group(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[Session]:
        """Return a group's sessions, oldest first; see `SessionStore.of_group`."""
        return [read_session(record) for record in self._records_of(group_id, since, until, with_marks=False)]

    def roll_calls(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the same sessions with their marks: one query, and a read per 100 sessions."""
        return [_roll_call(record) for record in self._records_of(group_id, since, until, with_marks=True)]

    def roll_calls_of_student(
        self, student_id: StudentId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the sessions in which a student has a mark: one query, and a read per 100 sessions."""
        mentions = self._table.query(keys.student_partition(student_id), keys.SESSION_PREFIX)
        found = self._read_records([record_key(SessionId(item["session"])) for item in mentions], with_marks=True)
        calls = [_roll_call(record) for record in found if student_id in record["marks"]]
        in_period = [
            call
            for call in calls
            if (since is None or call.session.started_at >= since)
            and (until is None or call.session.started_at < until)
        ]
        return sorted(in_period, key=lambda call: (call.session.started_at, call.session.id))

    def amend(
        self,
        session_id: SessionId,
        expected: int,
        *,
        marks: Sequence[Mark] = (),
        faces: Sequence[IdentifiedFace] = (),
        changes: Sequence[Change] = (),
        photo_removed: PhotoId | None = None,
    ) -> Session:
        """Do what a person decided; see `SessionStore.amend`."""
        what = Amendment(tuple(marks), tuple(faces), tuple(changes), photo_removed)
        return self._amendments.amend(session_id, expected, what)

    def changes(self, session_id: SessionId) -> list[Change]:
        """Return what people changed in a session, oldest first; see `SessionStore.changes`."""
        return self._changes(self._records.read(session_id))

    def remove(self, session_id: SessionId) -> None:
        """Remove a session with its photos, marks and changes; see `SessionStore.remove`."""
        self._forgetting.remove(session_id)

    def drop_files(self, session_id: SessionId, before: datetime) -> int:
        """Remove the files of photos received before a moment; see `SessionStore.drop_files`."""
        return self._forgetting.drop_files(session_id, before)

    def record_photo(self, photo: SessionPhoto, original: bytes, marks: Sequence[Mark]) -> None:
        """Store a read photo and apply its marks; see `SessionStore.record_photo`."""
        self._records.read(photo.session_id)
        entry = self._objects.enter(photos=[keys.SESSION_PHOTOS + uuid4().hex])
        self._objects.announce(entry)
        self._objects.put_photo(entry.photos[0], original)
        unused: list[Entry] = []
        try:
            self._records.again(lambda: unused.extend(self._store(photo, marks, entry)))
        except SessionNotFound:
            self._objects.delete(entry)
            raise
        for left in unused:
            self._objects.delete(left)

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos in the order received; see `SessionStore.photos`."""
        photos = [read_photo(item) for item in self._photo_items(self._records.read(session_id))]
        return sorted(photos, key=lambda photo: (photo.received_at, photo.id))

    def with_photo(self, digest: str) -> list[Session]:
        """Return the sessions that hold a photo with this digest: a query, and a read per 100 sessions."""
        items = self._table.query(keys.digest_partition(digest))
        wanted = list(dict.fromkeys(record_key(SessionId(item["session"])) for item in items))
        # Of a session that is being removed, the record goes first.
        found = self._table.get_many(wanted, ["id", "group_id", "started_at", "version", "erased"])
        return sorted(map(read_session, found.values()), key=lambda session: (session.started_at, session.id))

    def original(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return a photo as it was sent; see `SessionStore.original`."""
        wanted = (record_key(session_id), photo_key(session_id, photo_id))
        tried = None
        while True:
            found = self._table.get_many(wanted, ["original"])
            # The photo of a session that is being removed may still be there.
            name = found[wanted[1]].get("original") if len(found) == len(wanted) else None
            # The object found by the first look may have been replaced before it could be read.
            if name is None or name == tried:
                raise PhotoNotFound(f"No photo {photo_id} is kept in the session {session_id}: send it again.")
            content = self._objects.photo(name)
            if content is not None:
                return content
            tried = name

    def marks(self, session_id: SessionId) -> list[Mark]:
        """Return a session's marks, ordered by student id; see `SessionStore.marks`."""
        return list(read_marks(self._records.read(session_id)).values())

    def _put_new(self, record: Item, session_id: SessionId) -> None:
        pk, sk = listed_key(record)
        absent = "attribute_not_exists(pk)"
        actions = [
            self._table.putting(record, absent),
            self._table.checking(removal_key(session_id), absent),
            self._table.putting({"pk": pk, "sk": sk, "id": session_id}),
        ]
        try:
            self._table.together(actions)
        except ConditionFailed as error:
            if 0 in error.failed:
                raise _exists(session_id) from error
            self._forgetting.finish_removal(session_id)
            self._put_new(record, session_id)

    def _records_of(
        self, group_id: GroupId, since: datetime | None, until: datetime | None, *, with_marks: bool
    ) -> list[Item]:
        first, last = keys.sessions_between(
            None if since is None else time_text(since), None if until is None else time_text(until)
        )
        if first >= last:
            return []
        partition = keys.group_partition(group_id)
        wanted = [record_key(SessionId(item["id"])) for item in self._table.query_between(partition, first, last)]
        return self._read_records(wanted, with_marks=with_marks)

    def _read_records(self, wanted: Sequence[Key], *, with_marks: bool) -> list[Item]:
        attributes = ["id", "group_id", "started_at", "version", "erased", *(["marks"] if with_marks else [])]
        found = self._table.get_many(wanted, attributes)
        # What was removed after the query is left out.
        return [found[key] for key in wanted if key in found]

    def _store(self, photo: SessionPhoto, marks: Sequence[Mark], entry: Entry) -> list[Entry]:
        """Try once to store a photo; return the objects that nothing refers to then.

        Raises:
            ConditionFailed: the session changed since it was read.
        """
        students = students_in(photo.faces) | {mark.student_id for mark in marks}
        record, involved = self._records.involve(photo.session_id, students)
        gone = students - involved.nameable
        known = replace(photo, faces=remove_students(photo.faces, gone))
        old = self._table.get(photo_key(photo.session_id, photo.id))
        if old is not None:
            kept = keep_decisions(known.faces, read_faces(old["faces"]), self._changes(record))
            marks = keep_marks(marks, known.faces, kept)
            known = replace(known, faces=kept)
        stored = read_marks(record)
        for mark in marks:
            if mark.student_id in involved.enrolled and outranks(mark, stored.get(mark.student_id)):
                stored[mark.student_id] = mark
        marked = marks_document(stored)
        changed = old is None or read_photo(old) != known or marked != record["marks"]
        record = {**record, "marks": marked, "mentioned": sorted({*record["mentioned"], *involved.enrolled})}

        shows_gone = bool(students_named_in(photo.faces) & gone)
        replaced = self._objects.enter(files_of(old or {}))
        new = photo_item(known, None if shows_gone else entry.photos[0])
        actions = [
            self._records.raised(record, changed=changed),
            self._table.putting(new),
            self._table.putting(digest_item(new)),
        ]
        if old is not None and digest_key(old) != digest_key(new):
            actions.append(self._table.deleting(digest_key(old)))
        if not shows_gone:
            actions.append(self._objects.striking(entry))
        if replaced.photos:
            actions.append(self._objects.entering(replaced))
        self._table.together(actions)
        return [*([entry] if shows_gone else []), *([replaced] if replaced.photos else [])]

    def _changes(self, record: Item) -> list[Change]:
        items = self._table.query(record["pk"], keys.CHANGE_PREFIX)
        return [change for item in items for change in read_changes(item)]

    def _photo_items(self, record: Item) -> Iterator[Item]:
        return self._table.query(record["pk"], keys.PHOTO_PREFIX)


def _roll_call(record: Item) -> RollCall:
    return RollCall(read_session(record), tuple(read_marks(record).values()))


def _exists(session_id: SessionId) -> SessionExists:
    return SessionExists(f"The session {session_id} is open already: take another id, or use that session.")
