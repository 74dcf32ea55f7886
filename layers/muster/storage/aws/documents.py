"""Documents in the table."""

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
from muster.domain.identifiers import StudentId
from muster.storage.aws import keys
from muster.storage.aws.student_items import not_found, record_key
from muster.storage.aws.table import ConditionFailed, Item, Key, Table
from muster.storage.documents import document_text, read_document
from muster.storage.shared import changed_concurrently

_ATTEMPTS = 10
"""Attempts under conflict; documents are rarely removed at once."""


class AwsDocuments:
    """`DocumentStore` on DynamoDB: one item per document, and one partition per kind, so that one query lists them."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, kind: DocumentKind, id: str) -> Document:
        """Return one document; see `DocumentStore.get`."""
        item = self._table.get(_key(kind, id))
        return Document(id) if item is None else _document(kind, item)

    def get_many(self, kind: DocumentKind, ids: Collection[str]) -> dict[str, Document]:
        """Return those of the documents that are stored; see `DocumentStore.get_many`."""
        found = self._table.get_many([_key(kind, id) for id in sorted(set(ids))])
        return {item["sk"]: _document(kind, item) for item in found.values()}

    def of_kind(self, kind: DocumentKind) -> list[Document]:
        """Return all documents of a kind, ordered by id."""
        return [_document(kind, item) for item in self._table.query(keys.document_partition(kind))]

    def put(self, kind: DocumentKind, id: str, expected: int, body: Mapping[str, Any]) -> Document:
        """Store or replace a document; see `DocumentStore.put`."""
        pk, sk = _key(kind, id)
        version = (expected or self.get(DocumentKind.REMOVED, kind).version) + 1
        item = {"pk": pk, "sk": sk, "version": version, "body": document_text(kind, id, body)}
        actions = [self._table.put_action(item, *_has_version(expected))]
        if kind in OF_STUDENTS:
            actions.append(self._table.condition_check(record_key(StudentId(id)), "attribute_exists(pk)"))
        try:
            self._table.transact_write(actions)
        except ConditionFailed as error:
            if 1 in error.failed:
                raise not_found(StudentId(id)) from error
            raise changed_concurrently(f"The document {kind} {id}") from error
        return _document(kind, item)

    def remove(self, kind: DocumentKind, id: str, expected: int) -> None:
        """Remove a document; see `DocumentStore.remove`."""
        for _ in range(_ATTEMPTS):
            actions = [self._table.delete_action(_key(kind, id), "version = :before", {":before": expected})]
            removed = self.get(DocumentKind.REMOVED, kind).version
            if expected > removed:
                pk, sk = _key(DocumentKind.REMOVED, kind)
                highest = {"pk": pk, "sk": sk, "version": expected, "body": "{}"}
                actions.append(self._table.put_action(highest, *_has_version(removed)))
            try:
                self._table.transact_write(actions)
            except ConditionFailed as error:
                if 0 in error.failed:
                    raise changed_concurrently(f"The document {kind} {id}") from error
                # Another document of the kind was removed concurrently.
                continue
            return
        raise changed_concurrently(f"The documents of the kind {kind}")


def erase_actions(table: Table, student_id: StudentId) -> list[Item]:
    """Return the transaction actions that remove the documents of a student."""
    return [table.delete_action(_key(kind, student_id)) for kind in sorted(OF_STUDENTS)]


def erase_entries(table: Table, student_id: StudentId) -> None:
    """Remove the entries that name a student from the documents of all kinds `NAMING_STUDENTS`.

    Raises:
        ConditionFailed: a document was changed concurrently. Repeating the call completes it.
    """
    for kind in sorted(NAMING_STUDENTS):
        for document in AwsDocuments(table).of_kind(kind):
            if student_id in students_in_document(kind, document.id, document.body):
                pk, sk = _key(kind, document.id)
                text = document_text(kind, sk, without_student(document.body, student_id))
                item = {"pk": pk, "sk": sk, "version": document.version + 1, "body": text}
                table.put(item, *_has_version(document.version))


def _key(kind: DocumentKind, id: str) -> Key:
    return keys.document_partition(kind), id


def _has_version(expected: int) -> tuple[str, Item]:
    return ("version = :before", {":before": expected}) if expected else ("attribute_not_exists(pk)", {})


def _document(kind: DocumentKind, item: Item) -> Document:
    return read_document(kind, item["sk"], int(item["version"]), item["body"])
