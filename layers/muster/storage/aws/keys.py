"""Keys in the table and in the buckets; the infrastructure grants access by their prefixes.

There is one partition per student, group, session and model pack. Items that are read together share a partition, where
reads can be consistent; an index lags behind. Ids contain no `#`, so no key is a prefix of another by accident.
"""

from typing import Final
from uuid import uuid4

from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId

PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"
EXPIRES_AT: Final = "expires_at"
"""Attribute with the time at which the table drops an item, in seconds since 1970."""

RECORD: Final = "RECORD"
TEMPLATE: Final = "TEMPLATE"
STAGED: Final = "STAGED"
ROSTER: Final = "ROSTER"
POINTER: Final = "POINTER"

MEMBER_PREFIX: Final = "STUDENT#"
SESSION_PREFIX: Final = "SESSION#"
PHOTO_PREFIX: Final = "PHOTO#"
CHANGE_PREFIX: Final = "CHANGE#"
HEAD_PREFIX: Final = "HEAD#"
PACK_PREFIX: Final = "PACK#"
SEARCH_PREFIX: Final = "SEARCH#"
DOCUMENT_PREFIX: Final = "DOCUMENT#"

TRAINING: Final = "TRAINING"
ERASURES: Final = "ERASURES"
REMOVALS: Final = "REMOVALS"
OBJECTS: Final = "OBJECTS"
COPIES: Final = "COPIES"
OUTDATED_COPIES: Final = "OUTDATED"
REGISTERING: Final = "REGISTERING"
GROUPS: Final = "GROUPS"
USERS: Final = "USERS"
EXPECTED_USERS: Final = "EXPECTED"
REMOVED_USERS: Final = "REMOVED"
IDEMPOTENCY: Final = "ANSWERS"
HEADS_PARTITION_PREFIX: Final = "HEADS#"

REGISTRATION_PHOTOS: Final = "students/"
SESSION_PHOTOS: Final = "sessions/"
TEMPLATES: Final = "templates/"
HEADS: Final = "heads/"
CHECKPOINTS: Final = "checkpoints/"
"""Not under the heads, so that a lifecycle rule can expire what a job left."""

UPLOADS: Final = "uploads/"
"""Incoming photos, which expire after a day."""


def student_partition(student_id: StudentId) -> str:
    """Partition of a student: record, template, and a mention for each session that names the student."""
    return f"STUDENT#{student_id}"


def group_partition(group_id: GroupId | None) -> str:
    """Partition of a group, or of the whole school: members, sessions and roster version."""
    return f"GROUP#{group_id or ''}"


def session_partition(session_id: SessionId) -> str:
    """Partition of a session: its record with the marks, photos, and changes that people made."""
    return f"SESSION#{session_id}"


def document_partition(kind: str) -> str:
    """Partition of the documents of one kind."""
    return f"{DOCUMENT_PREFIX}{kind}"


def digest_partition(digest: str) -> str:
    """Partition of a digest: an item for each session photo with this digest."""
    return f"DIGEST#{digest}"


def digest_use(session_id: SessionId, photo_id: PhotoId) -> str:
    """Sort key of a session photo in the partition of its digest."""
    return f"{SESSION_PREFIX}{session_id}#{photo_id}"


def heads_partition(pack: PackId | None) -> str:
    """Partition of a pack's heads and of the pointer to the current one; without a pack, that of the list of packs."""
    return f"{HEADS_PARTITION_PREFIX}{pack or ''}"


def member(student_id: StudentId) -> str:
    """Sort key of a student in a group."""
    return f"{MEMBER_PREFIX}{student_id}"


def group_session(started_at: str, session_id: SessionId) -> str:
    """Sort key of a session in its group; sorts by time."""
    return f"{SESSION_PREFIX}{started_at}#{session_id}"


def sessions_between(since: str | None, until: str | None) -> tuple[str, str]:
    """Return the first and last sort key of a group's sessions started from `since` and before `until`."""
    return SESSION_PREFIX + (since or ""), SESSION_PREFIX + (until or "~")


def mention(session_id: SessionId) -> str:
    """Sort key of a mention in the student's partition."""
    return f"{SESSION_PREFIX}{session_id}"


def photo(photo_id: PhotoId) -> str:
    """Sort key of a photo in its session."""
    return f"{PHOTO_PREFIX}{photo_id}"


def change(revision: int) -> str:
    """Sort key of the changes made at once in a session; sorts by time."""
    return f"{CHANGE_PREFIX}{revision:010d}"


def all_changes() -> tuple[str, str]:
    """Return sort keys before and after those of all changes in a session."""
    return CHANGE_PREFIX, CHANGE_PREFIX + "~"


def head(version: int) -> str:
    """Sort key of a head; sorts by number."""
    return f"{HEAD_PREFIX}{version:010d}"


def head_object(pack: PackId, version: int) -> str:
    """Object key of a head file."""
    return f"{HEADS}{pack}/{version}/head.safetensors"


def checkpoint_object(pack: PackId) -> str:
    """Object key of a training job's checkpoint."""
    return f"{CHECKPOINTS}{pack}"


def metrics_object(pack: PackId, version: int) -> str:
    """Object key of a head's metrics."""
    return f"{HEADS}{pack}/{version}/metrics.json"


def new_training_copy() -> str:
    """Object key of a new training copy of a template."""
    return f"{TEMPLATES}{uuid4().hex}.safetensors"
