"""Sessions of one directory, with their photos and marks."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from muster.domain.anonymisation import anonymise, remove_students, students_in, students_in_change, students_named_in
from muster.domain.attendance import Change, Mark, MarkSource, MarkStatus, RollCall, Session, SessionPhoto
from muster.domain.closing import after_changes, check_open, check_removable
from muster.domain.errors import FaceNotFound, PhotoNotFound, SessionExists, SessionNotFound
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId
from muster.domain.precedence import keep_decisions, keep_marks, outranks
from muster.storage.documents import (
    change_text,
    check_texts,
    closing_text,
    counts_text,
    faces_text,
    lesson_text,
    read_change,
    read_closing,
    read_counts,
    read_faces,
    read_lesson,
    read_time,
    time_text,
    undamaged,
)
from muster.storage.local.database import Database
from muster.storage.local.files import Files
from muster.storage.local.transaction import Transaction, transaction
from muster.storage.shared import absent_at_start, changed_concurrently

_SESSION_COLUMNS = "sessions.id, group_id, started_at, version, erased, lesson, closed"
_MARK_COLUMNS = "student_id, status, source, marked_at, code, minutes_late, remark"
_MARK_COUNT = _MARK_COLUMNS.count(",") + 1
_STATUS = {status.value: status for status in MarkStatus}
_SOURCE = {source.value: source for source in MarkSource}
_PHOTO = "SELECT id, session_id, digest, width, height, faces, pack, head, received_at, turned FROM session_photos"


class LocalSessions:
    """`SessionStore` on SQLite and files."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def create(self, session: Session, roster: Sequence[StudentId], marks: Sequence[Mark] = ()) -> None:
        """Open a session; see `SessionStore.create`."""
        check_texts(marks, marks)
        with self._database.write() as connection:
            if _session_row(connection, session.id) is not None:
                raise SessionExists(
                    f"The session {session.id} is already open. Choose another id, or use that session."
                )
            connection.execute(
                "INSERT INTO sessions (id, group_id, started_at, version, erased, lesson, closed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    session.id,
                    session.group_id,
                    time_text(session.started_at),
                    session.version,
                    counts_text(session.erased),
                    lesson_text(session.lesson),
                    closing_text(session.closed),
                ),
            )
            given = {mark.student_id: mark for mark in marks}
            enrolled, _ = _enrolled_and_nameable(connection, {*roster, *given})
            for student in sorted(enrolled):
                _store_mark(connection, session.id, given.get(student) or absent_at_start(session, student))

    def get(self, session_id: SessionId) -> Session:
        """Return one session; see `SessionStore.get`."""
        return _session(_existing_row(self._database.read(), session_id))

    def of_group(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[Session]:
        """Return a group's sessions of a period, oldest first; see `SessionStore.of_group`."""
        where, parameters = _group_and_period(group_id, since, until)
        rows = self._database.read().execute(
            f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE {where} ORDER BY started_at, id",  # noqa: S608 our own text
            parameters,
        )
        return [_session(row) for row in rows.fetchall()]

    def roll_calls(
        self, group_id: GroupId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return a group's sessions of a period with their marks; see `SessionStore.roll_calls`."""
        where, parameters = _group_and_period(group_id, since, until)
        return self._roll_calls(where, parameters)

    def roll_calls_of_groups(
        self, group_ids: Collection[GroupId], since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the sessions of several groups with their marks; see `SessionStore.roll_calls_of_groups`."""
        where, parameters = _in_period(since, until)
        among = "group_id IN (SELECT value FROM json_each(?))"
        return self._roll_calls(" AND ".join([among, *where]), [json.dumps(sorted(group_ids)), *parameters])

    def roll_calls_of_student(
        self, student_id: StudentId, since: datetime | None = None, until: datetime | None = None
    ) -> list[RollCall]:
        """Return the sessions in which a student has a mark; see `SessionStore.roll_calls_of_student`."""
        where, parameters = _in_period(since, until)
        marked = "sessions.id IN (SELECT session_id FROM marks WHERE student_id = ?)"
        return self._roll_calls(" AND ".join([marked, *where]), [student_id, *parameters])

    def _roll_calls(self, where: str, parameters: list[str]) -> list[RollCall]:
        rows = self._database.read().execute(
            f"SELECT {_MARK_COLUMNS}, {_SESSION_COLUMNS} FROM sessions"  # noqa: S608 our own text
            f" LEFT JOIN marks ON session_id = sessions.id WHERE {where} ORDER BY started_at, sessions.id",
            parameters,
        )
        # Parsing times is the slowest part of reading a row, and the marks of a session share few times.
        time_of = cache(read_time)
        calls = []
        for _, group in groupby(rows, key=itemgetter(_MARK_COUNT)):
            of_session = list(group)
            marks = [
                Mark(student, _STATUS[status], _SOURCE[source], time_of(marked_at), code, minutes_late, remark)
                for student, status, source, marked_at, code, minutes_late, remark, *_ in of_session
                if student is not None
            ]
            calls.append(
                RollCall(_session(of_session[0][_MARK_COUNT:]), tuple(sorted(marks, key=attrgetter("student_id"))))
            )
        return calls

    def record_photo(self, photo: SessionPhoto, original: bytes, marks: Sequence[Mark]) -> SessionPhoto:
        """Store a read photo and apply its marks; see `SessionStore.record_photo`."""
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            session = _session(_existing_row(connection, photo.session_id))
            before = _stored_photo(connection, photo.session_id, photo.id)
            if before is not None and session.closed is not None:
                return before
            check_open(session)
            # A student may have been erased, or have withdrawn consent, while the photo was read.
            enrolled, nameable = _enrolled_and_nameable(
                connection, students_in(photo.faces) | {mark.student_id for mark in marks}
            )
            shows_gone = not students_named_in(photo.faces) <= nameable
            photo = replace(photo, faces=remove_students(photo.faces, students_in(photo.faces) - nameable))
            if before is not None:
                changes = _changes(connection, photo.session_id)
                faces = keep_decisions(photo.faces, before.faces, changes)
                marks = keep_marks(marks, photo.faces, faces)
                photo = replace(photo, faces=faces)
            tx.remove_files(_original_file(connection, photo.session_id, photo.id))
            _store_photo(connection, photo, None if shows_gone else tx.write_file(original))
            marked = _store_marks(connection, photo.session_id, [mark for mark in marks if mark.student_id in enrolled])
            if marked or photo != before:
                _bump_version(connection, photo.session_id)
        return photo

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
        """Store a person's decisions; see `SessionStore.amend`."""
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            session = _session(_existing_row(connection, session_id))
            if session.version != expected:
                raise changed_concurrently(f"The session {session_id}")
            session = after_changes(session, changes)
            involved = students_in(faces) | {mark.student_id for mark in marks}
            involved = involved.union(*map(students_in_change, changes))
            enrolled, nameable = _enrolled_and_nameable(connection, involved)
            erased = involved - enrolled
            _replace_faces(connection, session_id, remove_students(faces, involved - nameable))
            for mark in marks:
                if mark.student_id in enrolled:
                    _store_mark(connection, session_id, mark)
            check_texts(_marks(connection, session_id).values(), marks, changes)
            if photo_removed is not None:
                _remove_photo(tx, session_id, photo_removed)
            connection.executemany(
                "INSERT INTO changes (session_id, change) VALUES (?, ?)",
                [(session_id, change_text(anonymise(change, erased))) for change in changes],
            )
            connection.execute(
                "UPDATE sessions SET closed = ? WHERE id = ?", (closing_text(session.closed), session_id)
            )
            _bump_version(connection, session_id)
            return replace(session, version=session.version + 1)

    def changes(self, session_id: SessionId) -> list[Change]:
        """Return what people changed in a session, oldest first; see `SessionStore.changes`."""
        with self._database.snapshot() as connection:
            _existing_row(connection, session_id)
            return _changes(connection, session_id)

    def changes_of(self, session_ids: Collection[SessionId]) -> dict[SessionId, list[Change]]:
        """Return the changes of several sessions; see `SessionStore.changes_of`."""
        rows = self._database.read().execute(
            "SELECT session_id, change FROM changes WHERE session_id IN (SELECT value FROM json_each(?))"
            " ORDER BY session_id, number",
            (json.dumps(sorted(set(session_ids))),),
        )
        grouped = groupby(rows.fetchall(), key=itemgetter(0))
        return {SessionId(session): [read_change(text) for _, text in group] for session, group in grouped}

    def remove(self, session_id: SessionId, *, closed_too: bool = False) -> None:
        """Remove a session with all that belongs to it; see `SessionStore.remove`."""
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            row = _existing_row(connection, session_id)
            if not closed_too:
                check_removable(_session(row))
            for (file,) in connection.execute(
                "SELECT original_file FROM session_photos WHERE session_id = ?", (session_id,)
            ).fetchall():
                tx.remove_files(file)
            connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))

    def drop_files(self, session_id: SessionId, before: datetime) -> int:
        """Remove the files of photos received before a moment; see `SessionStore.drop_files`."""
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            rows = connection.execute(
                "SELECT rowid, original_file FROM session_photos"
                " WHERE session_id = ? AND received_at < ? AND original_file IS NOT NULL",
                (session_id, time_text(before)),
            ).fetchall()
            for rowid, original in rows:
                tx.remove_files(original)
                connection.execute("UPDATE session_photos SET original_file = NULL WHERE rowid = ?", (rowid,))
        return len(rows)

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos in the order received; see `SessionStore.photos`."""
        with self._database.snapshot() as connection:
            _existing_row(connection, session_id)
            rows = connection.execute(_PHOTO + " WHERE session_id = ? ORDER BY received_at, id", (session_id,))
            return [_photo(row) for row in rows.fetchall()]

    def with_photo(self, digest: str) -> list[Session]:
        """Return the sessions that hold a photo with this digest; see `SessionStore.with_photo`."""
        rows = self._database.read().execute(
            f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE id IN"  # noqa: S608 our own text
            " (SELECT session_id FROM session_photos WHERE digest = ?) ORDER BY started_at, id",
            (digest,),
        )
        return [_session(row) for row in rows.fetchall()]

    def original(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return a photo as it was sent; see `SessionStore.original`."""
        tried = None
        while True:
            file = _original_file(self._database.read(), session_id, photo_id)
            # The file may be replaced between the two reads; then the next round finds another name.
            if file is None or file == tried:
                raise PhotoNotFound(f"No photo {photo_id} is kept in the session {session_id}: send it again.")
            tried = file
            try:
                return self._files.read(file)
            except FileNotFoundError:
                continue

    def marks(self, session_id: SessionId) -> list[Mark]:
        """Return a session's marks, ordered by student id; see `SessionStore.marks`."""
        with self._database.snapshot() as connection:
            _existing_row(connection, session_id)
            return list(_marks(connection, session_id).values())


def _session_row(connection: sqlite3.Connection, session_id: SessionId) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = connection.execute(
        f"SELECT {_SESSION_COLUMNS} FROM sessions WHERE id = ?",  # noqa: S608 our own text
        (session_id,),
    ).fetchone()
    return row


def _existing_row(connection: sqlite3.Connection, session_id: SessionId) -> tuple[Any, ...]:
    row = _session_row(connection, session_id)
    if row is None:
        raise SessionNotFound(f"There is no session {session_id}: check the id, or open the session first.")
    return row


def _enrolled_and_nameable(
    connection: sqlite3.Connection, students: Iterable[StudentId]
) -> tuple[set[StudentId], set[StudentId]]:
    """Return which students have a record, and which of those a face may name: all who did not withdraw consent."""
    enrolled, nameable = set(), set()
    for student in students:
        row = connection.execute(
            "SELECT registered_at IS NOT NULL OR consent_withdrawn_at IS NULL FROM students WHERE id = ?", (student,)
        ).fetchone()
        if row is not None:
            enrolled.add(student)
            if row[0]:
                nameable.add(student)
    return enrolled, nameable


def _original_file(connection: sqlite3.Connection, session_id: SessionId, photo_id: PhotoId) -> str | None:
    row: tuple[str | None] | None = connection.execute(
        "SELECT original_file FROM session_photos WHERE session_id = ? AND id = ?", (session_id, photo_id)
    ).fetchone()
    return row[0] if row else None


def _store_photo(connection: sqlite3.Connection, photo: SessionPhoto, original: str | None) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO session_photos (session_id, id, digest, width, height, faces, pack, head,"
        " received_at, original_file, turned) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            photo.session_id,
            photo.id,
            photo.digest,
            photo.width,
            photo.height,
            faces_text(photo.faces),
            photo.pack,
            photo.head,
            time_text(photo.received_at),
            original,
            photo.turned,
        ),
    )


