"""Students of one directory, with their templates and registration photos."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from muster.domain.anonymisation import anonymise, count_erased, remove_students, students_ever_named_in, students_in
from muster.domain.attendance import MarkStatus
from muster.domain.errors import NotRegistered, StudentExists, StudentNotFound
from muster.domain.identifiers import FaceId, GroupId, PackId, SessionId, StudentId, UserId
from muster.domain.learning import NewFace, with_learned_face, without_learned_face
from muster.domain.packs import comparable
from muster.domain.student import Consent, MeanView, PhotoChange, Student, Template
from muster.storage.documents import (
    change_text,
    counts_text,
    embeddings_bytes,
    faces_text,
    json_text,
    learned_documents,
    read_change,
    read_counts,
    read_embeddings,
    read_faces,
    read_learned,
    read_optional_time,
    read_time,
    time_text,
    undamaged,
)
from muster.storage.local.database import Database, note_rewrite_due
from muster.storage.local.documents import erase_documents
from muster.storage.local.erasures import keep_erasures_file, note_erasure
from muster.storage.local.files import Files
from muster.storage.local.search import raw_traces, traces
from muster.storage.local.transaction import Transaction, transaction
from muster.storage.shared import changed_concurrently, check_groups

_EVERYONE = GroupId("")

_STUDENT = """
    SELECT id, name, consent_given_at, consent_wording, consent_withdrawn_at, consent_stated_by,
           consent_renewed_after, registered_at, version, photo_changed_at, photo_changed_by,
           (SELECT group_concat(group_id, ' ') FROM memberships WHERE student = number)
    FROM students
