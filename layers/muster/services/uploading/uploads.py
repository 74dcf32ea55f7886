"""Announcing photos that are sent to the store directly, and asking what became of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from muster.domain.actor import Actor
from muster.domain.errors import EmptyUpload, ImageTooLarge, PhotoNotFound, UnsupportedImage
from muster.domain.identifiers import UploadId, new_upload_id
from muster.domain.registration import RegistrationDetails
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
from muster.services.registering.results import RegistrationResult
from muster.services.roll_call.results import RollCallResult
from muster.services.roll_call.sessions import Sessions
from muster.storage.ports import StudentStore, UploadStore

CONTENT_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/heif")
"""Media types of the formats that `muster.vision.decode` reads."""

_KEPT = timedelta(days=2)
"""Longer than the photo itself, which the store deletes after a day, so that no photo lies there unexplained."""


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """An upload with its answer; `answer` is None while the photo waits."""

    upload: Upload
    answer: RegistrationResult | RollCallResult | Failure | None


@dataclass(frozen=True, slots=True)
class Uploads:
    """The use cases of whoever sends photos.

    Attributes:
        max_bytes: the largest photo.
    """

    uploads: UploadStore
    students: StudentStore
    sessions: Sessions
    max_bytes: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def open(self, details: Details, file: PhotoFile, actor: Actor) -> tuple[Upload, UploadPermit]:
        """Announce a photo and get leave to send it. What can be refused without the photo is refused here.

        Raises:
            EmptyUpload, ImageTooLarge, UnsupportedImage: no such file is taken.
            ConsentRequired, InvalidRequest: nobody may be registered like this.
            NotAllowed: a group, the student or the session that is named is not the actor's.
            ConsentWithdrawn: the student withdrew consent, and the announcement does not renew it.
            SessionOfOtherGroup: the session belongs to another group of the actor's.
        """
        if file.size < 1:
            raise EmptyUpload("The photo is empty: choose it again, then send it.")
        if file.size > self.max_bytes:
            raise ImageTooLarge(
                f"The photo is larger than {self.max_bytes // 1_000_000} MB: send it at a smaller size."
            )
        if file.content_type not in CONTENT_TYPES:
            raise UnsupportedImage("Send a JPEG, PNG, WebP or HEIC photo.")
        kind = UploadKind.DETECT
        if isinstance(details, RegistrationDetails):
            kind = UploadKind.REGISTER
            admit(details.name, details.group_ids, details.consent)
            known_student(self.students, details.student_id, actor, renew_consent=details.renew_consent)
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
        """Return an upload and, once its photo is read, the answer: the one that the direct call would have had.

        Raises:
            UploadNotFound: there is none, or it expired, or another user announced it and the actor is no admin.
            NotAllowed: the student or the group of the answer is no longer the actor's.
            StudentNotFound: the student that it registered was erased since.
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
            raise PhotoNotFound(f"The session {outcome.session_id} no longer has this photo: send it again.")
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
