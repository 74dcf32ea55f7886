"""Learning from faces that a roll call recognised with certainty, without confirmation."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from muster.domain.attendance import Mark, MarkStatus, Session, SessionPhoto
from muster.domain.errors import MusterError, SessionNotFound
from muster.domain.faces import Decision, IdentifiedFace
from muster.domain.identifiers import FaceId, PackId, StudentId
from muster.domain.learning import LearningMode, NewFace
from muster.domain.student import LearnedFace, Student
from muster.recognition.plausibility import AUTOMATIC_RATIO, are_plausible
from muster.recognition.scoring import PreparedGallery
from muster.storage.ports import SessionStore, StudentStore
from muster.vision.pipeline import PhotoProbes

_log = logging.getLogger(__name__)

CERTAIN = 7.0
"""Posterior log-odds in nats from which a face is learned automatically. In classes with five regular outsiders in
every photo none of 5,585 faces learned from here on was another person's, two of 5,822 were at 6, and five of 5,944
at 5 (benchmarks/recognition/learned_faces.py)."""


@dataclass(frozen=True, eq=False, slots=True)
class ReadPhoto:
    """A stored photo with the embeddings of its faces, which are not stored.

    Attributes:
        embeddings: float32 (N, D), unit rows, in the order of the photo's faces.
        fit: bool (N,), whether a face is good enough to learn from.
    """

    photo: SessionPhoto
    embeddings: NDArray[np.float32]
    fit: NDArray[np.bool_]

    @classmethod
    def of(cls, photo: SessionPhoto, probes: PhotoProbes) -> "ReadPhoto":
        """Combine a photo with the embeddings and quality of its faces."""
        fit = [not probes.quality.faults(index) for index in range(len(probes.embeddings))]
        return cls(photo, probes.embeddings, np.array(fit, bool))


@dataclass(frozen=True, slots=True)
class AutomaticLearning:
    """Learns from a roll call that was just processed.

    Faces are learned only when their photo is stored for the first time. A face that a person removed from a template
    is therefore not learned again when the photo is sent again. If the process is killed before learning, nothing is
    learned from the photo.

    Attributes:
        mode: nothing is learned unless this is `automatic`.
        request_training: called once per roll call if a template changed.
    """

    students: StudentStore
    sessions: SessionStore
    mode: LearningMode
    request_training: Callable[[], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def learn(
        self,
        session: Session,
        photos: Sequence[ReadPhoto],
        before: Sequence[SessionPhoto],
        gallery: PreparedGallery,
        students: Mapping[StudentId, Student],
        marks: Collection[Mark],
    ) -> None:
        """Learn from photos of a session, at most one face per student. A failure of the store is logged only.

        Args:
            photos: the photos of this request, with their faces as stored.
            before: the session's photos before this request.
            gallery: the group's gallery.
            students: the group's students by id.
            marks: the session's marks as stored.
        """
        try:
            changed = self._unlearn_renamed(photos, before)
            if self.mode is LearningMode.AUTOMATIC:
                known = {photo.id for photo in before}
                new = [photo for photo in photos if photo.photo.id not in known]
                changed |= self._learn(session, self._chosen(new, gallery, students, marks), gallery.gallery.pack)
        except MusterError as error:
            # The marks are stored, and learning can wait for the next roll call.
            _log.warning("nothing was learned from a roll call: %s", error.code)
            return
        if changed:
            self.request_training()

    def _unlearn_renamed(self, photos: Sequence[ReadPhoto], before: Sequence[SessionPhoto]) -> bool:
        """Unlearn faces that have another name now that their photo was sent again."""
        named = {(face.face_id, face.student_id) for photo in photos for face in photo.photo.faces}
        read = {photo.photo.id for photo in photos}
        gone = [
            (face.student_id, face.face_id)
            for photo in before
            if photo.id in read
            for face in photo.faces
            if face.student_id is not None and (face.face_id, face.student_id) not in named
        ]
        unlearned = [self.students.unlearn(student_id, face_id) for student_id, face_id in gone]
        return any(unlearned)

    def _chosen(
        self,
        photos: Sequence[ReadPhoto],
        gallery: PreparedGallery,
        students: Mapping[StudentId, Student],
        marks: Collection[Mark],
    ) -> dict[StudentId, tuple[IdentifiedFace, NDArray[np.float32]]]:
        """Return each student's best face among those that are certain, good enough and plausible."""
        present = {mark.student_id for mark in marks if mark.status in (MarkStatus.PRESENT, MarkStatus.LATE)}
        certain = [
            (face.student_id, face, embedding)
            for photo in photos
            for face, embedding, fit in zip(photo.photo.faces, photo.embeddings, photo.fit, strict=True)
            if face.student_id in present
            and face.student_id is not None
            and _is_certain(face)
            and fit
            and _agrees(students.get(face.student_id))
        ]
        if not certain:
            return {}
        embeddings = np.stack([embedding for _, _, embedding in certain])
        likely = are_plausible(embeddings, [student_id for student_id, _, _ in certain], gallery, AUTOMATIC_RATIO)
        chosen: dict[StudentId, tuple[IdentifiedFace, NDArray[np.float32]]] = {}
        for (student_id, face, embedding), is_likely in zip(certain, likely, strict=True):
            best = chosen.get(student_id)
            if is_likely and (best is None or face.quality > best[0].quality):
                chosen[student_id] = face, embedding
        return chosen

    def _learn(
        self, session: Session, chosen: Mapping[StudentId, tuple[IdentifiedFace, NDArray[np.float32]]], pack: PackId
    ) -> bool:
        if not chosen:
            return False
        at = self.now()
        faces = [
            NewFace(
                student_id,
                LearnedFace(face.face_id, session.id, session.group_id, at, automatic=True),
                embedding,
                pack,
            )
            for student_id, (face, embedding) in chosen.items()
        ]
        changed = self.students.learn(faces)
        unlearn_unnamed(
            self.students, self.sessions, session, {student: chosen[student][0].face_id for student in changed}
        )
        return bool(changed)


def unlearn_unnamed(
    students: StudentStore, sessions: SessionStore, session: Session, learned: Mapping[StudentId, FaceId]
) -> None:
    """Unlearn faces that are no longer their student's: a concurrent correction found nothing to unlearn yet.

    Args:
        learned: the face that each student's template just learned from.
    """
    if not learned:
        return
    try:
        photos, marks = sessions.photos(session.id), sessions.marks(session.id)
    except SessionNotFound:
        photos, marks = [], []
    away = {mark.student_id for mark in marks if mark.status in (MarkStatus.ABSENT, MarkStatus.EXCUSED)}
    named = {(face.student_id, face.face_id) for photo in photos for face in photo.faces}
    for student_id, face_id in learned.items():
        if student_id in away or (student_id, face_id) not in named:
            students.unlearn(student_id, face_id)


def _is_certain(face: IdentifiedFace) -> bool:
    return face.decision is Decision.PRESENT and face.log_odds is not None and face.log_odds >= CERTAIN


def _agrees(student: Student | None) -> bool:
    return student is not None and student.consent is not None and student.consent.allows_learning
