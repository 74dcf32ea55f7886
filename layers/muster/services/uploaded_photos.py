"""Reading photos that were sent to the store directly."""

from muster.domain.errors import Category, MusterError, UploadNotFound
from muster.domain.identifiers import UploadId
from muster.domain.upload import (
    Failure,
    Outcome,
    RegistrationDetails,
    RegistrationOutcome,
    RollCallDetails,
    RollCallOutcome,
    Upload,
    UploadKind,
)
from muster.services.detection import DetectionService
from muster.services.registration import Registration, RegistrationRequest
from muster.storage.ports import UploadStore


class UploadedPhotos:
    """The use case of whoever is told that a photo has arrived; being told twice, late or wrongly changes nothing."""

    def __init__(self, uploads: UploadStore, registration: Registration, detection: DetectionService) -> None:
        self._uploads = uploads
        self._registration = registration
        self._detection = detection

    def read(self, kind: UploadKind, upload_id: UploadId) -> Upload | None:
        """Read a photo, keep what came of it, and delete it.

        The outcome is kept before the photo is deleted: killed in between, the photo is deleted when this is told
        again. A refused photo is an outcome.

        Returns:
            The upload with its outcome, or None where nobody announced the photo.

        Raises:
            MusterError: something is unavailable for now (category `unavailable`); nothing was decided.
        """
        upload = self._announced(kind, upload_id)
        if upload is not None and upload.details is not None:
            self._uploads.close(upload_id, self._outcome(upload))
            upload = self._announced(kind, upload_id)
        self._uploads.discard(kind, upload_id)
        return upload

    def _announced(self, kind: UploadKind, upload_id: UploadId) -> Upload | None:
        try:
            upload = self._uploads.get(upload_id)
        except UploadNotFound:
            return None
        return upload if upload.kind is kind else None

    def _outcome(self, upload: Upload) -> Outcome:
        try:
            image = self._uploads.photo(upload.kind, upload.id)
            match upload.details:
                case RegistrationDetails() as details:
                    return self._registered(details, image)
                case RollCallDetails() as details:
                    return self._detected(details, image)
                case None:
                    raise AssertionError("read before")
        except MusterError as error:
            if error.category is Category.UNAVAILABLE:
                raise
            return Failure(error.code, error.category, str(error))

    def _registered(self, details: RegistrationDetails, image: bytes) -> RegistrationOutcome:
        request = RegistrationRequest(
            student_id=details.student_id,
            name=details.name,
            group_ids=details.group_ids,
            consent=details.consent,
            image=image,
            allow_lookalike=details.allow_lookalike,
        )
        registered = self._registration.register(request)
        return RegistrationOutcome(registered.student.id, registered.quality, registered.repeated)

    def _detected(self, details: RollCallDetails, image: bytes) -> RollCallOutcome:
        detection = self._detection.detect(details.group_id, [image], details.session_id, use_anyway=details.use_anyway)
        return RollCallOutcome(
            detection.session.id, tuple(photo.id for photo in detection.photos), detection.timings_ms
        )
