"""Sessions with their photos and marks in the table and the buckets."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from uuid import uuid4

from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.errors import PhotoNotFound, SessionExists, SessionNotFound
from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId
from muster.storage import keys
from muster.storage.aws.objects import Entry, Objects
from muster.storage.aws.table import MOST_IN_A_TRANSACTION, ConditionFailed, Item, Key, Table, wait
from muster.storage.documents import faces_text, read_faces, read_time, time_text
from muster.storage.rules import named_in, replaces, students_in, without

# Two photos of one session rarely meet; a class of phones sending at once still gets through.
_ATTEMPTS = 30


class AwsSessions:
    """`SessionStore` on DynamoDB and S3.

    All marks of a session lie in its record (about 90 bytes each: a class of 200 is 18 KB of the 400 KB an item may
    have). A photo is then stored by one transaction of a few items, however many students it marks, and is there with
    all its marks or not at all; marks are one read. The record's version makes rivals read again and try again.

    Each student whom a session mentions has an item that says so, written before the session is: it leads an erasure to
    every session. The erasure raises the version of each, so that a photo under way reads again, finds the student
    gone and leaves them out.
    """

    def __init__(self, table: Table, objects: Objects) -> None:
        self._table = table
        self._objects = objects

    def create(self, session: Session, roster: Sequence[StudentId]) -> None:
        """Open a session; see `SessionStore.create`."""
        if self._table.get(_record_key(session.id)):
            raise _exists(session.id)
        registered = self._registered(roster)
        self._mention(session.id, registered)
        started_at = time_text(session.started_at)
        record: Item = {
            "pk": keys.session_partition(session.id),
            "sk": keys.RECORD,
            "id": session.id,
            "group_id": session.group_id,
            "started_at": started_at,
            "marks": {
                student: _mark_document(Mark(student, MarkStatus.ABSENT, MarkSource.PHOTO, session.started_at))
                for student in registered
            },
            "mentioned": sorted(registered),
            "version": 1,
        }
        listed = {
            "pk": keys.group_partition(session.group_id),
            "sk": keys.group_session(started_at, session.id),
            "id": session.id,
            "group_id": session.group_id,
            "started_at": started_at,
        }
        try:
            self._table.together([self._table.putting(record, "attribute_not_exists(pk)"), self._table.putting(listed)])
        except ConditionFailed as error:
            raise _exists(session.id) from error
        # Whoever was erased before there was a session to clean is found missing now.
        if erased := registered - self._registered(registered):
            self.forget(session.id, erased)

    def get(self, session_id: SessionId) -> Session:
        """Return one session; see `SessionStore.get`."""
        return _session(self._record(session_id))

    def of_group(self, group_id: GroupId) -> list[Session]:
        """Return a group's sessions, oldest first."""
        return [_session(item) for item in self._table.query(keys.group_partition(group_id), keys.SESSION_PREFIX)]

    def record_photo(self, photo: SessionPhoto, original: bytes, annotated: bytes, marks: Sequence[Mark]) -> None:
        """Store a read photo and apply its marks; see `SessionStore.record_photo`."""
        self._record(photo.session_id)
        entry = self._objects.enter(photos=[keys.SESSION_PHOTOS + uuid4().hex for _ in range(2)])
        self._objects.announce(entry)
        self._objects.put_photo(entry.photos[0], original)
        self._objects.put_photo(entry.photos[1], annotated)
        for attempt in range(_ATTEMPTS):
            try:
                replaced = self._store(photo, marks, entry)
                break
            except ConditionFailed:
                if attempt == _ATTEMPTS - 1:
                    raise
            wait(attempt)
        if replaced is not None:
            self._objects.delete(replaced)

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos in the order received; see `SessionStore.photos`."""
        self._record(session_id)
        photos = [_photo(item) for item in self._photo_items(session_id)]
        return sorted(photos, key=lambda photo: (photo.received_at, photo.id))

    def annotated(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return the annotated JPEG of a photo; see `SessionStore.annotated`."""
        tried = None
        while True:
            item = self._table.get(_photo_key(session_id, photo_id)) or {}
            name = item.get("annotated")
            # The object found by the first look may have been replaced before it could be read.
            if name is None or name == tried:
                raise PhotoNotFound(f"No photo {photo_id} is kept in the session {session_id}: send it again.")
            content = self._objects.photo(name)
            if content is not None:
                return content
            tried = name

    def marks(self, session_id: SessionId) -> list[Mark]:
        """Return a session's marks, ordered by student id; see `SessionStore.marks`."""
        marks = _marks(self._record(session_id))
        return [marks[student] for student in sorted(marks)]

    def forget(self, session_id: SessionId, erased: Collection[StudentId]) -> None:
        """Remove erased students from a session's marks and faces, and the objects of photos that name them."""
        for attempt in range(_ATTEMPTS):
            record = self._table.get(_record_key(session_id))
            if record is None:
                return
            try:
                self._forget(record, set(erased))
            except ConditionFailed:
                wait(attempt)
            else:
                return
        raise TimeoutError(f"the session {session_id} changed each of {_ATTEMPTS} times that it was read")

    def _store(self, photo: SessionPhoto, marks: Sequence[Mark], entry: Entry) -> Entry | None:
        """Try once to store a photo; return the objects of the one it replaces.

        Raises:
            ConditionFailed: the session changed since it was read.
        """
        involved = students_in(photo.faces) | {mark.student_id for mark in marks}
        # Mentions first, then the session, then who is registered: an erasure in between raises the version.
        self._mention(photo.session_id, involved - set(self._record(photo.session_id)["mentioned"]))
        record = self._record(photo.session_id)
        registered = self._registered(involved)
        stored_marks = _marks(record)
        for mark in marks:
            if mark.student_id in registered and replaces(mark, stored_marks.get(mark.student_id)):
                stored_marks[mark.student_id] = mark
        record["marks"] = {student: _mark_document(mark) for student, mark in stored_marks.items()}
        record["mentioned"] = sorted({*record["mentioned"], *registered})

        known = replace(photo, faces=without(photo.faces, involved - registered))
        old = self._table.get(_photo_key(photo.session_id, photo.id)) or {}
        replaced = self._objects.enter([name for name in (old.get("original"), old.get("annotated")) if name])
        actions = [
            self._raised(record),
            self._table.putting({**_photo_document(known), "original": entry.photos[0], "annotated": entry.photos[1]}),
            self._objects.striking(entry),
        ]
        if replaced.photos:
            actions.append(self._objects.entering(replaced))
        self._table.together(actions)
        return replaced if replaced.photos else None

    def _forget(self, record: Item, erased: set[StudentId]) -> None:
        session_id = SessionId(record["id"])
        changed, dropped = [], []
        for item in self._photo_items(session_id):
            faces = read_faces(item["faces"])
            if not students_in(faces) & erased:
                continue
            item["faces"] = faces_text(without(faces, erased))
            if named_in(faces) & erased:
                dropped += [name for name in (item.pop("original", None), item.pop("annotated", None)) if name]
            changed.append(item)
        gone = self._objects.enter(dropped)
        first, rest = changed[: MOST_IN_A_TRANSACTION - 2], changed[MOST_IN_A_TRANSACTION - 2 :]
        if not rest:
            record["marks"] = {student: mark for student, mark in record["marks"].items() if student not in erased}
            record["mentioned"] = [student for student in record["mentioned"] if student not in erased]
        self._table.together([self._raised(record), self._objects.entering(gone), *map(self._table.putting, first)])
        self._objects.delete(gone)
        if rest:
            raise ConditionFailed

    def _raised(self, record: Item) -> Item:
        """Return the action of writing a record with its next version, if it is still the one that was read."""
        read = record["version"]
        return self._table.putting({**record, "version": read + 1}, "version = :read", {":read": read})

    def _record(self, session_id: SessionId) -> Item:
        record = self._table.get(_record_key(session_id))
        if record is None:
            raise SessionNotFound(f"There is no session {session_id}: check the id, or open the session first.")
        return record

    def _photo_items(self, session_id: SessionId) -> Iterable[Item]:
        return self._table.query(keys.session_partition(session_id), keys.PHOTO_PREFIX)

    def _registered(self, students: Iterable[StudentId]) -> set[StudentId]:
        wanted = {(keys.student_partition(student), keys.RECORD): student for student in students}
        return {wanted[key] for key in self._table.get_many(list(wanted), attributes=["id"])}

    def _mention(self, session_id: SessionId, students: Iterable[StudentId]) -> None:
        self._table.put_many(
            [
                {"pk": keys.student_partition(student), "sk": keys.mention(session_id), "session": session_id}
                for student in students
            ]
        )


