"""Documents: small JSON objects with a version, for everything that needs no table of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from muster.domain.identifiers import StudentId


class DocumentKind(StrEnum):
    """The kinds of documents, and what their ids are. The values are stored."""

    CODES = "codes"
    """The table of attendance codes; one document, `SCHOOL`."""
    TERMS = "terms"
    """Terms and holidays; one document, `SCHOOL`."""
    LESSONS = "lessons"
    """The lessons of a group; the id is the group's."""
    ABSENCES = "absences"
    """The planned absences of a student; the id is the student's."""
    GUESTS = "guests"
    """The guests of a session; the id is the session's."""
    SUBSTITUTES = "substitutes"
    """Access of substitutes."""
    TOKENS = "tokens"
    """Access of other systems."""
    NOTICES = "notices"
    """Messages about absences; the id is the student's."""
    NOTICE_DAYS = "notice-days"
    """The students who may have notices of a day; the id is the day and a part of the school."""
    CONTACTS = "contacts"
    """The addresses that receive notices about a student; the id is the student's."""
    WEBHOOKS = "webhooks"
    """Addresses that receive events."""
    EXCHANGE = "exchange"
    """Settings and results of exchange with other systems."""
    REMOVED = "removed"
    """The highest version of the removed documents of a kind, kept by the store itself; the id is the kind."""


SCHOOL: Final = "school"
"""The id of a document of which there is one for the whole school."""

OF_STUDENTS: Final = frozenset({DocumentKind.ABSENCES, DocumentKind.CONTACTS, DocumentKind.NOTICES})
"""Kinds whose ids are students' ids. They need the student's record, and an erasure removes them with it."""

NAMING_STUDENTS: Final = frozenset({DocumentKind.GUESTS, DocumentKind.NOTICE_DAYS})
"""Kinds whose lists name students of other ids. An erasure removes the entries that name the student."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        version: counts changes, from 1, or from the version after those of removed documents of its kind; 0 for a
            document that is not stored.
        body: a JSON object. Students are named only in fields `student_id` and `student_ids`.
    """

    id: str
    version: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)


def students_in_document(kind: str, id: str, body: Mapping[str, Any]) -> set[StudentId]:
    """Return the students that a document is about or names."""
    found = {StudentId(id)} if kind in OF_STUDENTS else set()
    return found | _named(body)


def without_student(body: Mapping[str, Any], student_id: StudentId) -> dict[str, Any]:
    """Return a body of one of the kinds `NAMING_STUDENTS` without the entries of its lists that name a student."""
    return {
        name: [entry for entry in value if student_id not in _named(entry)] if isinstance(value, list) else value
        for name, value in body.items()
    }


def _named(value: Any) -> set[StudentId]:
    if isinstance(value, Mapping):
        one, many = value.get("student_id"), value.get("student_ids")
        own = {StudentId(id) for id in [one, *(many if isinstance(many, list) else [])] if isinstance(id, str)}
        return own.union(*map(_named, value.values()))
    return set().union(*map(_named, value)) if isinstance(value, list) else set()