"""
_TEMPLATE = "SELECT id, pack, embeddings, photo_digest, learned FROM students JOIN templates ON student = number"
_IN_GROUP = " WHERE number IN (SELECT student FROM memberships WHERE group_id = ?)"


class LocalStudents:
    """`StudentStore` on SQLite and files."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def add(self, student: Student, template: Template, photo: bytes, replaces: Student | None = None) -> None:
        """Store a student; see `StudentStore.add`."""
        check_groups(student)
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            row = _number_and_version(connection, student.id)
            if row is not None and row[1] is not None:
                raise _exists(student.id)
            groups = set(student.groups)
            if row is None:
                number = _insert(connection, student)
            else:
                number, _, version = row
                if version != student.version - 1 or not _is_unchanged(connection, replaces):
                    raise changed_concurrently(f"The record of {student.id}")
                groups |= _groups_of(connection, number)
                _overwrite(connection, number, student)
            connection.execute("UPDATE students SET photo_file = ? WHERE number = ?", (tx.write_file(photo), number))
            _store_template(connection, number, template)
            _bump_roster_versions(connection, groups)

    def replace_photo(self, student: Student, template: Template, photo: bytes, replaces: Student) -> None:
        """Replace the registration photo of a student; see `StudentStore.replace_photo`."""
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            number, _ = _template_of(connection, student.id)
            if not _is_unchanged(connection, replaces):
                raise changed_concurrently(f"The record of {student.id}")
            old = connection.execute("SELECT photo_file FROM students WHERE number = ?", (number,)).fetchone()
            tx.remove_files(*old)
            _overwrite(connection, number, student)
            connection.execute("UPDATE students SET photo_file = ? WHERE number = ?", (tx.write_file(photo), number))
            connection.execute("DELETE FROM staged_templates WHERE student = ?", (number,))
            _store_template(connection, number, template)
            _bump_roster_versions(connection, student.groups)
        self._database.truncate_log()

    def enrol(self, student: Student) -> None:
        """Store a record without a template; see `StudentStore.enrol`."""
        check_groups(student)
        with self._database.write() as connection:
            if _number_and_version(connection, student.id) is not None:
                raise _exists(student.id)
            _insert(connection, student)
            _bump_roster_versions(connection, student.groups)

    def update(self, student: Student) -> None:
        """Replace name and groups of a record; see `StudentStore.update`."""
        check_groups(student)
        with self._database.write() as connection:
            row = _number_and_version(connection, student.id)
            if row is None:
                raise _not_found(student.id)
            number, _, version = row
            if version != student.version - 1:
                raise changed_concurrently(f"The record of {student.id}")
            groups = _groups_of(connection, number) | student.groups
            connection.execute(
                "UPDATE students SET name = ?, version = ? WHERE number = ?", (student.name, student.version, number)
            )
            _replace_memberships(connection, number, student.groups)
            _bump_roster_versions(connection, groups)

    def withdraw(self, student_id: StudentId, at: datetime) -> Student:
        """Record the withdrawal of consent; see `StudentStore.withdraw`."""
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            row = connection.execute(_STUDENT + " WHERE id = ?", (student_id,)).fetchone()
            if row is None:
                raise _not_found(student_id)
            student = _student(row)
            if student.consent is not None and (student.consent.holds or student.registered_at is not None):
                consent = replace(student.consent, withdrawn_at=at)
                student = replace(
                    student, consent=consent, registered_at=None, photo_change=None, version=student.version + 1
                )
                _remove_template(tx, student)
                note_erasure(connection, student_id, "withdrawn")
                note_rewrite_due(connection)
        # Also if consent was withdrawn before: that call may have been interrupted here.
        keep_erasures_file(self._database)
        self._database.rewrite()
        return student

    def agree(self, student_id: StudentId, consent: Consent) -> Student:
        """Replace the consent of a registered student; see `StudentStore.agree`."""
        with self._database.write() as connection:
            number, _ = _template_of(connection, student_id)
            row = connection.execute(_STUDENT + " WHERE number = ?", (number,)).fetchone()
            old = _student(row)
            student = replace(old, consent=consent, version=old.version + 1)
            _overwrite(connection, number, student)
            _bump_roster_versions(connection, student.groups)
        return student

    def learn(self, faces: Sequence[NewFace]) -> set[StudentId]:
        """Add faces to templates; see `StudentStore.learn`."""
        changed = set()
        with self._database.write() as connection:
            for new in faces:
                try:
                    number, template = _template_of(connection, new.student_id)
                except (StudentNotFound, NotRegistered):
                    continue
                if new.pack is not None and not comparable(new.pack, template.pack):
                    continue
                learned = with_learned_face(template, new.face, new.embedding)
                if learned is not template:
                    _store_template(connection, number, learned)
                    _bump_roster_versions(connection, _groups_of(connection, number))
                    changed.add(new.student_id)
        return changed

    def unlearn(self, student_id: StudentId, face_id: FaceId) -> bool:
        """Remove a learned row from the template; see `StudentStore.unlearn`."""
        with self._database.write() as connection:
            try:
                number, template = _template_of(connection, student_id)
            except (StudentNotFound, NotRegistered):
                return False
            if face_id not in template.learned_ids:
                return False
            _store_template(connection, number, without_learned_face(template, face_id))
            _bump_roster_versions(connection, _groups_of(connection, number))
        self._database.truncate_log()
        return True

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
        """Erase a student; see `StudentStore.erase`.

        Rewrites the database file and truncates the write-ahead log, so that no byte of the student remains. If that
        must wait, because the disk is full or others are using the store, `traces` reports it until it is done.
        """
        with transaction(self._database, self._files) as tx:
            connection = tx.connection
            row = connection.execute("SELECT number, photo_file FROM students WHERE id = ?", (student_id,)).fetchone()
            if row is None:
                raise _not_found(student_id)
            number, photo = row
            memberships = connection.execute("SELECT group_id FROM memberships WHERE student = ?", (number,)).fetchall()
            tx.remove_files(photo)
            _erase_from_sessions(tx, student_id)
            erase_documents(connection, student_id)
            connection.execute("DELETE FROM students WHERE number = ?", (number,))
            _bump_roster_versions(connection, [group for (group,) in memberships])
            note_erasure(connection, student_id, "erased")
            note_rewrite_due(connection)
        keep_erasures_file(self._database)
        self._database.rewrite()

    def template(self, student_id: StudentId) -> Template:
        """Return one student's template; see `StudentStore.template`."""
        with self._database.snapshot() as connection:
            return _template_of(connection, student_id)[1]

    def templates(self, group_id: GroupId | None = None) -> list[Template]:
        """Return the templates of a group, or all, ordered by student id."""
        return [_template(row) for row in self._of_group(_TEMPLATE, group_id)]

    def roster_version(self, group_id: GroupId | None = None) -> str:
        """Return the version of a roster; see `StudentStore.roster_version`."""
        key = _EVERYONE if group_id is None else group_id
        row = self._database.read().execute("SELECT version FROM rosters WHERE group_id = ?", (key,)).fetchone()
        return str(row[0]) if row else "0"

    def school_parts(self) -> dict[str, str]:
        """Return the whole school as one part; see `StudentStore.school_parts`."""
        return {_EVERYONE: self.roster_version()}

    def mean_views(self, parts: Collection[str]) -> dict[str, list[MeanView]]:
        """Return the mean views of all students; see `StudentStore.mean_views`."""
        return {part: [template.mean_view() for template in self.templates()] for part in parts}

    def photo(self, student_id: StudentId) -> bytes:
        """Return the registration photo as it was sent; see `StudentStore.photo`."""
        row = self._database.read().execute("SELECT photo_file FROM students WHERE id = ?", (student_id,)).fetchone()
        if row is None:
            raise _not_found(student_id)
        try:
            if row[0] is not None:
                return self._files.read(row[0])
        except FileNotFoundError:
            # The student was erased or withdrew consent after the row was read.
            pass
        raise StudentNotFound(f"No registration photo of {student_id} is kept: register them with one.")

    def traces(self, student_id: StudentId) -> list[str]:
        """Search every record, file name and raw page for an id; see `StudentStore.traces`."""
        rewritten = not self._database.rewrite_due() if self._database.read_only else self._database.rewrite()
        with self._database.snapshot() as connection:
            found = traces(connection, self._files, student_id)
        return found or raw_traces(self._database, student_id, rewritten=rewritten)

    def _of_group(self, select: str, group_id: GroupId | None) -> list[tuple[Any, ...]]:
        where, parameters = ("", ()) if group_id is None else (_IN_GROUP, (group_id,))
        return self._database.read().execute(select + where + " ORDER BY id", parameters).fetchall()


