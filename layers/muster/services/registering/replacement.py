"""Replacement of the photo that a student is registered with."""

from dataclasses import dataclass, replace

from muster.domain.actor import Actor
from muster.domain.errors import DuplicatePerson, NotRegistered, StudentNotFound, VersionConflict
from muster.domain.registration import NewPhoto
from muster.domain.student import PhotoChange, Student, Template
from muster.recognition.duplicates import find_same_person
from muster.services.registering.registration import Registration, warnings_of
from muster.services.registering.replaceable_student import check_version, replaceable_student
from muster.services.registering.results import RegistrationResult
from muster.vision.pipeline import RegistrationViews

_ATTEMPTS = 5
"""Tries to write a record that other requests keep changing."""


@dataclass(frozen=True, slots=True)
class PhotoReplacement:
    """Replaces registration photos, with the checks of a registration.

    Attributes:
        registration: its models, store, school and lock are used.
    """

    registration: Registration

    def replace(self, details: NewPhoto, image: bytes, actor: Actor) -> RegistrationResult:
        """Replace a student's photo and template; consent, name, groups and marks stay.

        The new template starts without learned faces: they were learned by means of the previous photo, which may have
        been wrong. The same photo again changes nothing.

        Args:
            image: the new photo's bytes.
            actor: the user who replaces the photo.

        Raises:
            StudentNotFound, NotAllowed, ConsentWithdrawn, NotRegistered: see `replaceable_student`.
            EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: the photo cannot be read.
            NoFace, SeveralFaces, FaceTooSmall, TooBlurred, TooDark, TooBright, FaceTurned, FaceCutOff:
                the photo is not suitable.
            DuplicatePerson: the photo seems to show another registered student.
            VersionConflict: the record is not the one that the caller read, or other requests kept changing it.
            RegistrationsBusy: the lock was held by other registrations for too long, or was lost to one.
            StorageFull: nothing was stored, and the previous photo is kept.
        """
        own = self.registration
        student = replaceable_student(own.students, details, actor)
        photo = own.decode(image)
        if self._has_photo(student, photo.digest):
            return RegistrationResult(student, None, repeated=True)
        check_version(details, student)
        views = own.vision.registration_views(photo)
        template = Template(student.id, own.pack, views.embeddings, photo.digest)
        if not details.allow_lookalike:
            # Loads what is not in memory yet before others have to wait.
            own.school.current()
        with own.one_at_a_time:
            replaced = self._store(details, image, actor, template, views)
        if not replaced.repeated:
            own.request_training()
        return replaced

    def _store(
        self, details: NewPhoto, image: bytes, actor: Actor, template: Template, views: RegistrationViews
    ) -> RegistrationResult:
        own = self.registration
        for attempt in range(_ATTEMPTS):
            known = replaceable_student(own.students, details, actor)
            if self._has_photo(known, template.photo_digest):
                return RegistrationResult(known, None, repeated=True)
            check_version(details, known)
            if not details.allow_lookalike:
                self._refuse_other_student(template, known, actor)
            change = PhotoChange(own.now(), actor.user_id)
            student = replace(known, photo_change=change, version=known.version + 1)
            try:
                own.students.replace_photo(student, template, image, replaces=known)
            except (NotRegistered, VersionConflict):
                # Another process changed the record: check the request against the new one.
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return RegistrationResult(student, views.quality, repeated=False, warnings=warnings_of(views))
        raise AssertionError("the last attempt returns or raises")

    def _has_photo(self, student: Student, digest: str) -> bool:
        try:
            return self.registration.students.template(student.id).photo_digest == digest
        except (StudentNotFound, NotRegistered):
            return False

    def _refuse_other_student(self, template: Template, student: Student, actor: Actor) -> None:
        own = self.registration
        school, thresholds = own.school.current(), own.duplicate_thresholds
        found = find_same_person(template.embeddings[0], school, thresholds, ignore=student.id)
        if found is None:
            return
        other = own.students.get(found)
        # A student of another class is not named: teachers see only their own groups.
        who = other.id if actor.may_see(other.groups) else "a student of another group"
        raise DuplicatePerson(
            f"This photo seems to show {who}, who is registered already. Choose a photo of {student.id}, "
            "or confirm that the two look alike (allow_lookalike)."
        )
