"""Sessions with their photos and marks in the table and the buckets."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from muster.domain.anonymisation import remove_students, students_in, students_named_in
from muster.domain.attendance import Change, Mark, RollCall, Session, SessionPhoto
from muster.domain.closing import check_open
from muster.domain.errors import PhotoNotFound, RegisterClosed, SessionExists, SessionNotFound
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId
from muster.domain.precedence import keep_decisions, keep_marks, outranks
from muster.storage.aws import keys
from muster.storage.aws.amendments import Amendment, Amendments
from muster.storage.aws.objects import Objects, PendingEntry
from muster.storage.aws.session_erasure import SessionErasure
from muster.storage.aws.session_items import (
    SESSION_ATTRIBUTES,
    digest_item,
    digest_key,
    listing_key,
    marks_document,
    new_record,
    object_names,
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
from muster.storage.documents import check_texts, read_faces, time_text
from muster.storage.shared import absent_at_start


class AwsSessions:
    """`SessionStore` on DynamoDB and S3.

    The session's record holds all its marks: about 90 bytes each, so 18 KB for a class of 200, and remarks of at most
    100 KB together. An item may have 400 KB. A photo and its marks are therefore stored by one transaction of a few
    items, and marks are read by one call. The changes that a person makes at once are one item. `SessionRecords`
    describes how a record is written.
    """

    def __init__(
        self, table: Table, objects: Objects, records: SessionRecords, session_erasure: SessionErasure
    ) -> None:
        self._table = table
        self._objects = objects
        self._records = records
        self._session_erasure = session_erasure
        self._amendments = Amendments(table, objects, records)

    def create(self, session: Session, roster: Sequence[StudentId], marks: Sequence[Mark] = ()) -> None:
        """Open a session; see `SessionStore.create`."""
        check_texts(marks, marks)
        if self._table.get(record_key(session.id)):
            raise _exists(session.id)
        given = {mark.student_id: mark for mark in marks}
        enrolled = self._records.find_students({*roster, *given}).enrolled
        self._records.put_mentions(session.id, enrolled)
        opening = {student: given.get(student) or absent_at_start(session, student) for student in enrolled}
        self._put_new(new_record(session, opening), session.id)
        # A student may have been erased before the session existed, so that the erasure did not find it.
        if erased := enrolled - self._records.find_students(enrolled).enrolled:
            self._session_erasure.erase_students(session.id, erased, whole=True)
            self._records.delete_mentions(session.id, erased)

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

    def roll_calls_of_groups(
        self, group_ids: Collection[GroupId], since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the sessions of several groups with their marks: a query per group, and a read per 100 sessions."""
        first, last = _between(since, until)
        if first >= last:
            return []
        partitions = [keys.group_partition(group_id) for group_id in sorted(group_ids)]
        listings = self._table.query_many(partitions, first, last)
        found = self._read_records([record_key(SessionId(item["id"])) for item in listings], with_marks=True)
        calls = [_roll_call(record) for record in found]
        return sorted(calls, key=lambda call: (call.session.started_at, call.session.id))

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
        amendment = Amendment(tuple(marks), tuple(faces), tuple(changes), photo_removed)
        return self._amendments.amend(session_id, expected, amendment)

    def changes(self, session_id: SessionId) -> list[Change]:
        """Return what people changed in a session, oldest first; see `SessionStore.changes`."""
        return self._changes(self._records.read(session_id))

    def changes_of(self, session_ids: Collection[SessionId]) -> dict[SessionId, list[Change]]:
        """Return the changes of several sessions: a query per session, in parallel."""
        partitions = {keys.session_partition(session_id): session_id for session_id in sorted(set(session_ids))}
        found: dict[SessionId, list[Change]] = {}
        for item in self._table.query_many(list(partitions), *keys.all_changes()):
            found.setdefault(partitions[item["pk"]], []).extend(read_changes(item))
        return found

    def remove(self, session_id: SessionId, *, closed_too: bool = False) -> None:
        """Remove a session with its photos, marks and changes; see `SessionStore.remove`."""
        self._session_erasure.remove(session_id, closed_too=closed_too)

    def drop_files(self, session_id: SessionId, before: datetime) -> int:
        """Remove the files of photos received before a moment; see `SessionStore.drop_files`."""
        return self._session_erasure.drop_files(session_id, before)

    def record_photo(self, photo: SessionPhoto, original: bytes, marks: Sequence[Mark]) -> SessionPhoto:
        """Store a read photo and apply its marks; see `SessionStore.record_photo`."""
        self._records.read(photo.session_id)
        entry = self._objects.pending.new_entry(photos=[keys.SESSION_PHOTOS + uuid4().hex])
        self._objects.pending.write(entry)
        self._objects.put_photo(entry.photos[0], original)
        attempts: list[tuple[SessionPhoto, list[PendingEntry]]] = []
        try:
            self._records.retry_on_conflict(lambda: attempts.append(self._store(photo, marks, entry)))
        except (SessionNotFound, RegisterClosed):
            self._objects.delete(entry)
            raise
        ((stored, unused),) = attempts
        for unused_entry in unused:
            self._objects.delete(unused_entry)
        return stored

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos in the order received; see `SessionStore.photos`."""
        photos = [read_photo(item) for item in self._photo_items(self._records.read(session_id))]
        return sorted(photos, key=lambda photo: (photo.received_at, photo.id))

    def with_photo(self, digest: str) -> list[Session]:
        """Return the sessions that hold a photo with this digest, by one query and a read per 100 sessions."""
        items = self._table.query(keys.digest_partition(digest))
        wanted = list(dict.fromkeys(record_key(SessionId(item["session"])) for item in items))
        # A session that is being removed may have photos, but no record.
        found = self._table.get_many(wanted, SESSION_ATTRIBUTES)
        return sorted(map(read_session, found.values()), key=lambda session: (session.started_at, session.id))

    def original(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return a photo as it was sent; see `SessionStore.original`."""
        wanted = (record_key(session_id), photo_key(session_id, photo_id))
        tried = None
        while True:
            found = self._table.get_many(wanted, ["original"])
            # A session that is being removed may have photos, but no record.
            name = found[wanted[1]].get("original") if len(found) == len(wanted) else None
            # The object may be replaced between the two reads; then the next round finds another name.
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
        pk, sk = listing_key(record)
        absent = "attribute_not_exists(pk)"
        actions = [
            self._table.put_action(record, absent),
            self._table.condition_check(removal_key(session_id), absent),
            self._table.put_action({"pk": pk, "sk": sk, "id": session_id}),
        ]
        try:
            self._table.transact_write(actions)
        except ConditionFailed as error:
            if 0 in error.failed:
                raise _exists(session_id) from error
            self._session_erasure.finish_removal(session_id)
            self._put_new(record, session_id)

    def _records_of(
        self, group_id: GroupId, since: datetime | None, until: datetime | None, *, with_marks: bool
    ) -> list[Item]:
        first, last = _between(since, until)
        if first >= last:
            return []
        partition = keys.group_partition(group_id)
        wanted = [record_key(SessionId(item["id"])) for item in self._table.query_between(partition, first, last)]
        return self._read_records(wanted, with_marks=with_marks)

    def _read_records(self, wanted: Sequence[Key], *, with_marks: bool) -> list[Item]:
        attributes = [*SESSION_ATTRIBUTES, *(["marks"] if with_marks else [])]
        found = self._table.get_many(wanted, attributes)
        # Sessions that were removed after the query are left out.
        return [found[key] for key in wanted if key in found]

    def _store(
        self, photo: SessionPhoto, marks: Sequence[Mark], entry: PendingEntry
    ) -> tuple[SessionPhoto, list[PendingEntry]]:
        """Try once to store a photo; return it as stored, and the entries of objects that no item refers to then.

        Raises:
            ConditionFailed: the session changed since it was read.
        """
        students = students_in(photo.faces) | {mark.student_id for mark in marks}
        record, known = self._records.load_with_mentions(photo.session_id, students)
        old = self._table.get(photo_key(photo.session_id, photo.id))
        session = read_session(record)
        if old is not None and session.closed is not None:
            return read_photo(old), [entry]
        check_open(session)
        gone = students - known.nameable
        shows_gone = bool(students_named_in(photo.faces) & gone)
        photo = replace(photo, faces=remove_students(photo.faces, gone))
        if old is not None:
            faces = keep_decisions(photo.faces, read_faces(old["faces"]), self._changes(record))
            marks = keep_marks(marks, photo.faces, faces)
            photo = replace(photo, faces=faces)
        stored = read_marks(record)
        for mark in marks:
            if mark.student_id in known.enrolled and outranks(mark, stored.get(mark.student_id)):
                stored[mark.student_id] = mark
        document = marks_document(stored)
        changed = old is None or read_photo(old) != photo or document != record["marks"]
        record = {**record, "marks": document, "mentioned": sorted({*record["mentioned"], *known.enrolled})}

        replaced = self._objects.pending.new_entry(object_names(old or {}))
        new = photo_item(photo, None if shows_gone else entry.photos[0])
        actions = [
            self._records.put_next_revision(record, changed=changed),
            self._table.put_action(new),
            self._table.put_action(digest_item(new)),
        ]
        if old is not None and digest_key(old) != digest_key(new):
            actions.append(self._table.delete_action(digest_key(old)))
        if not shows_gone:
            actions.append(self._objects.pending.delete_action(entry))
        if replaced.photos:
            actions.append(self._objects.pending.put_action(replaced))
        self._table.transact_write(actions)
        return photo, [*([entry] if shows_gone else []), *([replaced] if replaced.photos else [])]

    def _changes(self, record: Item) -> list[Change]:
        items = self._table.query(record["pk"], keys.CHANGE_PREFIX)
        return [change for item in items for change in read_changes(item)]

    def _photo_items(self, record: Item) -> Iterator[Item]:
        return self._table.query(record["pk"], keys.PHOTO_PREFIX)


def _between(since: datetime | None, until: datetime | None) -> tuple[str, str]:
    return keys.sessions_between(
        None if since is None else time_text(since), None if until is None else time_text(until)
    )


def _roll_call(record: Item) -> RollCall:
    return RollCall(read_session(record), tuple(read_marks(record).values()))


def _exists(session_id: SessionId) -> SessionExists:
    return SessionExists(f"The session {session_id} is already open. Choose another id, or use that session.")