def _insert(connection: sqlite3.Connection, student: Student) -> int:
    number: int = connection.execute(
        "INSERT INTO students (id, name, version) VALUES (?, ?, ?) RETURNING number",
        (student.id, student.name, student.version),
    ).fetchone()[0]
    _overwrite(connection, number, student)
    return number


def _overwrite(connection: sqlite3.Connection, number: int, student: Student) -> None:
    consent = student.consent
    connection.execute(
        "UPDATE students SET name = ?, consent_given_at = ?, consent_wording = ?, consent_withdrawn_at = ?,"
        " consent_stated_by = ?, consent_renewed_after = ?, registered_at = ?, version = ?, photo_changed_at = ?,"
        " photo_changed_by = ? WHERE number = ?",
        (
            student.name,
            _optional_time_text(consent.given_at if consent else None),
            consent.wording if consent else None,
            _optional_time_text(consent.withdrawn_at if consent else None),
            consent.stated_by if consent else None,
            _optional_time_text(consent.renewed_after if consent else None),
            _optional_time_text(student.registered_at),
            student.version,
            _optional_time_text(student.photo_change.at if student.photo_change else None),
            student.photo_change.by if student.photo_change else None,
            number,
        ),
    )
    _replace_memberships(connection, number, student.groups)


def _remove_template(tx: Transaction, student: Student) -> None:
    """Update the record of a student who withdrew consent; delete template and photo, and remove them from faces."""
    connection = tx.connection
    number, photo = connection.execute("SELECT number, photo_file FROM students WHERE id = ?", (student.id,)).fetchone()
    tx.remove_files(photo)
    _overwrite(connection, number, student)
    connection.execute("UPDATE students SET photo_file = NULL WHERE number = ?", (number,))
    connection.execute("DELETE FROM templates WHERE student = ?", (number,))
    connection.execute("DELETE FROM staged_templates WHERE student = ?", (number,))
    _bump_session_versions(connection, _erase_from_faces(tx, student.id))
    _bump_roster_versions(connection, student.groups)


