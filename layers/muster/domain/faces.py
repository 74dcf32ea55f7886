"""The faces of one photo, as detected and as identified."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from muster.domain.identifiers import FaceId, StudentId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class Faces:
    """The detections of one photo, stacked.

    Attributes:
        boxes: float32 (N, 4), x, y, width, height in pixels of the upright photo; may reach over its edge.
        landmarks: float32 (N, 5, 2), x, y of the right eye, left eye, nose tip, right and left mouth corner,
            where "right" is the person's own right, on the left of the picture.
        scores: float32 (N,), 0 to 1, in descending order.
    """

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, indices: NDArray[np.intp] | NDArray[np.bool_]) -> Faces:
        """Return the chosen faces, by index or mask (N,)."""
        return Faces(self.boxes[indices], self.landmarks[indices], self.scores[indices])


class Decision(StrEnum):
    """The decision about one face: present, review (the teacher is asked) or unknown (not in this group)."""

    PRESENT = "present"
    REVIEW = "review"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A student whose face it may be.

    Attributes:
        similarity: cosine, -1 to 1.
        log_likelihood_ratio: calibrated and saturated, in nats; None in older records.
    """

    student_id: StudentId
    similarity: float
    log_likelihood_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class IdentifiedFace:
    """One face of a photo, with the decision about it.

    Attributes:
        box: x, y, width, height in whole pixels of the upright photo, inside it.
        detector_score: 0 to 1.
        quality: 0 (useless) to 1 (as good as a registration photo).
        student_id: the student named, for `present` and `review`; None for `unknown`.
        similarity: cosine to the best view of the best student, -1 to 1; None in an empty gallery.
        head_similarity: the head's cosine for the named student; None if no head was used.
        candidates: the likeliest students, best first, at most three.
        log_odds: posterior log-odds in nats that the face is the named student's; None if nobody is named, if a person
            named the student, and in older records.
    """

    face_id: FaceId
    box: tuple[int, int, int, int]
    detector_score: float
    quality: float
    decision: Decision
    student_id: StudentId | None
    similarity: float | None
    head_similarity: float | None
    candidates: tuple[Candidate, ...]
    log_odds: float | None = None
