"""Learning from a face that a person named."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from muster.domain.attendance import Session, SessionPhoto
from muster.domain.errors import FaceUnlike, PackMismatch, PhotoNotFound, UnfitFace
from muster.domain.faces import IdentifiedFace
from muster.domain.identifiers import FaceId, GroupId, PackId, SessionId, StudentId, UserId
from muster.recognition.scoring import score
from muster.recognition.thresholds import Thresholds
from muster.services.corrections import Corrections, check_recognisable, photo_of
from muster.services.galleries import Galleries
from muster.services.photo_reading import read_stored
from muster.storage.ports import SessionStore, StudentStore
from muster.vision.decode import Decode, decode
from muster.vision.orientation import turn_photo
from muster.vision.pipeline import VisionPipeline

_SAME_FACE = 0.5
"""Overlap (intersection over union) from which a detection is the stored face: the usual bound of detection."""


class Learning:
    """The use case of naming a face so that the student is better recognised from then on.

    Args:
        pack: of `vision`.
        galleries: in which a face is compared with the students of its session's group.
        thresholds: a face that scores below the review threshold for its student is not learned from unasked.
        request_training: called once a template learned a face.
    """

    def __init__(
        self,
        pack: PackId,
        vision: VisionPipeline,
        students: StudentStore,
        sessions: SessionStore,
        corrections: Corrections,
        galleries: Galleries,
        thresholds: Thresholds,
        request_training: Callable[[], None],
        decode: Decode = decode,
    ) -> None:
        self._pack = pack
        self._vision = vision
        self._students = students
        self._sessions = sessions
        self._corrections = corrections
        self._galleries = galleries
        self._thresholds = thresholds
        self._request_training = request_training
        self._decode = decode

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

        All that can be refused is refused before anything is changed. Sent again, it does what is left to do.

        Args:
            anyway: learn although the face resembles the student too little, or another student more.

        Raises:
            SessionNotFound: no session has this id.
            FaceNotFound: the face is not of this session.
            PhotoNotFound: the photo is no longer kept.
            StoredPhotoDamaged: the store's copy of the photo cannot be read.
            NotInGroup: the student is not of the group.
            NotRegistered: the student does not agree to be recognised, or has not been asked.
            UnfitFace: the face is too poor to learn from.
            FaceUnlike: the face resembles the student too little, or another student of the group more.
            PackMismatch: the student was registered with another model pack.
            VersionConflict: the session is of another version.
        """
        session = self._sessions.get(session_id)
        photo = photo_of(self._sessions.photos(session_id), face_id)
        check_recognisable(self._corrections.member(student_id, session.group_id))
        template = self._students.template(student_id)
        if template.pack != self._pack:
            raise PackMismatch(f"{student_id} was registered with other models: register the student anew.")
        face = next(face for face in photo.faces if face.face_id == face_id)
        embedding = self._embedding(photo, face)
        if not anyway and face_id not in template.learned:
            self._check_likeness(session.group_id, student_id, embedding)
        session = self._corrections.name(session_id, face_id, student_id, by, expected, learned=True)
        self._students.learn(student_id, face_id, embedding)
        if not self._still_named(session_id, face_id, student_id):
            # Another person took the name away before there was anything to unlearn.
            self._students.unlearn(student_id, face_id)
        self._request_training()
        return session

    def _embedding(self, stored: SessionPhoto, face: IdentifiedFace) -> NDArray[np.float32]:
        try:
            original = self._sessions.original(stored.session_id, stored.id)
        except PhotoNotFound as error:
            raise PhotoNotFound(
                "The photo is no longer kept, so there is nothing to learn from: name the face without learning."
            ) from error
        photo = turn_photo(read_stored(self._decode, original), stored.turned)
        found = self._vision.detector.detect(photo.pixels)
        overlaps = _overlaps(np.array(face.box, np.float32), found.boxes)
        if not len(found) or overlaps.max() < _SAME_FACE:
            raise UnfitFace("The face is not found in the photo any more: name it without learning.")
        probes = self._vision.probes_of(photo, found.take(np.array([overlaps.argmax()])))
        faults = probes.quality.faults(0)
        if faults:
            raise UnfitFace("The face is too small, blurred, dark or turned to learn from: name it without learning.")
        return np.asarray(probes.embeddings[0], np.float32)

    def _check_likeness(self, group_id: GroupId, student_id: StudentId, embedding: NDArray[np.float32]) -> None:
        """Refuse a face that would spoil the student's template if it was named wrongly."""
        gallery = self._galleries.of(group_id)
        scores = dict(zip(gallery.gallery.student_ids, score(embedding[None], gallery).normalised[0], strict=True))
        own = scores.get(student_id, -np.inf)
        if own < self._thresholds.review(gallery.size) or own < max(scores.values(), default=-np.inf):
            raise FaceUnlike(
                "The face resembles the student too little, or another student more, to be learned from: "
                "name it without learning, or repeat with learn_anyway if you are certain."
            )

    def _still_named(self, session_id: SessionId, face_id: FaceId, student_id: StudentId) -> bool:
        return any(
            (face.face_id, face.student_id) == (face_id, student_id)
            for photo in self._sessions.photos(session_id)
            for face in photo.faces
        )


def _overlaps(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersection over union of a box (4,) with boxes (N, 4), each x, y, width, height: float32 (N,)."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return np.asarray(shared / (box[2:].prod() + boxes[:, 2:].prod(axis=1) - shared), np.float32)
