"""Documents of one directory."""

import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from muster.domain.documents import (
    NAMING_STUDENTS,
    OF_STUDENTS,
    Document,
    DocumentKind,
    students_in_document,
    without_student,
)
from muster.domain.errors import StudentNotFound
from muster.domain.identifiers import StudentId
from muster.storage.documents import document_text, read_document, read_document_body
from muster.storage.local.database import Database
from muster.storage.shared import changed_concurrently

_DOCUMENT = "SELECT id, version, body FROM documents WHERE kind = ?"
_MAX_IDS = 500
"""Ids in one statement, below SQLite's limit of 999 parameters in old builds (sqlite.org/limits.html)."""


class LocalDocuments:
    """`DocumentStore` on SQLite."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, kind: DocumentKind, id: str) -> Document:
        """Return one document; see `DocumentStore.get`."""
        row = self._database.read().execute(_DOCUMENT + " AND id = ?", (kind, id)).fetchone()
        return Document(id) if row is None else read_document(kind, *row)

    def get_many(self, kind: DocumentKind, ids: Collection[str]) -> dict[str, Document]:
        """Return those of the documents that are stored; see `DocumentStore.get_many`."""
        wanted, found = sorted(set(ids)), {}
        with self._database.snapshot() as connection:
            for start in range(0, len(wanted), _MAX_IDS):
                batch = wanted[start : start + _MAX_IDS]
                select = f"{_DOCUMENT} AND id IN ({','.join('?' * len(batch))})"
                for row in connection.execute(select, (kind, *batch)).fetchall():
                    found[row[0]] = read_document(kind, *row)
        return found

    def of_kind(self, kind: DocumentKind) -> list[Document]:
        """Return all documents of a kind, ordered by id."""
        rows = self._database.read().execute(_DOCUMENT + " ORDER BY id", (kind,)).fetchall()
        return [read_document(kind, *row) for row in rows]

    def put(self, kind: DocumentKind, id: str, expected: int, body: Mapping[str, Any]) -> Document:
        """Store or replace a document; see `DocumentStore.put`."""
        text = document_text(kind, id, body)
        with self._database.write() as connection:
            if kind in OF_STUDENTS:
                _check_student(connection, StudentId(id))
            _check_version(connection, kind, id, expected)
            version = (expected or _version(connection, DocumentKind.REMOVED, kind)) + 1
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (kind, id, version, text))
        return read_document(kind, id, version, text)

    def remove(self, kind: DocumentKind, id: str, expected: int) -> None:
        """Remove a document; see `DocumentStore.remove`."""
        with self._database.write() as connection:
            if not expected:
                raise changed_concurrently(f"The document {kind} {id}")
            _check_version(connection, kind, id, expected)
            connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, id))
            if expected > _version(connection, DocumentKind.REMOVED, kind):
                removed = (DocumentKind.REMOVED, kind, expected, "{}")
                connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", removed)


def erase_documents(connection: sqlite3.Connection, student_id: StudentId) -> None:
    """Remove a student's documents, and the entries that name the student, in the transaction of the erasure."""
    connection.executemany(
        "DELETE FROM documents WHERE kind = ? AND id = ?", [(kind, student_id) for kind in sorted(OF_STUDENTS)]
    )
    for kind in sorted(NAMING_STUDENTS):
        for id, version, text in connection.execute(
            "SELECT id, version, body FROM documents WHERE kind = ?", (kind,)
        ).fetchall():
            body = read_document_body(text)
            if student_id in students_in_document(kind, id, body):
                left = document_text(kind, id, without_student(body, student_id))
                connection.execute(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (kind, id, version + 1, left)
                )


def _check_version(connection: sqlite3.Connection, kind: DocumentKind, id: str, expected: int) -> None:
    if _version(connection, kind, id) != expected:
        raise changed_concurrently(f"The document {kind} {id}")


def _version(connection: sqlite3.Connection, kind: DocumentKind, id: str) -> int:
    row = connection.execute("SELECT version FROM documents WHERE kind = ? AND id = ?", (kind, id)).fetchone()
    return int(row[0]) if row else 0


def _check_student(connection: sqlite3.Connection, student_id: StudentId) -> None:
    if connection.execute("SELECT 1 FROM students WHERE id = ?", (student_id,)).fetchone() is None:
        raise StudentNotFound(f"There is no student {student_id}: check the id.")