def _store_marks(connection: sqlite3.Connection, session_id: SessionId, marks: Sequence[Mark]) -> bool:
    """Apply marks of a photo; return whether any stored mark changed."""
    stored = _marks(connection, session_id)
    changed = False
    for mark in marks:
        if outranks(mark, stored.get(mark.student_id)):
            stored[mark.student_id] = mark
            _store_mark(connection, session_id, mark)
            changed = True
    return changed


def _store_mark(connection: sqlite3.Connection, session_id: SessionId, mark: Mark) -> None:
    connection.execute(
        f"INSERT OR REPLACE INTO marks (session_id, {_MARK_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            session_id,
            mark.student_id,
            mark.status.value,
            mark.source.value,
            time_text(mark.marked_at),
            mark.code,
            mark.minutes_late,
            mark.remark,
        ),
    )


def _replace_faces(connection: sqlite3.Connection, session_id: SessionId, faces: Sequence[IdentifiedFace]) -> None:
    new = {face.face_id: face for face in faces}
    rows = connection.execute("SELECT rowid, faces FROM session_photos WHERE session_id = ?", (session_id,)).fetchall()
    for rowid, text in rows if new else ():
        stored = read_faces(text)
        if not any(face.face_id in new for face in stored):
            continue
        replaced = [new.pop(face.face_id, face) for face in stored]
        connection.execute("UPDATE session_photos SET faces = ? WHERE rowid = ?", (faces_text(replaced), rowid))
    if new:
        raise FaceNotFound(f"The session {session_id} has no face {next(iter(new))}: read its photos again.")