def _replace_memberships(connection: sqlite3.Connection, number: int, groups: frozenset[GroupId]) -> None:
    connection.execute("DELETE FROM memberships WHERE student = ?", (number,))
    connection.executemany("INSERT INTO memberships VALUES (?, ?)", [(group, number) for group in groups])


def _groups_of(connection: sqlite3.Connection, number: int) -> set[GroupId]:
    rows = connection.execute("SELECT group_id FROM memberships WHERE student = ?", (number,))
    return {GroupId(group) for (group,) in rows.fetchall()}


def _number_and_version(connection: sqlite3.Connection, student_id: StudentId) -> tuple[int, str | None, int] | None:
    """Return a student's number, registration time and version."""
    row: tuple[int, str | None, int] | None = connection.execute(
        "SELECT number, registered_at, version FROM students WHERE id = ?", (student_id,)
    ).fetchone()
    return row


def _is_unchanged(connection: sqlite3.Connection, expected: Student | None) -> bool:
    """Return whether the stored record is the expected one; True if none is expected."""
    if expected is None:
        return True
    row = connection.execute(_STUDENT + " WHERE id = ?", (expected.id,)).fetchone()
    return row is not None and _student(row) == expected


def _store_template(connection: sqlite3.Connection, number: int, template: Template) -> None:
    # Not updated in place: a shorter template would overwrite only a part of the old bytes.
    connection.execute("DELETE FROM templates WHERE student = ?", (number,))
    connection.execute(
        "INSERT INTO templates (student, pack, photo_digest, learned, embeddings) VALUES (?, ?, ?, ?, ?)",
        (
            number,
            template.pack,
            template.photo_digest,
            json_text(learned_documents(template.learned)),
            embeddings_bytes(template),
        ),
    )


def _template_of(connection: sqlite3.Connection, student_id: StudentId) -> tuple[int, Template]:
    row = _number_and_version(connection, student_id)
    if row is None:
        raise _not_found(student_id)
    found = connection.execute(_TEMPLATE + " WHERE id = ?", (student_id,)).fetchone()
    if found is None:
        raise NotRegistered(f"{student_id} is on the roster without a photo: register them with one first.")
    return row[0], _template(found)


def _bump_roster_versions(connection: sqlite3.Connection, groups: Iterable[GroupId]) -> None:
    connection.executemany(
        "INSERT INTO rosters VALUES (?, 1) ON CONFLICT DO UPDATE SET version = version + 1",
        [(group,) for group in (_EVERYONE, *groups)],
    )


def _erase_from_sessions(tx: Transaction, student_id: StudentId) -> None:
    """Replace a student's marks by counts, and remove the id from changes and faces."""
    connection = tx.connection
    # First, since the changes show which photos named the student before.
    changed = _erase_from_faces(tx, student_id)
    for session_id, text, status in connection.execute(
        "SELECT sessions.id, erased, status FROM marks JOIN sessions ON sessions.id = session_id WHERE student_id = ?",
        (student_id,),
    ).fetchall():
        erased = count_erased(read_counts(text), MarkStatus(status))
        connection.execute("UPDATE sessions SET erased = ? WHERE id = ?", (counts_text(erased), session_id))
        changed.add(session_id)
    connection.execute("DELETE FROM marks WHERE student_id = ?", (student_id,))
    for number, text in connection.execute(
        "SELECT number, change FROM changes WHERE instr(change, ?)", (_quoted(student_id),)
    ).fetchall():
        left = anonymise(read_change(text), {student_id})
        connection.execute("UPDATE changes SET change = ? WHERE number = ?", (change_text(left), number))
    _erase_reasons(connection, changed, student_id)
    _bump_session_versions(connection, changed)


