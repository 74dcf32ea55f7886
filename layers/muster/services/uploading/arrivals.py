"""Reading photos that were sent to the store directly."""

from muster.domain.actor import Actor
from muster.domain.errors import Category, MusterError, UploadNotFound
from muster.domain.identifiers import UploadId, UserId
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
from muster.services.registering.registration import Registration, RegistrationRequest
from muster.services.roll_call.detection import RollCalls
from muster.storage.ports import GroupStore, UploadStore


class UploadedPhotos:
    """The use case of whoever is told that a photo has arrived; being told twice, late or wrongly changes nothing."""

    def __init__(
        self, uploads: UploadStore, groups: GroupStore, registration: Registration, detection: RollCalls
    ) -> None:
        self._uploads = uploads
        self._groups = groups
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
            actor = self._actor(upload)
            match upload.details:
                case RegistrationDetails() as details:
                    return self._registered(details, image, actor)
                case RollCallDetails() as details:
                    return self._detected(details, image, actor)
                case None:
                    raise AssertionError("read before")
        except MusterError as error:
            if error.category is Category.UNAVAILABLE:
                raise
            return Failure(error.code, error.category, str(error))

    def _actor(self, upload: Upload) -> Actor:
        """Return who announced a photo, with the groups they teach now: a teacher may have lost one since."""
        user_id = upload.opened_by or UserId("")
        if upload.as_admin:
            return Actor(user_id, None)
        return Actor(user_id, frozenset(group.id for group in self._groups.find() if user_id in group.teachers))

    def _registered(self, details: RegistrationDetails, image: bytes, actor: Actor) -> RegistrationOutcome:
        for group_id in details.group_ids:
            actor.check([group_id])
        request = RegistrationRequest(
            student_id=details.student_id,
            name=details.name,
            group_ids=details.group_ids,
            consent=details.consent,
            image=image,
            actor=actor,
            renew_consent=details.renew_consent,
            allow_lookalike=details.allow_lookalike,
        )
        registered = self._registration.register(request)
        return RegistrationOutcome(registered.student.id, registered.quality, registered.repeated, registered.warnings)

    def _detected(self, details: RollCallDetails, image: bytes, actor: Actor) -> RollCallOutcome:
        actor.check([details.group_id])
        detection = self._detection.detect(
            details.group_id, [image], details.session_id, actor, use_anyway=details.use_anyway
        )
        return RollCallOutcome(
            detection.session.id, tuple(photo.id for photo in detection.photos), detection.timings_ms
        )