def _record_key(session_id: SessionId) -> Key:
    return keys.session_partition(session_id), keys.RECORD


def _photo_key(session_id: SessionId, photo_id: PhotoId) -> Key:
    return keys.session_partition(session_id), keys.photo(photo_id)


def _exists(session_id: SessionId) -> SessionExists:
    return SessionExists(f"The session {session_id} is open already: take another id, or use that session.")


def _session(item: Item) -> Session:
    return Session(SessionId(item["id"]), GroupId(item["group_id"]), read_time(item["started_at"]))


def _mark_document(mark: Mark) -> list[str]:
    return [mark.status.value, mark.source.value, time_text(mark.marked_at)]


def _marks(record: Item) -> dict[StudentId, Mark]:
    return {
        StudentId(student): Mark(StudentId(student), MarkStatus(status), MarkSource(source), read_time(marked_at))
        for student, (status, source, marked_at) in record["marks"].items()
    }


def _photo_document(photo: SessionPhoto) -> Item:
    return {
        "pk": keys.session_partition(photo.session_id),
        "sk": keys.photo(photo.id),
        "id": photo.id,
        "session_id": photo.session_id,
        "digest": photo.digest,
        "width": photo.width,
        "height": photo.height,
        "faces": faces_text(photo.faces),
        "pack": photo.pack,
        "head": photo.head,
        "received_at": time_text(photo.received_at),
    }


def _photo(item: Item) -> SessionPhoto:
    return SessionPhoto(
        id=PhotoId(item["id"]),
        session_id=SessionId(item["session_id"]),
        digest=item["digest"],
        width=int(item["width"]),
        height=int(item["height"]),
        faces=read_faces(item["faces"]),
        pack=PackId(item["pack"]),
        head=None if item.get("head") is None else int(item["head"]),
        received_at=read_time(item["received_at"]),
    )
