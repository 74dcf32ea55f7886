"""Registering a student from one photo."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from muster.domain.errors import DuplicatePerson, NotRegistered, StudentExists, StudentNotFound
from muster.domain.faces import Decision
from muster.domain.identifiers import GroupId, PackId, StudentId
from muster.domain.photo_warnings import PhotoWarning
from muster.domain.student import CONSENT_WORDING, Consent, Student, Template
from muster.recognition.matcher import identify
from muster.recognition.thresholds import Thresholds
from muster.services.admission import admit
from muster.services.answers import Registered
from muster.services.galleries import Galleries
from muster.services.groups import Groups
from muster.storage.ports import StudentStore
from muster.vision.covering import Covering
from muster.vision.decode import decode
from muster.vision.pipeline import RegistrationViews, VisionPipeline

_COVERED = {
    Covering.MOUTH: PhotoWarning.MOUTH_COVERED,
    Covering.EYES: PhotoWarning.EYES_COVERED,
    Covering.SIDE: PhotoWarning.FACE_PARTLY_COVERED,
}


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """What a teacher sends.

    Attributes:
        image: the photo's bytes.
        allow_lookalike: register even if the face resembles a registered student: twins exist.
    """

    student_id: StudentId
    name: str
    group_ids: frozenset[GroupId]
    consent: bool
    image: bytes
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
    ) -> None:
        self._pack = pack
        self._vision = vision
        self._students = students
        self._galleries = galleries
        self._thresholds = duplicate_thresholds
        self._groups = groups
        self._request_training = request_training
        self._now = now
        # Two photos of one person sent at once would each miss the other in the search for duplicates.
        self._one_at_a_time = one_at_a_time or Lock()

    def register(self, request: RegistrationRequest) -> Registered:
        """Register one student, or return the one that the same request registered before.

        Who is on the roster without a photo, or withdrew consent and gives it anew, keeps their marks; name and groups
        become those of the request.

        Raises:
            ConsentRequired: consent is not given.
            InvalidRequest: the name is empty or too long, or no group is named.
            EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: the photo cannot be read.
            NoFace, SeveralFaces, FaceTooSmall, TooBlurred, TooDark, TooBright, FaceTurned, FaceCutOff:
                the photo is not fit.
            StudentExists: another registration has this id.
            DuplicatePerson: the person is registered under another id.
            RegistrationsBusy: others were registered all the time.
            StorageFull: nothing was stored.
        """
        name = admit(request.name, request.group_ids, request.consent)
        photo = decode(request.image)
        if repeated := self._repeated(request, name, photo.digest):
            return Registered(repeated, None, repeated=True)
        views = self._vision.registration_views(photo)
        template = Template(request.student_id, self._pack, views.embeddings, photo.digest)
        now = self._now()
        with self._one_at_a_time:
            if repeated := self._repeated(request, name, photo.digest):
                return Registered(repeated, None, repeated=True)
            if not request.allow_lookalike:
                self._refuse_duplicate(template, request.group_ids)
            student = Student(
                request.student_id,
                name,
                request.group_ids,
                Consent(now, CONSENT_WORDING),
                now,
                version=self._next_version(request.student_id),
            )
            self._groups.ensure(request.group_ids)
            try:
                self._students.add(student, template, request.image)
            except StudentExists:
                # Another process was faster; if with this very request, its answer is ours.
                repeated = self._repeated(request, name, photo.digest)
                if repeated is None:
                    raise
                return Registered(repeated, None, repeated=True)
        self._request_training()
        return Registered(student, views.quality, repeated=False, warnings=_warnings_of(views))

    def _repeated(self, request: RegistrationRequest, name: str, digest: str) -> Student | None:
        try:
            student = self._students.get(request.student_id)
            template = self._students.template(request.student_id)
        except (StudentNotFound, NotRegistered):
            return None
        if (student.name, student.groups, template.photo_digest) == (name, request.group_ids, digest):
            return student
        raise StudentExists(
            f"The id {request.student_id} belongs to a registered student: take another id, "
            "or erase that student first to register them anew."
        )

    def _next_version(self, student_id: StudentId) -> int:
        try:
            return self._students.get(student_id).version + 1
        except StudentNotFound:
            return 1

    def _refuse_duplicate(self, template: Template, groups: frozenset[GroupId]) -> None:
        match = identify(template.embeddings[:1], self._galleries.of(None), self._thresholds, head=None)[0]
        if match.decision is not Decision.PRESENT or match.student_id is None:
            return
        other = self._students.get(match.student_id)
        # Someone of another class is not named: a teacher sees only their groups.
        known_as = f"as {other.id}" if other.groups & groups else "under another id in another group"
        raise DuplicatePerson(
            f"This person seems to be registered already {known_as}: add that student to the group instead, "
            "or say that it is somebody else who looks alike (allow_lookalike)."
        )


def _warnings_of(views: RegistrationViews) -> tuple[PhotoWarning, ...]:
    turned = () if views.turned == 0 else (PhotoWarning.PHOTO_TURNED,)
    return turned if views.covering is None else (*turned, _COVERED[views.covering])