def _erase_reasons(connection: sqlite3.Connection, sessions: Collection[SessionId], student_id: StudentId) -> None:
    """Remove the reasons for which registers of a student were reopened."""
    for session_id in sessions:
        for number, text in connection.execute(
            "SELECT number, change FROM changes WHERE session_id = ? AND instr(change, '\"register_closed\"')",
            (session_id,),
        ).fetchall():
            left = change_text(anonymise(read_change(text), {student_id}))
            if left != text:
                connection.execute("UPDATE changes SET change = ? WHERE number = ?", (left, number))


def _erase_from_faces(tx: Transaction, student_id: StudentId) -> set[SessionId]:
    """Remove an id from faces, and the files of photos that named it; return the sessions whose faces changed."""
    connection = tx.connection
    changed = set()
    quoted = _quoted(student_id)
    for rowid, session_id, text, original in connection.execute(
        "SELECT rowid, session_id, faces, original_file FROM session_photos WHERE instr(faces, ?)"
        " OR session_id IN (SELECT session_id FROM changes WHERE instr(change, ?))",
        (quoted, quoted),
    ).fetchall():
        try:
            faces = read_faces(text)
        except (ValueError, KeyError, TypeError):
            # It is unknown which of the damaged faces are the student's.
            faces, damaged = (), True
        else:
            damaged = False
        if damaged or student_id in students_in(faces):
            left = faces_text(remove_students(faces, {student_id}))
            connection.execute("UPDATE session_photos SET faces = ? WHERE rowid = ?", (left, rowid))
            changed.add(session_id)
        changes = connection.execute("SELECT change FROM changes WHERE session_id = ?", (session_id,)).fetchall()
        if damaged or student_id in students_ever_named_in(faces, [read_change(change) for (change,) in changes]):
            tx.remove_files(original)
            connection.execute("UPDATE session_photos SET original_file = NULL WHERE rowid = ?", (rowid,))
    return changed


def _quoted(student_id: StudentId) -> str:
    """Return an id as it appears in JSON; ids need no escaping."""
    return f'"{student_id}"'


def _bump_session_versions(connection: sqlite3.Connection, sessions: Iterable[SessionId]) -> None:
    connection.executemany(
        "UPDATE sessions SET version = version + 1 WHERE id = ?", [(session_id,) for session_id in sessions]
    )


def _template(row: tuple[Any, ...]) -> Template:
    student_id, pack, blob, digest, learned = row
    embeddings, faces = undamaged(
        f"The template of {student_id}",
        f"`muster students withdraw {student_id}`, then register the student again",
        lambda: (read_embeddings(blob), read_learned(json.loads(learned))),
    )
    return Template(StudentId(student_id), PackId(pack), embeddings, digest, faces)


def _student(row: tuple[Any, ...]) -> Student:
    student_id, name, given_at, wording, withdrawn_at, stated_by, renewed_after, registered_at, *others = row
    version, changed_at, changed_by, groups = others
    consent = None
    if given_at is not None:
        consent = Consent(
            read_time(given_at),
            wording,
            read_optional_time(withdrawn_at),
            stated_by,
            read_optional_time(renewed_after),
        )
    return Student(
        id=StudentId(student_id),
        name=name,
        # Ids contain no spaces.
        groups=frozenset(GroupId(group) for group in (groups or "").split()),
        consent=consent,
        registered_at=read_optional_time(registered_at),
        version=version,
        photo_change=None if changed_at is None else PhotoChange(read_time(changed_at), UserId(changed_by)),
    )


def _optional_time_text(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


def _exists(student_id: StudentId) -> StudentExists:
    return StudentExists(
        f"The id {student_id} belongs to a registered student. Choose another id, or erase that student first."
    )


def _not_found(student_id: StudentId) -> StudentNotFound:
    return StudentNotFound(f"Nobody is registered as {student_id}: check the id, or register the student first.")
