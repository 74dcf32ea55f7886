"""Learning from faces that a person named."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from muster.arrays import iou
from muster.domain.attendance import Session, SessionPhoto
from muster.domain.closing import check_open
from muster.domain.errors import (
    FaceUnlike,
    LearningOff,
    MusterError,
    NotRegistered,
    PackMismatch,
    PhotoNotFound,
    StoredPhotoDamaged,
    StudentNotFound,
    UnfitFace,
)
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import FaceId, PackId, SessionId, StudentId, UserId
from muster.domain.learning import LearningMode, NewFace
from muster.domain.packs import comparable
from muster.domain.student import LearnedFace
from muster.recognition.plausibility import CONFIRMED_RATIO, are_plausible
from muster.services.caches.galleries import Galleries
from muster.services.learning.automatic import unlearn_unnamed
from muster.services.photos.decoding import read_stored
from muster.services.roll_call.corrections import Corrections, check_recognisable, photo_of
from muster.storage.ports import SessionStore, StudentStore
from muster.vision.decode import Decode, decode
from muster.vision.orientation import turn_photo
from muster.vision.pipeline import VisionPipeline

_log = logging.getLogger(__name__)

_SAME_FACE = 0.5
"""Intersection over union from which a detection counts as the stored face; the usual threshold."""

_Embedding = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """Adds faces that a person named to the templates of their students.

    Attributes:
        pack: the pack that `vision` was loaded from.
        galleries: used to compare a face with the students of its group.
        mode: `off` learns nothing.
        request_training: called after a template changed.
    """

    pack: PackId
    vision: VisionPipeline
    students: StudentStore
    sessions: SessionStore
    corrections: Corrections
    galleries: Galleries
    mode: LearningMode
    request_training: Callable[[], None]
    decode: Decode = decode
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def name(
        self,
        session_id: SessionId,
        face_id: FaceId,
        student_id: StudentId,
        by: UserId,
        expected: int | None = None,
        *,
        anyway: bool = False,
    ) -> Session:
        """Name a face as `Corrections.name` does, and add it to the student's template.

        All checks run before the first write. Idempotent: repeating an interrupted call completes it.

        Args:
            anyway: learn even if the face resembles the student too little, or another student more.

        Raises:
            LearningOff: learning is turned off.
            SessionNotFound: no session has this id.
            RegisterClosed: the register is closed.
            FaceNotFound: the session has no such face.
            PhotoNotFound: the photo is no longer kept.
            StoredPhotoDamaged: the stored photo cannot be read.
            NotInGroup: the student is not in the group.
            NotRegistered: the student does not agree to be recognised, or has not been asked.
            UnfitFace: the face is too poor to learn from.
            FaceUnlike: the face resembles the student too little, or another student of the group more.
            PackMismatch: the student was registered with a model pack that cannot be compared.
            VersionConflict: the session has a different version.
        """
        if self.mode is LearningMode.OFF:
            raise LearningOff("Learning from faces is turned off. Name the face without learning.")
        session = self.sessions.get(session_id)
        check_open(session)
        photo = photo_of(self.sessions.photos(session_id), face_id)
        check_recognisable(self.corrections.member(student_id, session.group_id))
        template = self.students.template(student_id)
        if not comparable(template.pack, self.pack):
            raise PackMismatch(
                f"{student_id} is moving to another model pack. Name the face without learning, or try again later."
            )
        face = next(face for face in photo.faces if face.face_id == face_id)
        (embedding,) = self._embeddings(photo, [face])
        if embedding is None:
            raise UnfitFace("The face is too small, blurred, dark or turned to learn from. Name it without learning.")
        if not anyway and face_id not in template.learned_ids:
            gallery = self.galleries.of(session.group_id)
            if not are_plausible(embedding[None], [student_id], gallery, CONFIRMED_RATIO)[0]:
                raise FaceUnlike(
                    "The face resembles the student too little, or another student more. "
                    "Name it without learning, or repeat with learn_anyway if you are certain."
                )
        session = self.corrections.name(session_id, face_id, student_id, by, expected, learned=True)
        self._learn(session, {student_id: (face_id, embedding)}, by)
        return session

    def learn_confirmed(self, session_id: SessionId, faces: Mapping[FaceId, StudentId], by: UserId) -> None:
        """Learn from faces that a person just named, if that is safe.

        Nothing is refused; the names stay. A face is skipped if it is gone, poor or not plausible, if its student did
        not consent to learning, or if the template already learned from this session. Each photo is decoded once. A
        failure of the store, or a damaged template of another student, is logged only.

        Args:
            faces: the student named for each face.
            by: the user who named them.
        """
        if self.mode is LearningMode.OFF:
            return
        try:
            self._learn_if_safe(self.sessions.get(session_id), faces, by)
        except MusterError as error:
            # The names are stored, and learning can wait for the next confirmed face.
            _log.warning("nothing was learned from confirmed faces: %s", error.code)

    def _learn_if_safe(self, session: Session, faces: Mapping[FaceId, StudentId], by: UserId) -> None:
        wanted = {face_id: student_id for face_id, student_id in faces.items() if self._may_learn(session, student_id)}
        found: list[tuple[StudentId, FaceId, _Embedding]] = []
        for photo in self.sessions.photos(session.id) if wanted else ():
            shown = [face for face in photo.faces if wanted.get(face.face_id, "") == face.student_id]
            found += [
                (wanted[face.face_id], face.face_id, embedding)
                for face, embedding in zip(shown, self._embeddings_if_kept(photo, shown), strict=True)
                if embedding is not None
            ]
        if not found:
            return
        gallery = self.galleries.of(session.group_id)
        embeddings = np.stack([embedding for _, _, embedding in found])
        likely = are_plausible(embeddings, [student_id for student_id, _, _ in found], gallery, CONFIRMED_RATIO)
        # Of several faces of a student, the last one counts.
        chosen = {
            student_id: (face_id, embedding)
            for (student_id, face_id, embedding), is_likely in zip(found, likely, strict=True)
            if is_likely
        }
        self._learn(session, chosen, by)

    def _may_learn(self, session: Session, student_id: StudentId) -> bool:
        try:
            consent = self.students.get(student_id).consent
            template = self.students.template(student_id)
        except (StudentNotFound, NotRegistered):
            return False
        return (
            consent is not None
            and consent.allows_learning
            and comparable(template.pack, self.pack)
            and all(face.session_id != session.id for face in template.learned)
        )

    def _learn(self, session: Session, faces: Mapping[StudentId, tuple[FaceId, _Embedding]], by: UserId) -> None:
        at = self.now()
        changed = self.students.learn(
            [
                NewFace(student_id, LearnedFace(face_id, session.id, session.group_id, at, by), embedding, self.pack)
                for student_id, (face_id, embedding) in faces.items()
            ]
        )
        unlearn_unnamed(self.students, self.sessions, session, {student: faces[student][0] for student in changed})
        if changed:
            self.request_training()

    def _embeddings_if_kept(self, stored: SessionPhoto, faces: Sequence[IdentifiedFace]) -> list[_Embedding | None]:
        if not faces:
            return []
        try:
            return self._embeddings(stored, faces)
        except (PhotoNotFound, StoredPhotoDamaged):
            return [None] * len(faces)

    def _embeddings(self, stored: SessionPhoto, faces: Sequence[IdentifiedFace]) -> list[_Embedding | None]:
        """Read a photo again and embed some of its faces, (D,) each; None for a poor one, or one not found."""
        try:
            original = self.sessions.original(stored.session_id, stored.id)
        except PhotoNotFound as error:
            raise PhotoNotFound(
                "The photo is no longer kept, so the face cannot be learned. Name it without learning."
            ) from error
        photo = turn_photo(read_stored(self.decode, original), stored.turned)
        found = self.vision.detector.detect(photo.pixels)
        if not len(found):
            return [None] * len(faces)
        overlaps = iou(np.array([face.box for face in faces], np.float32), found.boxes)
        probes = self.vision.embed_faces(photo, found.take(overlaps.argmax(axis=1)))
        return [
            None if overlap < _SAME_FACE or probes.quality.faults(index) else np.asarray(embedding, np.float32)
            for index, (overlap, embedding) in enumerate(zip(overlaps.max(axis=1), probes.embeddings, strict=True))
        ]