def _remove_photo(tx: Transaction, session_id: SessionId, photo_id: PhotoId) -> None:
    connection = tx.connection
    if _stored_photo(connection, session_id, photo_id) is None:
        raise PhotoNotFound(f"The session {session_id} has no photo {photo_id[:80]}: read its photos again.")
    tx.remove_files(_original_file(connection, session_id, photo_id))
    connection.execute("DELETE FROM session_photos WHERE session_id = ? AND id = ?", (session_id, photo_id))


def _bump_version(connection: sqlite3.Connection, session_id: SessionId) -> None:
    connection.execute("UPDATE sessions SET version = version + 1 WHERE id = ?", (session_id,))


def _changes(connection: sqlite3.Connection, session_id: SessionId) -> list[Change]:
    rows = connection.execute("SELECT change FROM changes WHERE session_id = ? ORDER BY number", (session_id,))
    return [read_change(text) for (text,) in rows.fetchall()]


def _stored_photo(connection: sqlite3.Connection, session_id: SessionId, photo_id: PhotoId) -> SessionPhoto | None:
    row = connection.execute(_PHOTO + " WHERE session_id = ? AND id = ?", (session_id, photo_id)).fetchone()
    return None if row is None else _photo(row)


def _group_and_period(group_id: GroupId, since: datetime | None, until: datetime | None) -> tuple[str, list[str]]:
    where, parameters = _in_period(since, until)
    return " AND ".join(["group_id = ?", *where]), [group_id, *parameters]


