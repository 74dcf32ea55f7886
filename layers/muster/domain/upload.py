"""Uploads: photos that are sent to the store directly, to avoid the size limit of the API, and their outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from muster.domain.errors import Category, UploadNotFound
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId, UploadId, UserId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.registration import NewPhoto, RegistrationDetails


class UploadKind(StrEnum):
    """The purpose of the photo."""

    REGISTER = "register"
    DETECT = "detect"


class UploadState(StrEnum):
    """The state of an upload: not yet read, read with a result, or rejected."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RollCallDetails:
    """The roll call that the photo belongs to; without a session id, a new one."""

    group_id: GroupId
    session_id: SessionId | None
    use_anyway: bool = False


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """The only file that may be sent: its media type and its size in bytes."""

    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class RegistrationOutcome:
    """The result of a registration or of a new photo.

    It has ids only, so that erasing the student leaves no personal data here.
    """

    student_id: StudentId
    quality: float | None
    repeated: bool
    warnings: tuple[PhotoWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class RollCallOutcome:
    """The result of a roll call."""

    session_id: SessionId
    photo_ids: tuple[PhotoId, ...]
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the photo was rejected: the domain error."""

    code: str
    category: Category
    detail: str


Details = RegistrationDetails | NewPhoto | RollCallDetails
Outcome = RegistrationOutcome | RollCallOutcome | Failure


@dataclass(frozen=True, slots=True)
class Upload:
    """One announced photo.

    Attributes:
        details: None once there is an outcome.
        created_at, expires_at: UTC; an upload is forgotten after it expires.
        outcome: None until the photo is read.
        opened_by: the user who announced it, and may read its outcome.
        as_admin: whether that user was an admin then; a teacher's groups are looked up when the photo is read.
    """

    id: UploadId
    kind: UploadKind
    details: Details | None
    file: PhotoFile
    created_at: datetime
    expires_at: datetime
    outcome: Outcome | None = None
    opened_by: UserId | None = None
    as_admin: bool = False

    @property
    def state(self) -> UploadState:
        """The state, derived from the outcome."""
        if self.outcome is None:
            return UploadState.WAITING
        return UploadState.FAILED if isinstance(self.outcome, Failure) else UploadState.DONE


@dataclass(frozen=True, slots=True)
class UploadPermit:
    """Permission to send exactly one file until `expires_at`: POST a form to `url`, with `fields` before the file."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


def upload_not_found(upload_id: UploadId) -> UploadNotFound:
    """Return the error for an upload that does not exist or that another user announced; the message is the same."""
    return UploadNotFound(f"There is no upload {upload_id}, or it has expired: announce the photo again.")
