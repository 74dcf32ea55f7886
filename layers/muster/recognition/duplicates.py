"""Search of the whole school for a student who is already registered."""

from dataclasses import dataclass

import numpy as np

from muster.arrays import FloatArray
from muster.domain.identifiers import StudentId
from muster.recognition.scoring import Population, normalised_scores
from muster.recognition.thresholds import Thresholds


@dataclass(frozen=True, eq=False, slots=True)
class SchoolGallery:
    """Every registered student, ready to be searched for one person.

    Attributes:
        student_ids: S ids.
        population: adapted to the school.
        rows: float32 (S, E), the students' mean views, projected with that population, as gallery rows.
    """

    student_ids: tuple[StudentId, ...]
    population: Population
    rows: FloatArray


def find_same_person(
    probe: FloatArray, school: SchoolGallery, thresholds: Thresholds, *, ignore: StudentId | None = None
) -> StudentId | None:
    """Return the registered student that a new photo seems to show, if any.

    Stage 1 alone decides, because the head was trained on registered students only.

    Args:
        probe: float32 (D,), unit length.
        ignore: a student that the photo is known to show.
    """
    size = len(school.student_ids)
    if not size:
        return None
    scores = normalised_scores(probe[None], school.population, school.rows)[0]
    if ignore in school.student_ids:
        scores[school.student_ids.index(ignore)] = -np.inf
    best = int(scores.argmax())
    threshold = thresholds.present(size, school.population.tail)
    return school.student_ids[best] if scores[best] >= threshold else None
