"""Sessions with their photos and marks in one directory."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from muster.domain.attendance import Mark, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.errors import PhotoNotFound, SessionExists, SessionNotFound
from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId
from muster.storage.documents import faces_text, read_faces, read_time, time_text
from muster.storage.local.changes import change
from muster.storage.local.database import Database
from muster.storage.local.files import Files
from muster.storage.rules import replaces, students_in, without

_PHOTO = "SELECT id, session_id, digest, width, height, faces, pack, head, received_at FROM session_photos"


class LocalSessions:
    """`SessionStore` on SQLite and files."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def create(self, session: Session, roster: Sequence[StudentId]) -> None:
        """Open a session; see `SessionStore.create`."""
        with self._database.write() as connection:
            if _session_row(connection, session.id) is not None:
                raise SessionExists(f"The session {session.id} is open already: take another id, or use that session.")
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (session.id, session.group_id, time_text(session.started_at))
            )
            registered = _registered(connection, roster)
            absent = [
                Mark(student, MarkStatus.ABSENT, MarkSource.PHOTO, session.started_at)
                for student in dict.fromkeys(roster)
                if student in registered
            ]
            _store_marks(connection, session.id, absent)

    def get(self, session_id: SessionId) -> Session:
        """Return one session; see `SessionStore.get`."""
        return _session(_existing(self._database.read(), session_id))

    def of_group(self, group_id: GroupId) -> list[Session]:
        """Return a group's sessions, oldest first."""
        rows = self._database.read().execute(
            "SELECT id, group_id, started_at FROM sessions WHERE group_id = ? ORDER BY started_at, id", (group_id,)
        )
        return [_session(row) for row in rows.fetchall()]

    def record_photo(self, photo: SessionPhoto, original: bytes, annotated: bytes, marks: Sequence[Mark]) -> None:
        """Store a read photo and apply its marks; see `SessionStore.record_photo`."""
        with change(self._database, self._files) as under_way:
            connection = under_way.connection
            _existing(connection, photo.session_id)
            # A student may have been erased while the photo was read.
            involved = students_in(photo.faces) | {mark.student_id for mark in marks}
            registered = _registered(connection, involved)
            photo = replace(photo, faces=without(photo.faces, involved - registered))
            under_way.remove_files(*_files_of(connection, photo.session_id, photo.id))
            _store_photo(connection, photo, under_way.write_file(original), under_way.write_file(annotated))
            _store_marks(connection, photo.session_id, [mark for mark in marks if mark.student_id in registered])

    def photos(self, session_id: SessionId) -> list[SessionPhoto]:
        """Return a session's photos in the order received; see `SessionStore.photos`."""
        with self._database.snapshot() as connection:
            _existing(connection, session_id)
            rows = connection.execute(_PHOTO + " WHERE session_id = ? ORDER BY received_at, id", (session_id,))
            return [_photo(row) for row in rows.fetchall()]

    def annotated(self, session_id: SessionId, photo_id: PhotoId) -> bytes:
        """Return the annotated JPEG of a photo; see `SessionStore.annotated`."""
        tried = None
        while True:
            row = (
                self._database.read()
                .execute(
                    "SELECT annotated_file FROM session_photos WHERE session_id = ? AND id = ?", (session_id, photo_id)
                )
                .fetchone()
            )
            # The file found by the first look may have been replaced before it could be read.
            if row is None or row[0] is None or row[0] == tried:
                raise PhotoNotFound(f"No photo {photo_id} is kept in the session {session_id}: send it again.")
            tried = row[0]
            try:
                return self._files.read(tried)
            except FileNotFoundError:
                continue

    def marks(self, session_id: SessionId) -> list[Mark]:
        """Return a session's marks, ordered by student id; see `SessionStore.marks`."""
        with self._database.snapshot() as connection:
            _existing(connection, session_id)
            return list(_marks(connection, session_id).values())


def _session_row(connection: sqlite3.Connection, session_id: SessionId) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = connection.execute(
        "SELECT id, group_id, started_at FROM sessions WHERE id = ?", (session_id,)
    ).fetchone()
    return row


def _existing(connection: sqlite3.Connection, session_id: SessionId) -> tuple[Any, ...]:
    row = _session_row(connection, session_id)
    if row is None:
        raise SessionNotFound(f"There is no session {session_id}: check the id, or open the session first.")
    return row


def _registered(connection: sqlite3.Connection, students: Iterable[StudentId]) -> set[StudentId]:
    found = set()
    for student in students:
        if connection.execute("SELECT 1 FROM students WHERE id = ?", (student,)).fetchone():
            found.add(student)
    return found


def _files_of(connection: sqlite3.Connection, session_id: SessionId, photo_id: PhotoId) -> tuple[str | None, ...]:
    row: tuple[str | None, ...] | None = connection.execute(
        "SELECT original_file, annotated_file FROM session_photos WHERE session_id = ? AND id = ?",
        (session_id, photo_id),
    ).fetchone()
    return row or ()


def _store_photo(connection: sqlite3.Connection, photo: SessionPhoto, original: str, annotated: str) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO session_photos (session_id, id, digest, width, height, faces, pack, head,"
        " received_at, original_file, annotated_file) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            annotated,
        ),
    )


def _store_marks(connection: sqlite3.Connection, session_id: SessionId, marks: Sequence[Mark]) -> None:
    stored = _marks(connection, session_id)
    for mark in marks:
        if replaces(mark, stored.get(mark.student_id)):
            stored[mark.student_id] = mark
            connection.execute(
                "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?)",
                (session_id, mark.student_id, mark.status.value, mark.source.value, time_text(mark.marked_at)),
            )


def _marks(connection: sqlite3.Connection, session_id: SessionId) -> dict[StudentId, Mark]:
    rows = connection.execute(
        "SELECT student_id, status, source, marked_at FROM marks WHERE session_id = ? ORDER BY student_id",
        (session_id,),
    )
    return {
        StudentId(student): Mark(StudentId(student), MarkStatus(status), MarkSource(source), read_time(marked_at))
        for student, status, source, marked_at in rows.fetchall()
    }


def _session(row: tuple[Any, ...]) -> Session:
    session_id, group_id, started_at = row
    return Session(SessionId(session_id), GroupId(group_id), read_time(started_at))


def _photo(row: tuple[Any, ...]) -> SessionPhoto:
    photo_id, session_id, digest, width, height, faces, pack, head, received_at = row
    return SessionPhoto(
        id=PhotoId(photo_id),
        session_id=SessionId(session_id),
        digest=digest,
        width=width,
        height=height,
        faces=read_faces(faces),
        pack=PackId(pack),
        head=head,
        received_at=read_time(received_at),
    )
