"""Registering a student from one photo."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from muster.domain.actor import Actor
from muster.domain.errors import DuplicatePerson, NotRegistered, StudentExists, StudentNotFound, VersionConflict
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.student import CONSENT_WORDING, Consent, Student, StudentState, Template
from muster.recognition.duplicates import find_same_person
from muster.recognition.thresholds import Thresholds
from muster.services.caches.galleries import Galleries
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


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """What a teacher sends.

    Attributes:
        group_ids: groups that the student joins; those that the student is in already stay.
        image: the photo's bytes.
        actor: the user who registers the student.
        renew_consent: the student withdrew consent earlier and has given it again.
        allow_lookalike: register even if the face resembles a registered student: twins exist.
    """

    student_id: StudentId
    name: str
    group_ids: frozenset[GroupId]
    consent: bool
    image: bytes
    actor: Actor
    renew_consent: bool = False
    allow_lookalike: bool = False


class Registration:
    """The use case of registering.

    Args:
        vision: of the pack in use.
        students: where they are stored.
        galleries: for the search for the same person under another id.
        duplicate_thresholds: stage 1 alone, at a low FPIR: a false alarm turns an honest student away.
        groups: the student's groups get a record where they have none.
        request_training: called once after each new student.
        one_at_a_time: held from the search for duplicates to the write; None where all registrations are in this
            process.
    """

    def __init__(
        self,
        pack: PackId,
        vision: VisionPipeline,
        students: StudentStore,
        galleries: Galleries,
        duplicate_thresholds: Thresholds,
        groups: Groups,
        request_training: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        one_at_a_time: AbstractContextManager[object] | None = None,
        decode: Decode = decode,
    ) -> None:
        self._pack = pack
        self._vision = vision
        self._students = students
        self._galleries = galleries
        self._thresholds = duplicate_thresholds
        self._groups = groups
        self._request_training = request_training
        self._now = now
        self._decode = decode
        # Two photos of one person sent at once would each miss the other in the search for duplicates.
        self._one_at_a_time = one_at_a_time or Lock()

    def register(self, request: RegistrationRequest) -> RegistrationResult:
        """Register one student, or return the one that the same request registered before.

        A student who is on the roster without a photo, or who gives a withdrawn consent again, keeps marks and groups,
        takes the name of the request and joins its groups. Whether the actor may do this is checked against the very
        record that is replaced.

        Raises:
            NotAllowed: the id belongs to a student of other groups than the actor's.
            ConsentWithdrawn: the student withdrew consent, and the request does not renew it.
            ConsentRequired: consent is not given.
            InvalidRequest: the name is empty or too long, or no group is named.
            EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: the photo cannot be read.
            NoFace, SeveralFaces, FaceTooSmall, TooBlurred, TooDark, TooBright, FaceTurned, FaceCutOff:
                the photo is not fit.
            StudentExists: another registration has this id.
            VersionConflict: other requests kept changing the student's record.
            DuplicatePerson: the person is registered under another id.
            RegistrationsBusy: others were registered all the time.
            StorageFull: nothing was stored.
        """
        name = admit(request.name, request.group_ids, request.consent)
        self._known(request)
        photo = self._decode(request.image)
        if repeated := self._repeated(request, name, photo.digest, self._known(request)):
            return RegistrationResult(repeated, None, repeated=True)
        views = self._vision.registration_views(photo)
        template = Template(request.student_id, self._pack, views.embeddings, photo.digest)
        with self._one_at_a_time:
            registered = self._store(request, name, template, views)
        if not registered.repeated:
            self._request_training()
        return registered

    def _store(
        self, request: RegistrationRequest, name: str, template: Template, views: RegistrationViews
    ) -> RegistrationResult:
        for attempt in range(_ATTEMPTS):
            known = self._known(request)
            if repeated := self._repeated(request, name, template.photo_digest, known):
                return RegistrationResult(repeated, None, repeated=True)
            if not request.allow_lookalike:
                self._refuse_duplicate(template, request)
            student = self._student(request, name, known)
            self._groups.ensure(request.group_ids)
            try:
                self._students.add(student, template, request.image, replaces=known)
            except (StudentExists, VersionConflict):
                # Another process was faster: the request is judged again by the record that is there now.
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return RegistrationResult(student, views.quality, repeated=False, warnings=_warnings_of(views))
        raise AssertionError("the last attempt returns or raises")

    def _known(self, request: RegistrationRequest) -> Student | None:
        return known_student(self._students, request.student_id, request.actor, renew_consent=request.renew_consent)

    def _repeated(self, request: RegistrationRequest, name: str, digest: str, known: Student | None) -> Student | None:
        """Return the student if this very request registered them before."""
        if known is None or known.state is not StudentState.REGISTERED:
            return None
        try:
            template = self._students.template(request.student_id)
        except (StudentNotFound, NotRegistered):
            return None
        if (known.name, template.photo_digest) == (name, digest) and request.group_ids <= known.groups:
            return known
        raise StudentExists(
            f"The id {request.student_id} belongs to a registered student: take another id, "
            "or erase that student first to register them anew."
        )

    def _student(self, request: RegistrationRequest, name: str, known: Student | None) -> Student:
        now = self._now()
        earlier = None if known is None else known.consent
        consent = Consent(
            now,
            CONSENT_WORDING,
            stated_by=request.actor.user_id,
            renewed_after=None if earlier is None else earlier.withdrawn_at,
        )
        groups = request.group_ids if known is None else request.group_ids | known.groups
        version = 1 if known is None else known.version + 1
        return Student(request.student_id, name, groups, consent, now, version)

    def _refuse_duplicate(self, template: Template, request: RegistrationRequest) -> None:
        student_id = find_same_person(template.embeddings[0], self._galleries.of(None), self._thresholds)
        if student_id is None:
            return
        other = self._students.get(student_id)
        # Someone of another class is not named: a teacher sees only their groups.
        shared = other.groups & request.group_ids
        known_as = f"as {other.id}" if request.actor.may_see(shared) and shared else "under another id in another group"
        raise DuplicatePerson(
            f"This person seems to be registered already {known_as}: add that student to the group instead, "
            "or say that it is somebody else who looks alike (allow_lookalike)."
        )


def _warnings_of(views: RegistrationViews) -> tuple[PhotoWarning, ...]:
    turned = () if views.turned == 0 else (PhotoWarning.PHOTO_TURNED,)
    return turned if views.covering is None else (*turned, _COVERED[views.covering])
