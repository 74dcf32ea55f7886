"""Marking the students who are present in the photos of a session."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from muster.domain.actor import OPERATOR, Actor
from muster.domain.attendance import MAX_PHOTOS, Mark, MarkSource, MarkStatus, RollCall, Session, SessionPhoto
from muster.domain.closing import check_open
from muster.domain.corrections import last_decisions, students_marked_by_people
from muster.domain.errors import (
    GroupNotFound,
    InvalidRequest,
    NobodyRegistered,
    SessionExists,
    SessionNotFound,
)
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId
from muster.domain.student import Student
from muster.domain.taken import is_taken, visible_marks
from muster.recognition.matcher import Match, identify
from muster.recognition.policy import Policy
from muster.recognition.scoring import PreparedGallery
from muster.services.caches.galleries import Galleries
from muster.services.caches.heads import CurrentHead
from muster.services.learning.automatic import AutomaticLearning, ReadPhoto
from muster.services.photos.decoding import CheckedPhotos
from muster.services.roll_call.absences import PlannedMarks, nothing_planned
from muster.services.roll_call.earlier_photos import earlier_ratios, other_photos
from muster.services.roll_call.photo_checks import PhotoChecks
from muster.services.roll_call.results import RollCallResult
from muster.services.roll_call.sessions import check_group
from muster.services.roll_call.step_times import StepTimes
from muster.services.timetable.lesson_sessions import LessonSessions
from muster.storage.ports import SessionStore, StudentStore
from muster.vision.decode import Decode, Photo, decode
from muster.vision.orientation import turn_photo
from muster.vision.pipeline import PhotoProbes, VisionPipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCalls:
    """Takes roll calls from group photos."""

    pack: PackId
    vision: VisionPipeline
    students: StudentStore
    sessions: SessionStore
    galleries: Galleries
    heads: CurrentHead
    policy: Policy
    checks: PhotoChecks
    learning: AutomaticLearning
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    decode: Decode = decode
    lessons: LessonSessions | None = None
    planned: PlannedMarks = nothing_planned

    def detect(
        self,
        group_id: GroupId,
        images: Sequence[bytes],
        session_id: SessionId | None = None,
        actor: Actor = OPERATOR,
        *,
        use_anyway: bool = False,
    ) -> RollCallResult:
        """Recognise the students in photos, mark them, and store photos and marks.

        All photos are decoded before anything is stored, so a damaged file leaves no half-finished roll call. Few of
        them are in memory at a time. Without a session id, the photos belong to the lesson that the group has
        now. If it has none, the session is derived from the photos: the same request twice is one session.

        Args:
            images: 1 to 10 encoded pictures.
            actor: the user who sends them.
            use_anyway: process photos although they seem to belong to another roll call.

        Raises:
            GroupNotFound: the group has no students.
            NobodyRegistered: none of its students is registered with a photo.
            SessionOfOtherGroup: the session belongs to another group that the actor teaches.
            NotAllowed: the session belongs to a group that the actor does not teach.
            LessonNotFound: the id of a new session is that of a lesson's register, which the group does not have now.
            RegisterClosed: the session's register is closed, and does not hold all of the photos.
            InvalidRequest: no photo, or too many.
            IsRegistrationPhoto, PhotoUsedBefore, PhotoFromAnotherDay: a photo seems to belong elsewhere.
            EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: one photo cannot be read.
            StorageFull: a photo was not stored; those before it were.
        """
        if not 1 <= len(images) <= MAX_PHOTOS:
            raise InvalidRequest(f"Send 1 to {MAX_PHOTOS} photos, not {len(images)}.")
        # A session of another group is refused before any photo is decoded.
        if session_id is not None:
            self._find_session(group_id, session_id, actor)
        times = StepTimes()
        with times.measured("decode"):
            photos = CheckedPhotos(self.decode, images)

        gallery, students = self._group(group_id)
        head_number, head = self.heads.get()
        files = dict(zip(photos.digests, images, strict=True))
        if session_id is None:
            session_id = self._session_now(group_id, files, use_anyway=use_anyway)
        # Decoding takes seconds, in which a session may have been removed.
        session = self._find_session(group_id, session_id, actor) or self._new_session(group_id, session_id)
        if not use_anyway:
            self.checks.check(session, files, self.galleries.registration_photos(group_id), actor.groups)
        session, is_new = self._open_session(session, list(students), actor)
        earlier = [] if is_new else self.sessions.photos(session.id)
        if session.closed is not None and not set(photos.digests) <= {photo.digest for photo in earlier}:
            check_open(session)
        decided = {} if is_new else last_decisions(self.sessions.changes(session.id))

        read: list[ReadPhoto] = []
        for image, sent in photos:
            probes = self.vision.probes(sent)
            photo = turn_photo(sent, probes.turned)
            photo_id = _photo_id(session, photo)
            others = other_photos(photo_id, [*earlier, *(known.photo for known in read)])
            ratios = earlier_ratios(others, gallery.gallery.student_ids, decided)
            with times.measured("match"):
                matches = identify(probes.embeddings, gallery, self.policy, head, ratios)
            times.add(probes.timings_ms)
            recognised = self._session_photo(session, photo, probes, matches, head_number)
            stored = self.sessions.record_photo(recognised, image, _marks_of(recognised))
            read.append(ReadPhoto.of(stored, probes))

        roll_call = RollCall(session, tuple(self.sessions.marks(session.id)))
        self.learning.learn(session, read, earlier, gallery, students, roll_call.marks)
        now = self.now()
        return RollCallResult(
            session=session,
            photos=tuple(known.photo for known in read),
            marks=visible_marks(roll_call, now),
            taken=is_taken(session, roll_call.marks, now),
            by_people=students_marked_by_people(roll_call.marks, self.sessions.changes(session.id)),
            names={student.id: student.name for student in students.values()},
            pack=self.pack,
            head=head_number,
            timings_ms=times.rounded(),
        )

    def _group(self, group_id: GroupId) -> tuple[PreparedGallery, dict[StudentId, Student]]:
        gallery = self.galleries.of(group_id)
        students = {student.id: student for student in self.students.find(group_id)}
        if not students:
            raise GroupNotFound(f"The group {group_id} has no students: register them first.")
        if gallery.size == 0:
            raise NobodyRegistered(
                f"No student in the group {group_id} is registered with a photo: register them, or mark them by hand."
            )
        return gallery, students

    def _session_now(self, group_id: GroupId, digests: Collection[str], *, use_anyway: bool) -> SessionId:
        """Return the session that photos sent without one belong to: of the lesson that is now, or of their own."""
        now = self.now()
        of_lesson = None if self.lessons is None else self.lessons.join(group_id, digests, now)
        return of_lesson or self.checks.derived_session(group_id, digests, now, use_anyway)

    def _new_session(self, group_id: GroupId, session_id: SessionId) -> Session:
        if self.lessons is None:
            return Session(session_id, group_id, self.now())
        return self.lessons.new_session(group_id, session_id, self.now())

    def _open_session(self, session: Session, roster: list[StudentId], actor: Actor) -> tuple[Session, bool]:
        """Return the session as stored, and whether this call created it."""
        try:
            self.sessions.create(session, roster, list(self.planned(session, roster).values()))
        except SessionExists:
            return self._find_session(session.group_id, session.id, actor) or session, False
        return session, True

    def _find_session(self, group_id: GroupId, session_id: SessionId, actor: Actor) -> Session | None:
        try:
            session = self.sessions.get(session_id)
        except SessionNotFound:
            return None
        check_group(session, group_id, actor)
        return session

    def _session_photo(
        self, session: Session, photo: Photo, probes: PhotoProbes, matches: Sequence[Match], head: int | None
    ) -> SessionPhoto:
        height, width = photo.pixels.shape[:2]
        photo_id = _photo_id(session, photo)
        boxes = _whole_boxes(probes.faces.boxes, width, height)
        faces = tuple(
            IdentifiedFace(
                face_id=FaceId(f"{photo_id}-{index}"),
                box=boxes[index],
                detector_score=round(float(probes.faces.scores[index]), 4),
                quality=round(float(probes.quality.score[index]), 4),
                decision=match.decision,
                student_id=match.student_id,
                similarity=_rounded(match.similarity),
                head_similarity=_rounded(match.head_similarity),
                candidates=tuple(_rounded_candidate(candidate) for candidate in match.candidates),
                log_odds=_rounded(match.log_odds),
            )
            for index, match in enumerate(matches)
        )
        return SessionPhoto(
            photo_id, session.id, photo.digest, width, height, faces, self.pack, head, self.now(), probes.turned
        )


def _marks_of(photo: SessionPhoto) -> list[Mark]:
    """Return the marks that a photo sets: present, or review where a person is asked."""
    status = {Decision.PRESENT: MarkStatus.PRESENT, Decision.REVIEW: MarkStatus.REVIEW}
    return [
        Mark(face.student_id, status[face.decision], MarkSource.PHOTO, photo.received_at)
        for face in photo.faces
        if face.student_id is not None
    ]


def _photo_id(session: Session, photo: Photo) -> PhotoId:
    return PhotoId(hashlib.sha256(f"{session.id}/{photo.digest}".encode()).hexdigest()[:32])


def _rounded_candidate(candidate: Candidate) -> Candidate:
    return Candidate(candidate.student_id, round(candidate.similarity, 4), _rounded(candidate.log_likelihood_ratio))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _whole_boxes(boxes: np.ndarray, width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Round boxes (N, 4) outwards to whole pixels and cut them at the edges of the photo."""
    left = np.clip(np.floor(boxes[:, 0]), 0, width - 1).astype(int)
    top = np.clip(np.floor(boxes[:, 1]), 0, height - 1).astype(int)
    right = np.clip(np.ceil(boxes[:, 0] + boxes[:, 2]), left + 1, width).astype(int)
    bottom = np.clip(np.ceil(boxes[:, 1] + boxes[:, 3]), top + 1, height).astype(int)
    return [(int(x), int(y), int(x2 - x), int(y2 - y)) for x, y, x2, y2 in zip(left, top, right, bottom, strict=True)]