def _in_period(since: datetime | None, until: datetime | None) -> tuple[list[str], list[str]]:
    where, parameters = [], []
    for limit, comparison in ((since, ">="), (until, "<")):
        if limit is not None:
            where.append(f"started_at {comparison} ?")
            parameters.append(time_text(limit))
    return where, parameters


def _marks(connection: sqlite3.Connection, session_id: SessionId) -> dict[StudentId, Mark]:
    rows = connection.execute(
        f"SELECT {_MARK_COLUMNS} FROM marks WHERE session_id = ? ORDER BY student_id",  # noqa: S608 our own text
        (session_id,),
    )
    marks = [_mark(row) for row in rows.fetchall()]
    return {mark.student_id: mark for mark in marks}


def _mark(row: tuple[Any, ...]) -> Mark:
    student, status, source, marked_at, *details = row
    return Mark(StudentId(student), _STATUS[status], _SOURCE[source], read_time(marked_at), *details)


def _session(row: tuple[Any, ...]) -> Session:
    session_id, group_id, started_at, version, erased, lesson, closed = row
    return Session(
        SessionId(session_id),
        GroupId(group_id),
        read_time(started_at),
        version,
        read_counts(erased),
        read_lesson(lesson),
        read_closing(closed),
    )


def _photo(row: tuple[Any, ...]) -> SessionPhoto:
    photo_id, session_id, digest, width, height, faces, pack, head, received_at, turned = row
    return SessionPhoto(
        id=PhotoId(photo_id),
        session_id=SessionId(session_id),
        digest=digest,
        width=width,
        height=height,
        faces=undamaged(
            f"The list of faces of the photo {photo_id} of the session {session_id}",
            f"remove the session with `muster sessions remove {session_id}`",
            lambda: read_faces(faces),
        ),
        pack=PackId(pack),
        head=head,
        received_at=read_time(received_at),
        turned=turned,
    )
