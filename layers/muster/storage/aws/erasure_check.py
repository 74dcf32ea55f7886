"""A search of the table and the buckets for remaining references to a student."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from muster.domain.anonymisation import students_in, students_in_change
from muster.domain.documents import students_in_document
from muster.domain.identifiers import StudentId
from muster.storage.aws import keys
from muster.storage.aws.keys import PARTITION_KEY, SORT_KEY
from muster.storage.aws.objects import Objects
from muster.storage.aws.table import Item, Table
from muster.storage.documents import read_change, read_document_body, read_faces

_OTHER_ATTRIBUTES = frozenset(
    {
        *("group_id", "group_ids", "groups", "session", "session_id", "teachers", "name", "pack", "consent_wording"),
        "consent_stated_by",
        *("lesson", "closed"),
        *("erased", "kind", "stage", "content_type", "media_type", "digest", "photo_digest", "running"),
    }
)
"""Attributes that never hold a student's id, although their values may look like one."""

_READERS: dict[str, Callable[[Any], Collection[str]]] = {
    "faces": lambda text: students_in(read_faces(text)),
    "changes": lambda texts: {student for text in texts for student in students_in_change(read_change(text))},
    "marks": lambda marks: marks.keys(),
}
"""Attributes that contain words of their own, such as `present`, which may look like a student's id."""

_STUDENT_PARTITIONS = frozenset({keys.ERASURES, keys.COPIES, keys.OUTDATED_COPIES})
"""Partitions whose sort keys are students' ids."""


class ErasureCheck:
    """Searches every item of the table and the name of every object."""

    def __init__(self, table: Table, objects: Objects) -> None:
        self._table = table
        self._objects = objects

    def find(self, student_id: StudentId) -> list[str]:
        """Return one line per item, with its attributes, or object that contains an id."""
        places = ((item, sorted(_places(item, student_id))) for item in self._table.scan())
        items = [f"{item[PARTITION_KEY]} {item[SORT_KEY]}: {', '.join(where)}" for item, where in places if where]
        objects = self._objects.names()
        return items + [name for name in objects if student_id in name.removesuffix(".safetensors").split("/")]


def _places(item: Item, student_id: StudentId) -> Iterator[str]:
    if item[PARTITION_KEY].startswith(keys.DOCUMENT_PREFIX):
        kind, body = item[PARTITION_KEY].removeprefix(keys.DOCUMENT_PREFIX), read_document_body(item["body"])
        if student_id in students_in_document(kind, item[SORT_KEY], body):
            yield "body"
        return
    is_session = any(item[key].startswith(keys.SESSION_PREFIX) for key in (PARTITION_KEY, SORT_KEY))
    for name, value in item.items():
        if name in _OTHER_ATTRIBUTES or (name == "id" and is_session):
            continue
        if name in (PARTITION_KEY, SORT_KEY):
            is_named = value == keys.member(student_id) or (
                name == SORT_KEY and item[PARTITION_KEY] in _STUDENT_PARTITIONS and value == student_id
            )
        elif name in _READERS:
            is_named = student_id in _READERS[name](value)
        else:
            is_named = _names(value, student_id)
        if is_named:
            yield name


def _names(value: Any, student_id: StudentId) -> bool:
    if isinstance(value, str) and value[:1] in ("{", "["):
        return _names(json.loads(value), student_id)
    if isinstance(value, bytes):
        # An id needs no escaping in JSON, the format of stored responses.
        return f'"{student_id}"'.encode() in value
    if isinstance(value, Mapping):
        return any(_names(part, student_id) for name, part in value.items() if name not in _OTHER_ATTRIBUTES)
    if isinstance(value, list | tuple | set | frozenset):
        return any(_names(part, student_id) for part in value)
    return bool(value == student_id)
