"""Names in the table and in the buckets; the infrastructure grants access by these prefixes.

One partition for each student, group, session and model pack, so that what is read together lies together and can be
read as it is this moment (an index lags behind). Ids hold no `#`, so that no key is another's prefix by accident.
"""

from typing import Final
from uuid import uuid4

from muster.domain.identifiers import GroupId, PackId, PhotoId, SessionId, StudentId

PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"
EXPIRES_AT: Final = "expires_at"
"""Attribute by which the table drops an item, seconds since 1970."""

RECORD: Final = "RECORD"
TEMPLATE: Final = "TEMPLATE"
ROSTER: Final = "ROSTER"
POINTER: Final = "POINTER"

MEMBER_PREFIX: Final = "STUDENT#"
SESSION_PREFIX: Final = "SESSION#"
PHOTO_PREFIX: Final = "PHOTO#"
CHANGE_PREFIX: Final = "CHANGE#"
HEAD_PREFIX: Final = "HEAD#"
PACK_PREFIX: Final = "PACK#"

TRAINING: Final = "TRAINING"
ERASURES: Final = "ERASURES"
REMOVALS: Final = "REMOVALS"
OBJECTS: Final = "OBJECTS"
COPIES: Final = "COPIES"
OUTDATED_COPIES: Final = "OUTDATED"
REGISTERING: Final = "REGISTERING"
GROUPS: Final = "GROUPS"
IDEMPOTENCY: Final = "ANSWERS"
HEADS_PARTITION_PREFIX: Final = "HEADS#"

REGISTRATION_PHOTOS: Final = "students/"
SESSION_PHOTOS: Final = "sessions/"
TEMPLATES: Final = "templates/"
HEADS: Final = "heads/"
CHECKPOINTS: Final = "checkpoints/"
"""Apart from the heads, so that what a job left behind expires by itself."""

UPLOADS: Final = "uploads/"
"""Where photos arrive; what lies there expires after a day."""


def student_partition(student_id: StudentId) -> str:
    """Partition of a student: record, template, and an item for each session that mentions the student."""
    return f"STUDENT#{student_id}"


def group_partition(group_id: GroupId | None) -> str:
    """Partition of a group, or of the whole school: its members, sessions and roster version."""
    return f"GROUP#{group_id or ''}"


def session_partition(session_id: SessionId) -> str:
    """Partition of a session: its record with the marks, its photos, and what people changed."""
    return f"SESSION#{session_id}"


def digest_partition(digest: str) -> str:
    """Partition of a file's digest: an item for each photo of a session that is this very file."""
    return f"DIGEST#{digest}"


def digest_use(session_id: SessionId, photo_id: PhotoId) -> str:
    """Sort key, under a digest, of a photo of a session."""
    return f"{SESSION_PREFIX}{session_id}#{photo_id}"


def heads_partition(pack: PackId | None) -> str:
    """Partition of a pack's heads and of the pointer to the current one; without a pack, the list of packs."""
    return f"{HEADS_PARTITION_PREFIX}{pack or ''}"


def member(student_id: StudentId) -> str:
    """Sort key of a student in a group."""
    return f"{MEMBER_PREFIX}{student_id}"


def group_session(started_at: str, session_id: SessionId) -> str:
    """Sort key of a session in its group, in order of time."""
    return f"{SESSION_PREFIX}{started_at}#{session_id}"


def sessions_between(since: str | None, until: str | None) -> tuple[str, str]:
    """Least and greatest sort key of a group's sessions started from `since` and before `until`."""
    return SESSION_PREFIX + (since or ""), SESSION_PREFIX + (until or "~")


def mention(session_id: SessionId) -> str:
    """Sort key, under a student, of a session that mentions the student."""
    return f"{SESSION_PREFIX}{session_id}"


def photo(photo_id: PhotoId) -> str:
    """Sort key of a photo in its session."""
    return f"{PHOTO_PREFIX}{photo_id}"


def change(revision: int) -> str:
    """Sort key of what was changed in a session at once, in order of time."""
    return f"{CHANGE_PREFIX}{revision:010d}"


def head(version: int) -> str:
    """Sort key of a head, in order of number."""
    return f"{HEAD_PREFIX}{version:010d}"


def head_object(pack: PackId, version: int) -> str:
    """Object key of a head file."""
    return f"{HEADS}{pack}/{version}/head.safetensors"


def checkpoint_object(pack: PackId) -> str:
    """Object key of what an interrupted training job had reached."""
    return f"{CHECKPOINTS}{pack}"


def metrics_object(pack: PackId, version: int) -> str:
    """Object key of a head's metrics."""
    return f"{HEADS}{pack}/{version}/metrics.json"


def new_training_copy() -> str:
    """Object key of a new training copy of a template."""
    return f"{TEMPLATES}{uuid4().hex}.safetensors"
