"""Marking who is present in the photos of one session."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

import numpy as np

from muster.arrays import FloatArray
from muster.domain.actor import OPERATOR, Actor
from muster.domain.attendance import MAX_PHOTOS, Mark, MarkSource, MarkStatus, RollCall, Session, SessionPhoto
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
from muster.domain.taken import is_taken, visible_marks
from muster.recognition.head import Head
from muster.recognition.matcher import Match, identify
from muster.recognition.policy import Policy
from muster.recognition.scoring import PreparedGallery
from muster.services.caches.galleries import Galleries
from muster.services.caches.heads import CurrentHead
from muster.services.learning.automatic import AutomaticLearning, ReadPhoto
from muster.services.photos.decoding import CheckedPhotos
from muster.services.roll_call.earlier_photos import earlier_ratios
from muster.services.roll_call.photo_checks import PhotoChecks
from muster.services.roll_call.results import RollCallResult
from muster.services.roll_call.sessions import check_group
from muster.storage.ports import SessionStore, StudentStore
from muster.vision.decode import Decode, Photo, decode
from muster.vision.orientation import turn_photo
from muster.vision.pipeline import PhotoProbes, VisionPipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCalls:
    """The use case of reading group photos."""

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

    def detect(
        self,
        group_id: GroupId,
        images: Sequence[bytes],
        session_id: SessionId | None = None,
        actor: Actor = OPERATOR,
        *,
        use_anyway: bool = False,
    ) -> RollCallResult:
        """Read the photos, mark who is present, and store both.

        Every photo is decoded before anything is stored, so that one bad file leaves no half roll call. Few are in
        memory at a time.
        Without a session id the session is that of these very photos: the same call twice is one session.

        Args:
            images: 1 to 10 encoded pictures.
            actor: the user who sends them.
            use_anyway: read photos although they seem to belong to another roll call.

        Raises:
            GroupNotFound: the group has no students.
            NobodyRegistered: none of its students is registered with a photo.
            SessionOfOtherGroup: the session was opened for another group of the actor's.
            NotAllowed: the session was opened for a group that is not the actor's.
            InvalidRequest: no photo, or too many.
            IsRegistrationPhoto, PhotoUsedBefore, PhotoFromAnotherDay: a photo seems to belong elsewhere.
            EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: one photo cannot be read.
            StorageFull: the photo under way was not stored.
        """
        if not 1 <= len(images) <= MAX_PHOTOS:
            raise InvalidRequest(f"Send 1 to {MAX_PHOTOS} photos, not {len(images)}.")
        if session_id is not None:
            # A session of another group is refused before any photo is decoded.
            self._find_session(group_id, session_id, actor)
        timings = {"decode": 0.0}
        started = perf_counter()
        photos = CheckedPhotos(self.decode, images)
        timings["decode"] = (perf_counter() - started) * 1000

        gallery = self.galleries.of(group_id)
        students = {student.id: student for student in self.students.find(group_id)}
        names = {student.id: student.name for student in students.values()}
        if not names:
            raise GroupNotFound(f"The group {group_id} has no students: register them first.")
        if gallery.size == 0:
            raise NobodyRegistered(
                f"No student of the group {group_id} is registered with a photo: register them, or mark them by hand."
            )
        head_version, head = self.heads.get()
        files = dict(zip(photos.digests, images, strict=True))
        if session_id is None:
            session_id = self.checks.derived_session(group_id, files, self.now(), use_anyway)
        found = self._find_session(group_id, session_id, actor)
        session = found or Session(session_id, group_id, self.now())
        if not use_anyway:
            self.checks.check(session, files, self.galleries.registration_photos(group_id), actor.groups)
        session = self._open_session(session, list(names), actor)

        read: list[SessionPhoto] = []
        earlier = [] if found is None else self.sessions.photos(session.id)
        decided = {} if found is None else last_decisions(self.sessions.changes(session.id))
        probed: list[PhotoProbes] = []
        for image, sent in photos:
            probes = self.vision.probes(sent)
            photo = turn_photo(sent, probes.turned)
            photo_id = _photo_id(session, photo)
            others = [other for other in (*earlier, *read) if other.id != photo_id]
            ratios = earlier_ratios(others, gallery.gallery.student_ids, decided)
            matches, took = self._identified(probes, gallery, head, ratios)
            stored = self._stored(session, photo, probes, matches, head_version)
            self.sessions.record_photo(stored, image, _marks_of(stored))
            read.append(stored)
            probed.append(probes)
            for step, milliseconds in {**probes.timings_ms, "match": took}.items():
                timings[step] = timings.get(step, 0.0) + milliseconds
        # Whatever a person decided on before, in a photo that is sent again, is as the person left it.
        kept = {photo.id: photo for photo in self.sessions.photos(session.id)}
        read = [kept.get(photo.id, photo) for photo in read]
        roll_call = RollCall(session, tuple(self.sessions.marks(session.id)))
        seen = [ReadPhoto.of(photo, probes) for photo, probes in zip(read, probed, strict=True)]
        self.learning.learn(session, seen, earlier, gallery, students, roll_call.marks)
        now = self.now()
        return RollCallResult(
            session=session,
            photos=tuple(read),
            marks=visible_marks(roll_call, now),
            taken=is_taken(session, roll_call.marks, now),
            by_people=students_marked_by_people(roll_call.marks, self.sessions.changes(session.id)),
            names=names,
            pack=self.pack,
            head=head_version,
            timings_ms={step: round(milliseconds, 1) for step, milliseconds in timings.items()},
        )

    def _identified(
        self, probes: PhotoProbes, gallery: PreparedGallery, head: Head | None, earlier: Sequence[FloatArray]
    ) -> tuple[list[Match], float]:
        started = perf_counter()
        matches = identify(probes.embeddings, gallery, self.policy, head, earlier)
        return matches, (perf_counter() - started) * 1000

    def _open_session(self, session: Session, roster: list[StudentId], actor: Actor) -> Session:
        """Open the session, or find it opened by an earlier or simultaneous call."""
        try:
            self.sessions.create(session, roster)
        except SessionExists:
            return self._find_session(session.group_id, session.id, actor) or session
        return session

    def _find_session(self, group_id: GroupId, session_id: SessionId, actor: Actor) -> Session | None:
        try:
            session = self.sessions.get(session_id)
        except SessionNotFound:
            return None
        check_group(session, group_id, actor)
        return session

    def _stored(
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
        received_at, turned = self.now(), probes.turned
        return SessionPhoto(
            photo_id, session.id, photo.digest, width, height, faces, self.pack, head, received_at, turned
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
