"""Registration of a student from one photo."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from muster.domain.actor import Actor
from muster.domain.errors import DuplicatePerson, NotRegistered, StudentExists, StudentNotFound, VersionConflict
from muster.domain.identifiers import PackId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.registration import RegistrationDetails
from muster.domain.student import CONSENT_WORDING, Consent, Student, StudentState, Template
from muster.recognition.duplicates import find_same_person
from muster.recognition.thresholds import Thresholds
from muster.services.caches.school import School
from muster.services.registering.admission import admit
from muster.services.registering.known_student import known_student
from muster.services.registering.results import RegistrationResult
from muster.services.roster.groups import Groups
from muster.storage.ports import StudentStore
from muster.vision.covering import Covering
from muster.vision.decode import Decode, decode
from muster.vision.pipeline import RegistrationViews, VisionPipeline

_COVERED = {
    Covering.MOUTH: PhotoWarning.MOUTH_COVERED,
    Covering.EYES: PhotoWarning.EYES_COVERED,
    Covering.SIDE: PhotoWarning.FACE_PARTLY_COVERED,
}

_ATTEMPTS = 5
"""Tries to write a record that other requests keep changing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Registers students from photos.

    Attributes:
        vision: the models of the pack in use.
        school: searched for the same person under another id.
        duplicate_thresholds: for that search, at a low false positive rate: a false alarm turns a student away.
        groups: creates a record for groups that have none.
        request_training: called once after each new student.
        one_at_a_time: held from the search for duplicates until the student is stored. Otherwise two photos of one
            person, sent at the same time, would each miss the other in the search.
    """

    pack: PackId
    vision: VisionPipeline
    students: StudentStore
    school: School
    duplicate_thresholds: Thresholds
    groups: Groups
    request_training: Callable[[], None]
    one_at_a_time: AbstractContextManager[object]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    decode: Decode = decode

    def register(self, details: RegistrationDetails, image: bytes, actor: Actor) -> RegistrationResult:
        """Register one student, or return the one that the same request registered before.

        A student who is on the roster without a photo, or who gives consent again after withdrawing it, keeps marks
        and groups, takes the name of the request and joins its groups. Whether the actor may do this is checked
        against the record that is replaced.

        Args:
            image: the photo's bytes.
            actor: the user who registers the student.

        Raises:
            NotAllowed: the id belongs to a student in groups that the actor does not teach.
            ConsentWithdrawn: the student withdrew consent, and the request does not renew it.
            ConsentRequired: consent is not given.
            InvalidRequest: the name is empty or too long, or no group is named.
            EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: the photo cannot be read.
            NoFace, SeveralFaces, FaceTooSmall, TooBlurred, TooDark, TooBright, FaceTurned, FaceCutOff:
                the photo is not suitable.
            StudentExists: another registration has this id.
            VersionConflict: other requests kept changing the student's record.
            DuplicatePerson: the person is registered under another id.
            RegistrationsBusy: the lock was held by other registrations for too long, or was lost to one.
            StorageFull: nothing was stored.
        """
        details = replace(details, name=admit(details.name, details.group_ids, details.consent))
        known = self._known(details, actor)
        photo = self.decode(image)
        if repeated := self._repeated(details, photo.digest, known):
            return RegistrationResult(repeated, None, repeated=True)
        views = self.vision.registration_views(photo)
        template = Template(details.student_id, self.pack, views.embeddings, photo.digest)
        if not details.allow_lookalike:
            # Loads what is not in memory yet before others have to wait. Under the lock little is left to load.
            self.school.current()
        with self.one_at_a_time:
            registered = self._store(details, image, actor, template, views)
        if not registered.repeated:
            self.request_training()
        return registered

    def _store(
        self, details: RegistrationDetails, image: bytes, actor: Actor, template: Template, views: RegistrationViews
    ) -> RegistrationResult:
        for attempt in range(_ATTEMPTS):
            known = self._known(details, actor)
            if repeated := self._repeated(details, template.photo_digest, known):
                return RegistrationResult(repeated, None, repeated=True)
            if not details.allow_lookalike:
                self._refuse_duplicate(template, details, actor)
            student = self._student(details, actor, known)
            self.groups.ensure(details.group_ids)
            try:
                self.students.add(student, template, image, replaces=known)
            except (StudentExists, VersionConflict):
                # Another process changed the record: check the request against the new one.
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return RegistrationResult(student, views.quality, repeated=False, warnings=warnings_of(views))
        raise AssertionError("the last attempt returns or raises")

    def _known(self, details: RegistrationDetails, actor: Actor) -> Student | None:
        return known_student(self.students, details.student_id, actor, renew_consent=details.renew_consent)

    def _repeated(self, details: RegistrationDetails, digest: str, known: Student | None) -> Student | None:
        """Return the student if this same request registered them before."""
        if known is None or known.state is not StudentState.REGISTERED:
            return None
        try:
            template = self.students.template(details.student_id)
        except (StudentNotFound, NotRegistered):
            return None
        if (known.name, template.photo_digest) == (details.name, digest) and details.group_ids <= known.groups:
            return known
        raise StudentExists(
            f"The id {details.student_id} belongs to a registered student. Choose another id, "
            "or erase that student before registering them again."
        )

    def _student(self, details: RegistrationDetails, actor: Actor, known: Student | None) -> Student:
        now = self.now()
        earlier = None if known is None else known.consent
        consent = Consent(
            now,
            CONSENT_WORDING,
            stated_by=actor.user_id,
            renewed_after=None if earlier is None else earlier.withdrawn_at,
        )
        groups = details.group_ids if known is None else details.group_ids | known.groups
        version = 1 if known is None else known.version + 1
        return Student(details.student_id, details.name, groups, consent, now, version)

    def _refuse_duplicate(self, template: Template, details: RegistrationDetails, actor: Actor) -> None:
        student_id = find_same_person(template.embeddings[0], self.school.current(), self.duplicate_thresholds)
        if student_id is None:
            return
        other = self.students.get(student_id)
        # A student of another class is not named: teachers see only their own groups.
        shared = other.groups & details.group_ids
        known_as = f"as {other.id}" if actor.may_see(shared) and shared else "under another id in another group"
        raise DuplicatePerson(
            f"This person seems to be registered already {known_as}. Add that student to the group instead, "
            "or confirm that this is somebody else who looks alike (allow_lookalike)."
        )


def warnings_of(views: RegistrationViews) -> tuple[PhotoWarning, ...]:
    """Return the advice on a photo that was accepted."""
    turned = () if views.turned == 0 else (PhotoWarning.PHOTO_TURNED,)
    return turned if views.covering is None else (*turned, _COVERED[views.covering])
