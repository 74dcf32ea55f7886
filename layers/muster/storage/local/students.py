"""Students, their templates and registration photos in one directory."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from muster.domain.errors import StudentExists, StudentNotFound
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.student import Consent, Student, Template
from muster.storage.documents import (
    embeddings_bytes,
    faces_text,
    read_embeddings,
    read_faces,
    read_optional_time,
    read_time,
    time_text,
)
from muster.storage.local.changes import Change, change
from muster.storage.local.database import Database
from muster.storage.local.files import Files
from muster.storage.rules import check_groups, named_in, without

_EVERYONE = GroupId("")

_STUDENT = """
    SELECT id, name, consent_given_at, consent_wording, consent_withdrawn_at, registered_at, version,
           (SELECT group_concat(group_id, ' ') FROM memberships WHERE student = number)
    FROM students
"""
_TEMPLATE = "SELECT id, pack, embeddings, photo_digest FROM students JOIN templates ON student = number"
_OF_GROUP = " WHERE number IN (SELECT student FROM memberships WHERE group_id = ?)"


class LocalStudents:
    """`StudentStore` on SQLite and files."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def add(self, student: Student, template: Template, photo: bytes) -> None:
        """Store a new student whole; see `StudentStore.add`."""
        check_groups(student)
        with change(self._database, self._files) as under_way:
            connection = under_way.connection
            if _number_of(connection, student.id) is not None:
                raise StudentExists(
                    f"The id {student.id} belongs to a registered student: take another id, "
                    "or erase that student first."
                )
            number = _insert(connection, student, under_way.write_file(photo))
            connection.execute(
                "INSERT INTO templates (student, pack, photo_digest, embeddings) VALUES (?, ?, ?, ?)",
                (number, template.pack, template.photo_digest, embeddings_bytes(template)),
            )
            connection.executemany(
                "INSERT INTO memberships VALUES (?, ?)", [(group, number) for group in student.groups]
            )
            _note_change(connection, student.groups)

    def get(self, student_id: StudentId) -> Student:
        """Return one student; see `StudentStore.get`."""
        row = self._database.read().execute(_STUDENT + " WHERE id = ?", (student_id,)).fetchone()
        if row is None:
            raise _not_found(student_id)
        return _student(row)

    def find(self, group_id: GroupId | None = None) -> list[Student]:
        """Return the students of a group, or all, ordered by id."""
        return [_student(row) for row in self._of_group(_STUDENT, group_id)]

    def erase(self, student_id: StudentId) -> None:
        """Remove every trace of a student; see `StudentStore.erase`.

        The write-ahead log is cut and deleted content overwritten, so that the raw files hold no embedding either.
        """
        with change(self._database, self._files) as under_way:
            connection = under_way.connection
            row = connection.execute("SELECT number, photo_file FROM students WHERE id = ?", (student_id,)).fetchone()
            if row is None:
                raise _not_found(student_id)
            number, photo = row
            memberships = connection.execute("SELECT group_id FROM memberships WHERE student = ?", (number,)).fetchall()
            under_way.remove_files(photo)
            _forget_in_sessions(under_way, student_id)
            connection.execute("DELETE FROM students WHERE number = ?", (number,))
            _note_change(connection, [group for (group,) in memberships])
        self._database.truncate_log()

    def template(self, student_id: StudentId) -> Template:
        """Return one student's template; see `StudentStore.template`."""
        row = self._database.read().execute(_TEMPLATE + " WHERE id = ?", (student_id,)).fetchone()
        if row is None:
            raise _not_found(student_id)
        return _template(row)

    def templates(self, group_id: GroupId | None = None) -> list[Template]:
        """Return the templates of a group, or all, ordered by student id."""
        return [_template(row) for row in self._of_group(_TEMPLATE, group_id)]

    def roster_version(self, group_id: GroupId | None = None) -> str:
        """Return a text that changes with the group's members and their templates."""
        key = _EVERYONE if group_id is None else group_id
        row = self._database.read().execute("SELECT version FROM rosters WHERE group_id = ?", (key,)).fetchone()
        return str(row[0]) if row else "0"

    def photo(self, student_id: StudentId) -> bytes:
        """Return the registration photo as it was sent; see `StudentStore.photo`."""
        row = self._database.read().execute("SELECT photo_file FROM students WHERE id = ?", (student_id,)).fetchone()
        if row is None:
            raise _not_found(student_id)
        try:
            return self._files.read(row[0])
        except FileNotFoundError as error:
            raise StudentNotFound(f"The registration photo of {student_id} is no longer kept.") from error

    def _of_group(self, select: str, group_id: GroupId | None) -> list[tuple[Any, ...]]:
        where, parameters = ("", ()) if group_id is None else (_OF_GROUP, (group_id,))
        return self._database.read().execute(select + where + " ORDER BY id", parameters).fetchall()


def _insert(connection: sqlite3.Connection, student: Student, photo_file: str) -> int | None:
    consent = student.consent
    return connection.execute(
        "INSERT INTO students (id, name, consent_given_at, consent_wording, consent_withdrawn_at, registered_at,"
        " version, photo_file) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            student.id,
            student.name,
            time_text(consent.given_at),
            consent.wording,
            _optional_time_text(consent.withdrawn_at),
            time_text(student.registered_at),
            student.version,
            photo_file,
        ),
    ).lastrowid


def _number_of(connection: sqlite3.Connection, student_id: StudentId) -> int | None:
    row = connection.execute("SELECT number FROM students WHERE id = ?", (student_id,)).fetchone()
    return None if row is None else int(row[0])


def _note_change(connection: sqlite3.Connection, groups: Sequence[GroupId] | frozenset[GroupId]) -> None:
    connection.executemany(
        "INSERT INTO rosters VALUES (?, 1) ON CONFLICT DO UPDATE SET version = version + 1",
        [(group,) for group in (_EVERYONE, *groups)],
    )


def _forget_in_sessions(under_way: Change, student_id: StudentId) -> None:
    """Remove an id from marks and faces, and the files of the photos in which the student was named."""
    connection = under_way.connection
    connection.execute("DELETE FROM marks WHERE student_id = ?", (student_id,))
    # An id needs no escaping in JSON, so that its quoted form is found as text.
    for rowid, text, original, annotated in connection.execute(
        "SELECT rowid, faces, original_file, annotated_file FROM session_photos WHERE instr(faces, ?)",
        (f'"{student_id}"',),
    ).fetchall():
        faces = read_faces(text)
        connection.execute(
            "UPDATE session_photos SET faces = ? WHERE rowid = ?", (faces_text(without(faces, {student_id})), rowid)
        )
        if student_id in named_in(faces):
            under_way.remove_files(original, annotated)
            connection.execute(
                "UPDATE session_photos SET original_file = NULL, annotated_file = NULL WHERE rowid = ?", (rowid,)
            )


def _template(row: tuple[Any, ...]) -> Template:
    student_id, pack, blob, digest = row
    return Template(StudentId(student_id), PackId(pack), read_embeddings(blob), digest)


def _student(row: tuple[Any, ...]) -> Student:
    student_id, name, given_at, wording, withdrawn_at, registered_at, version, groups = row
    return Student(
        id=StudentId(student_id),
        name=name,
        # Ids hold no space.
        groups=frozenset(GroupId(group) for group in (groups or "").split()),
        consent=Consent(read_time(given_at), wording, read_optional_time(withdrawn_at)),
        registered_at=read_time(registered_at),
        version=version,
    )


def _optional_time_text(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


def _not_found(student_id: StudentId) -> StudentNotFound:
    return StudentNotFound(f"Nobody is registered as {student_id}: check the id, or register the student first.")
