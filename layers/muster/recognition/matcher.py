"""Identification of the faces of a photo: present, to review, or not in this group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.faces import Candidate, Decision
from muster.domain.identifiers import StudentId
from muster.recognition.calibration import LOWEST_RATIO, saturate
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.odds import log_odds
from muster.recognition.policy import Policy
from muster.recognition.posterior import Roll, estimate_roll
from muster.recognition.refinement import refine_ratios
from muster.recognition.scoring import PreparedGallery, score

MAX_CANDIDATES = 3

MAX_STUDENTS = 1000
"""Most students whose posterior is computed: those that the faces resemble most. By their ratios, the others have no
face in the photo, and a search through a whole university must not wait for them."""

IndexArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Match:
    """The decision about one probe.

    Attributes:
        student_id: the student named, for `present` and `review`; None for `unknown`.
        similarity: cosine to the best view of the student named, or of the first candidate; None in an empty gallery.
        head_similarity: the head's cosine for the same student; None if no head was used.
        candidates: the likeliest students, best first, at most three.
        log_odds: posterior log-odds in nats that the face is the named student's; None for `unknown`.
    """

    decision: Decision
    student_id: StudentId | None
    similarity: float | None
    head_similarity: float | None
    candidates: tuple[Candidate, ...]
    log_odds: float | None = None


def identify(
    probes: FloatArray,
    gallery: PreparedGallery,
    policy: Policy,
    head: Head | None = None,
    earlier: Sequence[FloatArray] = (),
) -> list[Match]:
    """Identify each face of one photo, or call it unknown.

    Stage 1 computes a log-likelihood ratio for every pair of a face and a student, which is small for strangers. If
    there is a head, stage 2 refines it among the likely students. The decisions follow from the posterior over all
    faces and students of the session, in which a student has at most one face per photo.

    Args:
        probes: float32 (N, D), unit rows, all faces of the photo, from the gallery's model pack.
        gallery: templates of one group, S students, prepared for search.
        head: the head to use; None lets stage 1 decide alone.
        earlier: float32 (M, S) per earlier photo of the session: saturated log-likelihood ratios of its faces.

    Returns:
        N matches, in the order of the probes. A student is named for at most one of them.

    Raises:
        PackMismatch: gallery and head come from packs that cannot be compared.
    """
    if not gallery.size or not len(probes):
        return [Match(Decision.UNKNOWN, None, None, None, ())] * len(probes)
    scores = score(probes, gallery)
    ratios, head_similarity = scores.ratios, None
    if head is not None:
        head_similarity = head.similarity(probes, gallery.gallery)
        ratios = refine_ratios(scores, head, head_similarity, policy.head)
    columns = _students_of_interest(ratios, earlier)
    ratios = ratios[:, columns]
    saturated = saturate(ratios)
    photos = [*(photo[:, columns] for photo in earlier), saturated]
    roll = estimate_roll([photo.astype(np.float64) for photo in photos])
    pairs = roll.pairs[-1]
    marked, asked = decide(pairs, ratios, roll, policy)
    return _matches(pairs, marked, asked, columns, probes, saturated, head_similarity, gallery.gallery)


def decide(
    pairs: NDArray[np.float64], ratios: FloatArray, roll: Roll, policy: Policy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which faces are marked and which are asked about, as their likeliest student: bool (N,) each.

    A face is marked if the odds that it is the student's reach the threshold. It is also marked if several photos
    together reach the threshold for the student, and the face is more likely the student's than not.

    Args:
        pairs: float64 (N, S), the posterior of the photo's faces.
        ratios: float32 (N, S), their log-likelihood ratios before saturation, used to break ties.
        roll: of the whole session.
    """
    rows, best = np.arange(len(pairs)), pairs.argmax(axis=1)
    odds = log_odds(pairs[rows, best])
    first = _likeliest_face_of_each(best, odds, ratios[rows, best])
    several = len(roll.pairs) > 1
    together = (roll.present[best] >= policy.present) & (odds >= 0) & several
    marked = first & ((odds >= policy.present) | together)
    return marked, first & ~marked & (odds >= policy.review)


def _likeliest_face_of_each(best: IndexArray, odds: NDArray[np.float64], ratios: FloatArray) -> NDArray[np.bool_]:
    """Return which faces, bool (N,), are the likeliest of those that have the same likeliest student."""
    first = np.zeros(len(best), np.bool_)
    # Saturated ratios lead to odds that are equal except for rounding.
    order = np.lexsort((-ratios, -odds.round(6)))
    _, positions = np.unique(best[order], return_index=True)
    first[order[positions]] = True
    return first


def lowest_ratios(faces: int, students: int) -> FloatArray:
    """Return saturated ratios, float32 (faces, students), of faces that resemble no student."""
    return np.full((faces, students), LOWEST_RATIO, np.float32)


def _students_of_interest(ratios: FloatArray, earlier: Sequence[FloatArray]) -> IndexArray:
    students = ratios.shape[1]
    if students <= MAX_STUDENTS:
        return np.arange(students)
    # Saturation keeps the order, so only the best face of each student needs it.
    seen = [saturate(ratios.max(axis=0)), *(photo.max(axis=0, initial=LOWEST_RATIO) for photo in earlier)]
    best = np.max(seen, axis=0)
    return np.sort(np.argpartition(-best, MAX_STUDENTS)[:MAX_STUDENTS])


def _matches(
    pairs: NDArray[np.float64],
    marked: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    columns: IndexArray,
    probes: FloatArray,
    ratios: FloatArray,
    head_similarity: FloatArray | None,
    gallery: Gallery,
) -> list[Match]:
    order = np.argsort(-pairs, axis=1, kind="stable")[:, :MAX_CANDIDATES]
    likeliest, shown = columns[order], np.take_along_axis(ratios, order, axis=1)
    # The cosine is only shown to people. In a large gallery, all cosines would take longer than the decision.
    cosines = gallery.best_view_cosines(probes, likeliest)
    odds = log_odds(pairs.max(axis=1))
    student_ids = gallery.student_ids
    matches = []
    for row, first in enumerate(likeliest[:, 0]):
        named = bool(marked[row] or asked[row])
        matches.append(
            Match(
                decision=_decision(marked[row], asked[row]),
                student_id=student_ids[first] if named else None,
                similarity=float(cosines[row, 0]),
                head_similarity=None if head_similarity is None else float(head_similarity[row, first]),
                candidates=tuple(
                    Candidate(student_ids[column], float(cosine), float(ratio))
                    for column, cosine, ratio in zip(likeliest[row], cosines[row], shown[row], strict=True)
                ),
                log_odds=float(odds[row]) if named else None,
            )
        )
    return matches


def _decision(marked: np.bool_, asked: np.bool_) -> Decision:
    if marked:
        return Decision.PRESENT
    return Decision.REVIEW if asked else Decision.UNKNOWN
