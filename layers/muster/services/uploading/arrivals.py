"""Processing of photos that clients sent to the store directly."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from muster.domain.actor import Actor
from muster.domain.errors import Category, MusterError, UploadNotFound
from muster.domain.identifiers import GroupId, UploadId, UserId
from muster.domain.registration import NewPhoto, RegistrationDetails
from muster.domain.substitute import AUDIT_PREFIX
from muster.domain.upload import (
    Details,
    Failure,
    Outcome,
    RegistrationOutcome,
    RollCallDetails,
    RollCallOutcome,
    Upload,
    UploadKind,
)
from muster.services.registering.registration import Registration
from muster.services.registering.replacement import PhotoReplacement
from muster.services.roll_call.detection import RollCalls
from muster.storage.ports import GroupStore, UploadStore


class UploadedPhotos:
    """Processes photos that have arrived in the store. Duplicate, late and spurious notifications have no effect.

    Args:
        substitute_groups: returns the groups to which a substitute had access when the upload was opened.
    """

    def __init__(
        self,
        uploads: UploadStore,
        groups: GroupStore,
        registration: Registration,
        detection: RollCalls,
        substitute_groups: Callable[[UserId, datetime], frozenset[GroupId]] = lambda _, __: frozenset(),
    ) -> None:
        self._uploads = uploads
        self._groups = groups
        self._registration = registration
        self._replacement = PhotoReplacement(registration)
        self._detection = detection
        self._substitute_groups = substitute_groups

    def read(self, kind: UploadKind, upload_id: UploadId) -> Upload | None:
        """Read a photo, store the outcome, and delete the photo.

        The outcome is stored before the photo is deleted. If the process is killed after the first step, the next
        notification deletes the photo. A refused photo has an outcome too.

        Returns:
            The upload with its outcome, or None if no upload was opened for this photo.

        Raises:
            MusterError: something is unavailable for now (category `unavailable`); there is no outcome yet.
        """
        upload = self._announced(kind, upload_id)
        if upload is not None and upload.details is not None:
            self._uploads.close(upload_id, self._outcome(upload, upload.details))
            upload = self._announced(kind, upload_id)
        self._uploads.discard(kind, upload_id)
        return upload

    def _announced(self, kind: UploadKind, upload_id: UploadId) -> Upload | None:
        try:
            upload = self._uploads.get(upload_id)
        except UploadNotFound:
            return None
        return upload if upload.kind is kind else None

    def _outcome(self, upload: Upload, details: Details) -> Outcome:
        try:
            image = self._uploads.photo(upload.kind, upload.id)
            actor = self._actor(upload)
            match details:
                case RegistrationDetails():
                    return self._registered(details, image, actor)
                case NewPhoto():
                    return self._replaced(details, image, actor)
                case RollCallDetails():
                    return self._detected(details, image, actor)
                case _:
                    assert_never(details)
        except MusterError as error:
            if error.category is Category.UNAVAILABLE:
                raise
            return Failure(error.code, error.category, str(error))

    def _actor(self, upload: Upload) -> Actor:
        """Return the user who opened the upload, with the groups that they teach now."""
        user_id = upload.opened_by or UserId("")
        if upload.as_admin:
            return Actor(user_id, None)
        if user_id.startswith(AUDIT_PREFIX):
            return Actor(user_id, self._substitute_groups(user_id, upload.created_at))
        return Actor(user_id, frozenset(group.id for group in self._groups.find() if user_id in group.teachers))

    def _registered(self, details: RegistrationDetails, image: bytes, actor: Actor) -> RegistrationOutcome:
        for group_id in details.group_ids:
            actor.check([group_id])
        registered = self._registration.register(details, image, actor)
        return RegistrationOutcome(registered.student.id, registered.quality, registered.repeated, registered.warnings)

    def _replaced(self, details: NewPhoto, image: bytes, actor: Actor) -> RegistrationOutcome:
        replaced = self._replacement.replace(details, image, actor)
        return RegistrationOutcome(replaced.student.id, replaced.quality, replaced.repeated, replaced.warnings)

    def _detected(self, details: RollCallDetails, image: bytes, actor: Actor) -> RollCallOutcome:
        actor.check([details.group_id])
        detection = self._detection.detect(
            details.group_id, [image], details.session_id, actor, use_anyway=details.use_anyway
        )
        return RollCallOutcome(
            detection.session.id, tuple(photo.id for photo in detection.photos), detection.timings_ms
        )
