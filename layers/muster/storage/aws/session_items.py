"""Keys, writers and readers of a session's items in the table."""

from collections.abc import Iterable, Mapping
from typing import Any

from muster.domain.attendance import NO_DETAILS, Change, Mark, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId
from muster.storage.aws import keys
from muster.storage.aws.table import Item, Key
from muster.storage.documents import (
    change_text,
    closing_text,
    details_document,
    faces_text,
    lesson_text,
    read_change,
    read_closing,
    read_details,
    read_faces,
    read_lesson,
    read_time,
    time_text,
)

SESSION_ATTRIBUTES = ("id", "group_id", "started_at", "version", "erased", "lesson", "closed")
"""Attributes of a record that `read_session` reads."""

OBJECT_ATTRIBUTES = ("original", "annotated")
"""Attributes of a photo that name its objects; a photo without them has lost its files.

Only earlier versions stored an annotated picture. It is deleted with the original.
"""


def record_key(session_id: SessionId) -> Key:
    """Key of the record."""
    return keys.session_partition(session_id), keys.RECORD


def photo_key(session_id: SessionId, photo_id: PhotoId) -> Key:
    """Key of a photo."""
    return keys.session_partition(session_id), keys.photo(photo_id)


def listing_key(record: Item) -> Key:
    """Key of the item that lists a session in its group, from the record."""
    session_id = SessionId(record["id"])
    return keys.group_partition(GroupId(record["group_id"])), keys.group_session(record["started_at"], session_id)


def removal_key(session_id: SessionId) -> Key:
    """Key of the note of a pending removal."""
    return keys.REMOVALS, session_id


def new_record(session: Session, marks: Mapping[StudentId, Mark]) -> Item:
    """Make the record of a new session."""
    pk, sk = record_key(session.id)
    return {
        "pk": pk,
        "sk": sk,
        "id": session.id,
        "group_id": session.group_id,
        "started_at": time_text(session.started_at),
        "marks": marks_document(marks),
        "mentioned": sorted(marks),
        "version": session.version,
        "erased": {status.value: count for status, count in session.erased.items()},
        "revision": 1,
        **({} if session.lesson is None else {"lesson": lesson_text(session.lesson)}),
        **closed_attribute(session),
    }


def closed_attribute(session: Session) -> Item:
    """Return the attribute of a record whose register is closed; an open one has none."""
    return {} if session.closed is None else {"closed": closing_text(session.closed)}


def read_session(record: Item) -> Session:
    """Read a session from its record."""
    return Session(
        SessionId(record["id"]),
        GroupId(record["group_id"]),
        read_time(record["started_at"]),
        int(record["version"]),
        {MarkStatus(status): int(count) for status, count in record["erased"].items()},
        read_lesson(record.get("lesson")),
        read_closing(record.get("closed")),
    )


def marks_document(marks: Mapping[StudentId, Mark]) -> Item:
    """Write marks; those with details as lists of four."""
    return {student: _mark_list(mark) for student, mark in marks.items()}


def read_marks(record: Item) -> dict[StudentId, Mark]:
    """Read marks from a record, ordered by student id."""
    return {
        StudentId(student): _read_mark(StudentId(student), mark) for student, mark in sorted(record["marks"].items())
    }


def _mark_list(mark: Mark) -> list[Any]:
    written = [mark.status.value, mark.source.value, time_text(mark.marked_at)]
    return written if mark.details == NO_DETAILS else [*written, details_document(mark.details)]


def _read_mark(student: StudentId, written: list[Any]) -> Mark:
    status, source, marked_at, *rest = written
    details = read_details(rest[0]) if rest else NO_DETAILS
    return Mark(
        student,
        MarkStatus(status),
        MarkSource(source),
        read_time(marked_at),
        details.code,
        details.minutes_late,
        details.remark,
    )


def photo_item(photo: SessionPhoto, original: str | None) -> Item:
    """Write a photo, with the name of its object if there is one."""
    pk, sk = photo_key(photo.session_id, photo.id)
    return {
        "pk": pk,
        "sk": sk,
        "id": photo.id,
        "session_id": photo.session_id,
        "digest": photo.digest,
        "width": photo.width,
        "height": photo.height,
        "faces": faces_text(photo.faces),
        "pack": photo.pack,
        "head": photo.head,
        "received_at": time_text(photo.received_at),
        "turned": photo.turned,
        **({} if original is None else {"original": original}),
    }


def digest_key(photo: Item) -> Key:
    """Key of the item that lists a photo under its digest."""
    use = keys.digest_use(SessionId(photo["session_id"]), PhotoId(photo["id"]))
    return keys.digest_partition(photo["digest"]), use


def digest_item(photo: Item) -> Item:
    """Write the item that lists a photo under its digest."""
    pk, sk = digest_key(photo)
    return {"pk": pk, "sk": sk, "session": photo["session_id"]}


def read_photo(item: Item) -> SessionPhoto:
    """Read a photo."""
    return SessionPhoto(
        id=PhotoId(item["id"]),
        session_id=SessionId(item["session_id"]),
        digest=item["digest"],
        width=int(item["width"]),
        height=int(item["height"]),
        faces=read_faces(item["faces"]),
        pack=PackId(item["pack"]),
        head=None if item.get("head") is None else int(item["head"]),
        received_at=read_time(item["received_at"]),
        turned=int(item.get("turned", 0)),
    )


def object_names(photo: Item) -> list[str]:
    """Return the names of a photo's objects."""
    return [photo[name] for name in OBJECT_ATTRIBUTES if name in photo]


def changes_item(record: Item, changes: Iterable[Change]) -> Item:
    """Write the changes that were made at once; the key sorts them by the record's revision."""
    return {
        "pk": record["pk"],
        "sk": keys.change(int(record["revision"])),
        "changes": [change_text(change) for change in changes],
    }


def read_changes(item: Item) -> list[Change]:
    """Read the changes that were made at once."""
    return [read_change(text) for text in item["changes"]]
