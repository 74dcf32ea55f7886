"""A photo that is sent to the store directly, past the size limit of the API, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from muster.domain.errors import Category, UploadNotFound
from muster.domain.identifiers import GroupId, PhotoId, SessionId, StudentId, UploadId, UserId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.registration import RegistrationDetails


class UploadKind(StrEnum):
    """What the photo is for."""

    REGISTER = "register"
    DETECT = "detect"


class UploadState(StrEnum):
    """How far it is: not yet read, read with an answer, or refused."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RollCallDetails:
    """Which roll call the photo belongs to; without a session id, one of its own."""

    group_id: GroupId
    session_id: SessionId | None
    use_anyway: bool = False


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """The one file that may be sent: its media type and its size in bytes."""

    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class RegistrationOutcome:
    """Where the answer to a registration is found; ids only, so that an erased student is erased here too."""

    student_id: StudentId
    quality: float | None
    repeated: bool
    warnings: tuple[PhotoWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class RollCallOutcome:
    """Where the answer to a roll call is found."""

    session_id: SessionId
    photo_ids: tuple[PhotoId, ...]
    timings_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the photo was refused: a domain error, kept."""

    code: str
    category: Category
    detail: str


Details = RegistrationDetails | RollCallDetails
Outcome = RegistrationOutcome | RollCallOutcome | Failure


@dataclass(frozen=True, slots=True)
class Upload:
    """One photo announced.

    Attributes:
        details: None once there is an outcome.
        created_at, expires_at: UTC; nothing is known of an upload after it expires.
        outcome: None until the photo is read.
        opened_by: the user who announced it, and may ask what became of it.
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
        """How far the upload is."""
        if self.outcome is None:
            return UploadState.WAITING
        return UploadState.FAILED if isinstance(self.outcome, Failure) else UploadState.DONE


@dataclass(frozen=True, slots=True)
class UploadPermit:
    """Leave to send exactly one file, until `expires_at`: a form to be posted to `url`, `fields` before the file."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


def upload_not_found(upload_id: UploadId) -> UploadNotFound:
    """Return the error for an upload that does not exist, or that another user announced: both read the same."""
    return UploadNotFound(f"No upload {upload_id} is known, or it is too old: announce the photo again.")
