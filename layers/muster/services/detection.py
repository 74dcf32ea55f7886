"""Marking who is present in the photos of one session."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from time import perf_counter

import numpy as np

from muster.domain.attendance import MOST_PHOTOS, Mark, MarkSource, MarkStatus, Session, SessionPhoto
from muster.domain.errors import (
    GroupNotFound,
    InvalidRequest,
    MusterError,
    SessionExists,
    SessionNotFound,
    SessionOfOtherGroup,
)
from muster.domain.faces import Candidate, Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PackId, PhotoId, SessionId, StudentId
from muster.recognition.head import Head
from muster.recognition.matcher import Match, identify
from muster.recognition.scoring import PreparedGallery
from muster.recognition.thresholds import Thresholds
from muster.services.annotation import annotate
from muster.services.answers import Detection
from muster.services.galleries import Galleries
from muster.services.heads import CurrentHead
from muster.services.photo_checks import PhotoChecks
from muster.storage.ports import SessionStore, StudentStore
from muster.vision.decode import Photo, decode
from muster.vision.pipeline import PhotoProbes, VisionPipeline


class DetectionService:
    """The use case of reading group photos."""

    def __init__(
        self,
        pack: PackId,
        vision: VisionPipeline,
        students: StudentStore,
        sessions: SessionStore,
        galleries: Galleries,
        heads: CurrentHead,
        thresholds: Thresholds,
        checks: PhotoChecks,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pack = pack
        self._vision = vision
        self._students = students
        self._sessions = sessions
        self._galleries = galleries
        self._heads = heads
        self._thresholds = thresholds
        self._checks = checks
        self._now = now

    def detect(
        self,
        group_id: GroupId,
        images: Sequence[bytes],
        session_id: SessionId | None = None,
        *,
        use_anyway: bool = False,
        visible_groups: Collection[GroupId] | None = (),
    ) -> Detection:
        """Read the photos, mark who is present, and store both.

        Every photo is decoded before anything is stored, so that one bad file leaves no half roll call.
        Without a session id the session is that of these very photos: the same call twice is one session.

        Args:
            images: 1 to 10 encoded pictures.
            use_anyway: read photos although they seem to belong to another roll call.
            visible_groups: groups besides this one whose roll calls a refusal may name; None: all.

        Raises:
            GroupNotFound: nobody is registered in the group.
            SessionOfOtherGroup: the session was opened for another group.
            InvalidRequest: no photo, or too many.
            IsRegistrationPhoto, PhotoUsedBefore, PhotoFromAnotherDay: a photo seems to belong elsewhere.
            EmptyUpload, UnsupportedImage, DamagedImage, ImageTooLarge: one photo cannot be read.
            StorageFull: the photo under way was not stored.
        """
        if not 1 <= len(images) <= MOST_PHOTOS:
            raise InvalidRequest(f"Send 1 to {MOST_PHOTOS} photos, not {len(images)}.")
        timings = {"decode": 0.0}
        started = perf_counter()
        photos = [_decoded(image, number, len(images)) for number, image in enumerate(images, start=1)]
        timings["decode"] = (perf_counter() - started) * 1000

        gallery = self._galleries.of(group_id)
        if gallery.size == 0:
            raise GroupNotFound(f"Nobody is registered in the group {group_id}: register its students first.")
        head_version, head = self._heads.get()
        names = {student.id: student.name for student in self._students.find(group_id)}
        files = {photo.digest: image for photo, image in zip(photos, images, strict=True)}
        if session_id is None:
            session_id = self._checks.derived_session(group_id, files, self._now(), use_anyway)
        session = self._find_session(group_id, session_id) or Session(session_id, group_id, self._now())
        if not use_anyway:
            self._checks.check(session, files, self._galleries.registration_photos(group_id), visible_groups)
        session = self._open_session(session, list(names))

        read = []
        for photo, image in zip(photos, images, strict=True):
            probes = self._vision.probes(photo)
            matches, took = self._identified(probes, gallery, head)
            stored = self._stored(session, photo, probes, matches, head_version)
            present = [
                Mark(match.student_id, MarkStatus.PRESENT, MarkSource.PHOTO, stored.received_at)
                for match in matches
                if match.decision is Decision.PRESENT and match.student_id is not None
            ]
            self._sessions.record_photo(stored, image, annotate(photo.pixels, stored.faces, names), present)
            read.append(stored)
            for step, milliseconds in {**probes.timings_ms, "match": took}.items():
                timings[step] = timings.get(step, 0.0) + milliseconds
        # Whatever a person decided on before, in a photo that is sent again, is as the person left it.
        kept = {photo.id: photo for photo in self._sessions.photos(session.id)}
        read = [kept.get(photo.id, photo) for photo in read]
        marks = tuple(self._sessions.marks(session.id))
        rounded = {step: round(milliseconds, 1) for step, milliseconds in timings.items()}
        return Detection(session, tuple(read), marks, names, self._pack, head_version, rounded)

    def _identified(
        self, probes: PhotoProbes, gallery: PreparedGallery, head: Head | None
    ) -> tuple[list[Match], float]:
        started = perf_counter()
        matches = identify(probes.embeddings, gallery, self._thresholds, head, quality=probes.quality.score)
        return matches, (perf_counter() - started) * 1000

    def _open_session(self, session: Session, roster: list[StudentId]) -> Session:
        """Open the session, or find it opened by an earlier or simultaneous call."""
        try:
            self._sessions.create(session, roster)
        except SessionExists:
            return self._find_session(session.group_id, session.id) or session
        return session

    def _find_session(self, group_id: GroupId, session_id: SessionId) -> Session | None:
        try:
            session = self._sessions.get(session_id)
        except SessionNotFound:
            return None
        if session.group_id != group_id:
            raise SessionOfOtherGroup(
                f"The session {session_id} belongs to the group {session.group_id}: name that group, "
                "or leave the session out to open another."
            )
        return session

    def _stored(
        self, session: Session, photo: Photo, probes: PhotoProbes, matches: Sequence[Match], head: int | None
    ) -> SessionPhoto:
        height, width = photo.pixels.shape[:2]
        photo_id = PhotoId(hashlib.sha256(f"{session.id}/{photo.digest}".encode()).hexdigest()[:32])
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
                candidates=tuple(Candidate(c.student_id, round(c.similarity, 4)) for c in match.candidates),
            )
            for index, match in enumerate(matches)
        )
        return SessionPhoto(photo_id, session.id, photo.digest, width, height, faces, self._pack, head, self._now())


def _decoded(image: bytes, number: int, total: int) -> Photo:
    try:
        return decode(image)
    except MusterError as error:
        # The teacher must know which of several photos to take again.
        raise type(error)(f"Photo {number} of {total}: {error}" if total > 1 else str(error)) from error


def _rounded(similarity: float | None) -> float | None:
    return None if similarity is None else round(similarity, 4)


def _whole_boxes(boxes: np.ndarray, width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Round boxes (N, 4) outwards to whole pixels and cut them at the edges of the photo."""
    left = np.clip(np.floor(boxes[:, 0]), 0, width - 1).astype(int)
    top = np.clip(np.floor(boxes[:, 1]), 0, height - 1).astype(int)
    right = np.clip(np.ceil(boxes[:, 0] + boxes[:, 2]), left + 1, width).astype(int)
    bottom = np.clip(np.ceil(boxes[:, 1] + boxes[:, 3]), top + 1, height).astype(int)
    return [(int(x), int(y), int(x2 - x), int(y2 - y)) for x, y, x2, y2 in zip(left, top, right, bottom, strict=True)]
