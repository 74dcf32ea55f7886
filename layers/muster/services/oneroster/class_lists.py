"""The classes that came from OneRoster packages, by school, so that a class that a later package lacks has ended."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from muster.domain.documents import DocumentKind
from muster.domain.errors import VersionConflict
from muster.domain.identifiers import GroupId
from muster.services.oneroster.identities import Identities
from muster.services.oneroster.tables import Tables
from muster.storage.ports import DocumentStore

_PREFIX = "oneroster-classes-"
_ATTEMPTS = 5

ClassLists = Mapping[str, frozenset[GroupId]]
"""Groups by the `sourcedId` of their school."""


@dataclass(frozen=True, slots=True)
class ImportedClasses:
    """Keeps the lists, one document per school, because a document holds the classes of one school only."""

    documents: DocumentStore

    def lists(self) -> ClassLists:
        """Return the lists of all schools."""
        stored = self.documents.of_kind(DocumentKind.EXCHANGE)
        return {
            document.body["school"]: frozenset(map(GroupId, document.body["classes"]))
            for document in stored
            if document.id.startswith(_PREFIX)
        }

    def keep(self, lists: ClassLists) -> None:
        """Replace the lists of these schools.

        Raises:
            VersionConflict: they are being changed by other imports.
            DocumentTooLarge: a school has too many classes.
        """
        for school, classes in lists.items():
            self._keep(school, classes)

    def _keep(self, school: str, classes: Collection[GroupId]) -> None:
        id = _PREFIX + hashlib.sha256(school.encode()).hexdigest()[:32]
        body = {"school": school, "classes": sorted(classes)}
        for _ in range(_ATTEMPTS):
            document = self.documents.get(DocumentKind.EXCHANGE, id)
            if document.body == body:
                return
            try:
                self.documents.put(DocumentKind.EXCHANGE, id, document.version, body)
            except VersionConflict:
                continue
            return
        raise VersionConflict("Other imports are changing the classes. Import the package again.")


@dataclass(frozen=True, slots=True)
class ClassChanges:
    """The lists beside a package.

    Attributes:
        missing: groups of classes that earlier packages had and this complete one lacks.
        lists: of the schools in the package, afterwards.
    """

    missing: frozenset[GroupId] = frozenset()
    lists: ClassLists = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Tables, identities: Identities, stored: ClassLists) -> "ClassChanges":
        """Compare a package with the stored lists.

        Only schools that the package names are compared: a district may export its schools one by one.
        """
        if "classes" not in tables.rows:
            return cls()
        complete = tables.complete("classes")
        missing: set[GroupId] = set()
        lists = {}
        for school in sorted(set(_schools(tables, identities))):
            found = [
                planned
                for source_id, planned in identities.classes.items()
                if identities.class_rows[source_id]["schoolSourcedId"] == school
            ]
            current = {planned.group_id for planned in found if not planned.deleted}
            before = stored.get(school, frozenset())
            if complete:
                missing |= before - {planned.group_id for planned in found}
            else:
                current |= before - {planned.group_id for planned in found if planned.deleted}
            if current or before:
                lists[school] = frozenset(current)
        return cls(frozenset(missing), lists)


def _schools(tables: Tables, identities: Identities) -> Iterator[str]:
    if identities.school is not None:
        yield identities.school
        return
    yield from (row.id for row in tables.of("orgs"))
    yield from (row["schoolSourcedId"] for row in identities.class_rows.values())
