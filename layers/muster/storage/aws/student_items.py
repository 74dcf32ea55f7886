"""Keys, writers and readers of a student's items in the table."""

from datetime import datetime
from uuid import uuid4

from muster.domain.errors import NotRegistered, StudentNotFound
from muster.domain.identifiers import GroupId, PackId, StudentId, UserId
from muster.domain.student import Consent, PhotoChange, Student, Template
from muster.storage.aws import keys
from muster.storage.aws.table import Item, Key
from muster.storage.documents import (
    embeddings_bytes,
    learned_documents,
    read_embeddings,
    read_learned,
    read_optional_time,
    read_time,
    time_text,
)


def record_key(student_id: StudentId) -> Key:
    """Key of the record."""
    return keys.student_partition(student_id), keys.RECORD


def template_key(student_id: StudentId) -> Key:
    """Key of the template."""
    return keys.student_partition(student_id), keys.TEMPLATE


def staged_key(student_id: StudentId) -> Key:
    """Key of the template of another pack, stored beside the one in use."""
    return keys.student_partition(student_id), keys.STAGED


def roster_partitions(groups: frozenset[GroupId]) -> list[str]:
    """Partitions of the rosters that a student of these groups is on; the school comes first."""
    return [keys.group_partition(group) for group in (None, *sorted(groups))]


def student_document(student: Student) -> Item:
    """Write the attributes of a student that the record and each roster contain."""
    consent = student.consent
    return {
        "id": student.id,
        "name": student.name,
        "groups": sorted(student.groups),
        "consent_given_at": None if consent is None else time_text(consent.given_at),
        "consent_wording": None if consent is None else consent.wording,
        "consent_withdrawn_at": None if consent is None else _optional_time_text(consent.withdrawn_at),
        "consent_stated_by": None if consent is None else consent.stated_by,
        "consent_renewed_after": None if consent is None else _optional_time_text(consent.renewed_after),
        "registered_at": _optional_time_text(student.registered_at),
        "version": student.version,
        "photo_changed_at": _optional_time_text(student.photo_change.at if student.photo_change else None),
        "photo_changed_by": student.photo_change.by if student.photo_change else None,
    }


def record_item(student: Student, photo: str | None = None, training_copy: str | None = None) -> Item:
    """Make a record with a new random revision, by which a concurrent write is noticed.

    Args:
        photo, training_copy: names of the objects, if there is a template.
    """
    pk, sk = record_key(student.id)
    objects = {"photo": photo, "training_copy": training_copy}
    return {"pk": pk, "sk": sk, **student_document(student), **objects, "revision": uuid4().hex}


def renewed(record: Item) -> Item:
    """Return a record with a new revision, so that concurrent changes of the student are retried."""
    return {**record, "revision": uuid4().hex}


def read_student(item: Item) -> Student:
    """Read a student from a record or a roster."""
    consent = None
    if item.get("consent_given_at") is not None:
        consent = Consent(
            read_time(item["consent_given_at"]),
            item["consent_wording"],
            read_optional_time(item.get("consent_withdrawn_at")),
            item.get("consent_stated_by"),
            read_optional_time(item.get("consent_renewed_after")),
        )
    return Student(
        id=StudentId(item["id"]),
        name=item["name"],
        groups=frozenset(GroupId(group) for group in item["groups"]),
        consent=consent,
        registered_at=read_optional_time(item.get("registered_at")),
        version=int(item["version"]),
        photo_change=_photo_change(item),
    )


def _photo_change(item: Item) -> PhotoChange | None:
    if item.get("photo_changed_at") is None:
        return None
    return PhotoChange(read_time(item["photo_changed_at"]), UserId(item["photo_changed_by"]))


def template_item(template: Template) -> Item:
    """Write a template.

    Raises:
        ValueError: the embeddings are not float32 (V + L, D).
    """
    pk, sk = template_key(template.student_id)
    return {
        "pk": pk,
        "sk": sk,
        "id": template.student_id,
        "pack": template.pack,
        "photo_digest": template.photo_digest,
        "embeddings": embeddings_bytes(template),
        "learned": learned_documents(template.learned),
    }


def staged_item(template: Template, training_copy: str | None) -> Item:
    """Write a template of another pack.

    Args:
        training_copy: name of the object that its pack is trained on; None if there is none.
    """
    pk, sk = staged_key(template.student_id)
    return {**template_item(template), "pk": pk, "sk": sk, "training_copy": training_copy}


def read_template(item: Item) -> Template:
    """Read a template."""
    return Template(
        StudentId(item["id"]),
        PackId(item["pack"]),
        read_embeddings(item["embeddings"]),
        item["photo_digest"],
        read_learned(item["learned"]),
    )


def not_found(student_id: StudentId) -> StudentNotFound:
    """Return the error for an unknown id."""
    return StudentNotFound(f"Nobody is registered as {student_id}: check the id, or register the student first.")


def not_registered(student_id: StudentId) -> NotRegistered:
    """Return the error for a student without a template."""
    return NotRegistered(f"{student_id} is not registered with a photo: register the student first.")


def _optional_time_text(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)
