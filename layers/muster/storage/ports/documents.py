"""Store of documents."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from muster.domain.documents import Document, DocumentKind


class DocumentStore(Protocol):
    """JSON documents by kind and id, each with a version.

    Ids have the format of a group id. A document of one of the kinds `OF_STUDENTS` is erased with the student.
    """

    def get(self, kind: DocumentKind, id: str) -> Document:
        """Return one document; one that is not stored has version 0 and an empty body."""

    def get_many(self, kind: DocumentKind, ids: Collection[str]) -> dict[str, Document]:
        """Return those of the documents that are stored, by id."""

    def of_kind(self, kind: DocumentKind) -> list[Document]:
        """Return all documents of a kind, ordered by id."""

    def put(self, kind: DocumentKind, id: str, expected: int, body: Mapping[str, Any]) -> Document:
        """Store or replace a document atomically.

        Args:
            expected: the version that is stored; 0 if there must be none.
            body: a JSON object.

        Returns:
            The document as stored, with the next version.

        Raises:
            VersionConflict: another version is stored, or none is.
            DocumentTooLarge: the body has more than 300 kB.
            StudentNotFound: the kind is one of `OF_STUDENTS`, and no student has this id.
            StorageFull: nothing was stored.
        """

    def remove(self, kind: DocumentKind, id: str, expected: int) -> None:
        """Remove a document. A later one with its id has a higher version, so that no earlier reader replaces it.

        Raises:
            VersionConflict: another version is stored, or none is.
        """
