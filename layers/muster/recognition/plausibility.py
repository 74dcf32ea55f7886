"""The check that a face is likely enough a student's for the student's template to learn from it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.identifiers import StudentId
from muster.recognition.scoring import PreparedGallery, score

AUTOMATIC_RATIO = 4.0
"""Log-likelihood ratio in nats from which a face may be learned without anyone confirming it. The posterior,
which must be certain too, also counts the other faces and photos of the session; this ratio counts the face alone. In
classes of 30 nearly all faces with a certain posterior reach it (benchmarks/recognition/learned_faces.py)."""

CONFIRMED_RATIO = 0.0
"""Log-likelihood ratio in nats from which a face that a person named may be learned: the face is more likely
the student's than anyone else's."""


def are_plausible(
    embeddings: FloatArray, students: Sequence[StudentId], gallery: PreparedGallery, ratio: float
) -> NDArray[np.bool_]:
    """Return which faces resemble their student sufficiently, and more than anyone else in the group.

    Args:
        embeddings: float32 (N, D), unit rows, from the gallery's model pack.
        students: N ids, the supposed student of each face.
        ratio: log-likelihood ratio in nats that a face must reach.

    Returns:
        bool (N,), False for students who are not in the gallery.
    """
    if not len(embeddings) or not gallery.size:
        return np.zeros(len(embeddings), bool)
    ratios = score(embeddings, gallery).ratios
    column = {student_id: at for at, student_id in enumerate(gallery.gallery.student_ids)}
    known = np.array([student_id in column for student_id in students])
    own = ratios[np.arange(len(students)), [column.get(student_id, 0) for student_id in students]]
    likely: NDArray[np.bool_] = known & (own >= ratio) & (own >= ratios.max(axis=1))
    return likely
