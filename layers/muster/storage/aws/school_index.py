"""The mean views of all registered students, in items of their own, for the search for duplicates.

A template is too large to read all of a school's at each registration. The index holds one small item per registered
student, in 64 partitions. The transaction that changes a template also changes its item here, and gives its part of the
school a new version in the school's roster. A registration reads that roster, one item, and the parts that changed.
"""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from uuid import uuid4
from zlib import crc32

from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import MeanView
from muster.storage.aws import keys
from muster.storage.aws.table import ConditionFailed, Item, Key, Table

PARTS: Final = 64
"""Never changed, since stored items depend on it. A part of a school of 20,000 has 470 kB, one page of a query."""

_THREADS = 8
_ROSTER: Final[Key] = (keys.group_partition(None), keys.ROSTER)
_VERSION_PREFIX: Final = "part"
_FLOAT: Final = "<f2"
"""Half the size of float32. The score of 704 such numbers is less than 0.001 standard deviations away."""


@dataclass(frozen=True, slots=True)
class SchoolRoster:
    """The versions of the school's roster.

    Attributes:
        version: counts the changes of the roster.
        indexed: counts those that were made together with the index; fewer if an earlier version of Muster, which has
            no index, made the others.
        parts: the parts of the school, with their versions.
    """

    version: int
    indexed: int
    parts: dict[str, str]

    @property
    def complete(self) -> bool:
        """Whether the index agrees with the templates."""
        return self.version == self.indexed


class SchoolIndex:
    """Reads and writes the index."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put_action(self, view: MeanView) -> Item:
        """Return the transaction action that writes a student's mean view."""
        return self._table.put_action(index_item(view))

    def delete_action(self, student_id: StudentId) -> Item:
        """Return the transaction action that deletes a student's mean view."""
        return self._table.delete_action(index_key(student_id))

    def bump_action(self, changed: Collection[StudentId] = ()) -> Item:
        """Return the transaction action that gives the school's roster a new version.

        Args:
            changed: students whose items in the index change in the same transaction.
        """
        counts, values = "ADD version :one, index_version :one", {":one": 1}
        names = {_VERSION_PREFIX + part_of(student_id) for student_id in changed}
        if not names:
            return self._table.update_action(_ROSTER, counts, values)
        return self._table.update_action(_ROSTER, f"{_renew(names)} {counts}", {**values, ":new": _new_version()})

    def roster(self) -> SchoolRoster:
        """Return the versions of the school's roster."""
        item = self._table.get(_ROSTER) or {}
        versions = {name: str(value) for name, value in sorted(item.items()) if name.startswith(_VERSION_PREFIX)}
        return SchoolRoster(
            int(item.get("version", 0)),
            int(item.get("index_version", 0)),
            {name.removeprefix(_VERSION_PREFIX): version for name, version in versions.items()},
        )

    def mark_complete(self, roster: SchoolRoster) -> bool:
        """Note that the index agrees with the templates, unless the roster changed since it was read.

        Returns:
            Whether the roster was unchanged.
        """
        names = {f"{_VERSION_PREFIX}{part:02d}" for part in range(PARTS)}
        values = {":version": roster.version, ":indexed": roster.indexed, ":new": _new_version()}
        unchanged = "index_version = :indexed"
        if roster.indexed == 0:
            unchanged = f"(attribute_not_exists(index_version) OR {unchanged})"
        mark = self._table.update_action(
            _ROSTER, f"{_renew(names)}, index_version = :version", values, f"version = :version AND {unchanged}"
        )
        try:
            self._table.transact_write([mark])
        except ConditionFailed:
            return False
        return True

    def views(self, parts: Collection[str]) -> dict[str, list[MeanView]]:
        """Return the mean views of the students of some parts, one query per part."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return dict(zip(parts, pool.map(lambda part: list(self._views(part)), parts), strict=True))

    def _views(self, part: str) -> Iterator[MeanView]:
        import numpy as np

        for item in self._table.query(keys.SEARCH_PREFIX + part):
            embedding = np.frombuffer(item["embedding"], _FLOAT).astype(np.float32)
            yield MeanView(StudentId(item["sk"].removeprefix(keys.MEMBER_PREFIX)), PackId(item["pack"]), embedding)


def part_of(student_id: StudentId) -> str:
    """Return the part of the school that a student belongs to."""
    return f"{crc32(student_id.encode()) % PARTS:02d}"


def index_key(student_id: StudentId) -> Key:
    """Key of a student in the index."""
    return keys.SEARCH_PREFIX + part_of(student_id), keys.member(student_id)


def index_item(view: MeanView) -> Item:
    """Write a mean view."""
    pk, sk = index_key(view.student_id)
    return {"pk": pk, "sk": sk, "pack": view.pack, "embedding": view.embedding.astype(_FLOAT).tobytes()}


def _renew(names: Collection[str]) -> str:
    return "SET " + ", ".join(f"{name} = :new" for name in sorted(names))


def _new_version() -> str:
    # Random, since a counter would repeat itself after an older table was restored.
    return uuid4().hex[:8]
