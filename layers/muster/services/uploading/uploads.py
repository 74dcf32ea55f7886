"""Uploads of photos directly to the store: opening them, and reading their outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from muster.domain.actor import Actor
from muster.domain.errors import EmptyUpload, ImageTooLarge, PhotoNotFound, UnsupportedImage
from muster.domain.identifiers import UploadId, new_upload_id
from muster.domain.registration import NewPhoto, RegistrationDetails
from muster.domain.upload import (
    Details,
    Failure,
    PhotoFile,
    RegistrationOutcome,
    RollCallOutcome,
    Upload,
    UploadKind,
    UploadPermit,
    upload_not_found,
)
from muster.services.registering.admission import admit
from muster.services.registering.known_student import known_student
from muster.services.registering.replaceable_student import check_version, replaceable_student
from muster.services.registering.results import RegistrationResult
from muster.services.roll_call.results import RollCallResult
from muster.services.roll_call.sessions import Sessions
from muster.storage.ports import StudentStore, UploadStore

CONTENT_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/heif")
"""Media types of the formats that `muster.vision.decode` reads."""

_KEPT = timedelta(days=2)
"""Longer than the photo, which the store deletes after a day, so every stored photo has a record."""


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """An upload with its outcome; `answer` is None while the photo waits."""

    upload: Upload
    answer: RegistrationResult | RollCallResult | Failure | None


@dataclass(frozen=True, slots=True)
class Uploads:
    """Opens uploads and returns their outcome.

    Attributes:
        max_bytes: size of the largest photo.
    """

    uploads: UploadStore
    students: StudentStore
    sessions: Sessions
    max_bytes: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open(self, details: Details, file: PhotoFile, actor: Actor) -> tuple[Upload, UploadPermit]:
        """Open an upload, and return a permit to send the photo. All checks that need no photo run here.

        Raises:
            EmptyUpload, ImageTooLarge, UnsupportedImage: the file is not accepted.
            ConsentRequired, InvalidRequest: the registration is not valid.
            NotAllowed: the actor may not see a group, the student or the session.
            ConsentWithdrawn: the student withdrew consent, and the request does not renew it.
            NotRegistered: the photo to replace does not exist.
            VersionConflict: the student was changed since the caller read the record.
            SessionOfOtherGroup: the session belongs to another group that the actor teaches.
        """
        if file.size < 1:
            raise EmptyUpload("The photo is empty. Choose it again, then send it.")
        if file.size > self.max_bytes:
            raise ImageTooLarge(f"The photo is larger than {self.max_bytes // 1_000_000} MB. Send a smaller one.")
        if file.content_type not in CONTENT_TYPES:
            raise UnsupportedImage("Send a JPEG, PNG, WebP or HEIC photo.")
        kind = UploadKind.DETECT
        if isinstance(details, RegistrationDetails):
            kind = UploadKind.REGISTER
            admit(details.name, details.group_ids, details.consent)
            known_student(self.students, details.student_id, actor, renew_consent=details.renew_consent)
        elif isinstance(details, NewPhoto):
            kind = UploadKind.REGISTER
            check_version(details, replaceable_student(self.students, details, actor))
        elif details.session_id is not None:
            self.sessions.check_group(details.session_id, details.group_id, actor)
        now = self.now()
        upload = Upload(
            new_upload_id(),
            kind,
            details,
            file,
            now,
            now + _KEPT,
            opened_by=actor.user_id,
            as_admin=actor.groups is None,
        )
        return upload, self.uploads.open(upload)

    def get(self, upload_id: UploadId, actor: Actor) -> UploadAnswer:
        """Return an upload, with its result once the photo is processed.

        Raises:
            UploadNotFound: there is none, it expired, or another user opened it and the actor is not an admin.
            NotAllowed: the actor may no longer see the student or the group.
            StudentNotFound: the registered student was erased.
        """
        upload = self.uploads.get(upload_id)
        if actor.groups is not None and upload.opened_by != actor.user_id:
            raise upload_not_found(upload_id)
        match upload.outcome:
            case RegistrationOutcome(student_id, quality, repeated, warnings):
                student = self.students.get(student_id)
                actor.check(student.groups)
                return UploadAnswer(upload, RegistrationResult(student, quality, repeated, warnings))
            case RollCallOutcome():
                detection = self._detection(upload.outcome)
                actor.check([detection.session.group_id])
                return UploadAnswer(upload, detection)
            case outcome:
                return UploadAnswer(upload, outcome)

    def _detection(self, outcome: RollCallOutcome) -> RollCallResult:
        roll_call = self.sessions.get(outcome.session_id)
        photos = tuple(photo for photo in roll_call.photos if photo.id in outcome.photo_ids)
        if not photos:
            raise PhotoNotFound(f"The session {outcome.session_id} no longer has this photo. Send it again.")
        return RollCallResult(
            session=roll_call.session,
            photos=photos,
            marks=roll_call.marks,
            taken=roll_call.taken,
            by_people=roll_call.by_people,
            names=dict(roll_call.names),
            pack=photos[0].pack,
            head=photos[0].head,
            timings_ms=dict(outcome.timings_ms),
        )
