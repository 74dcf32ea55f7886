"""From probes to students: who is present, whom to ask about, who is not of this group."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from muster.domain.faces import Candidate, Decision
from muster.domain.identifiers import StudentId
from muster.recognition.gallery import FloatArray
from muster.recognition.head import Head
from muster.recognition.scoring import PreparedGallery, Scores, score
from muster.recognition.thresholds import Thresholds

MOST_CANDIDATES = 3
_NOBODY = -1

IndexArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Match:
    """What is said of one probe.

    Attributes:
        student_id: the student named, for `present` and `review`; None for `unknown`.
        similarity: cosine with the best view of the student named, or of the first candidate; None in an empty gallery.
        head_similarity: the head's cosine for the same student; None where stage 1 decided alone.
        candidates: the most similar students, best first, at most three.
    """

    decision: Decision
    student_id: StudentId | None
    similarity: float | None
    head_similarity: float | None
    candidates: tuple[Candidate, ...]


def identify(
    probes: FloatArray,
    gallery: PreparedGallery,
    thresholds: Thresholds,
    head: Head | None = None,
    quality: FloatArray | None = None,
) -> list[Match]:
    """Name each probe of one photo, or call it unknown.

    Stage 1 rejects strangers by the normalised score; stage 2, if a head is promoted, reorders the students that
    stage 1 let through. A student is given to one probe at most. A probe is marked present only where it and the
    student are each other's best, with a clear lead over the second-best student; what is left is shared out by
    optimal assignment and put to the teacher.

    Args:
        probes: float32 (N, 512), unit rows, from the gallery's model pack.
        gallery: templates of one group, S students, prepared for search.
        head: the promoted head, or None: stage 1 decides alone.
        quality: float32 (N,), 0 to 1, of each face; None takes every face for a good one.

    Returns:
        N matches, in the order of the probes.

    Raises:
        PackMismatch: gallery and head do not come from one model pack.
    """
    scores = score(probes, gallery)
    known = scores.normalised >= thresholds.review(gallery.size)
    head_similarity = None if head is None else head.similarity(probes, gallery.gallery)
    ranking = (
        scores.normalised if head is None or head_similarity is None else head.fuse(scores.normalised, head_similarity)
    )
    good = np.ones(len(probes), np.float32) if quality is None else quality
    bar = thresholds.present(gallery.size) + thresholds.quality_penalty * (1 - good)

    first = _best_first(ranking)
    marked = _certain(ranking, first, known & (scores.normalised >= bar[:, None]), thresholds.margin)
    asked = _shared_out(ranking, known & _free(marked, gallery.size))
    return _matches(marked, asked, first, scores, head_similarity, gallery.gallery.student_ids)


def _certain(ranking: FloatArray, first: IndexArray, above_bar: BoolArray, margin: float) -> IndexArray:
    """Return each probe's student, (N,), where probe and student are each other's best beyond doubt, else `_NOBODY`."""
    if not ranking.size:
        return np.full(len(ranking), _NOBODY)
    rows, best = np.arange(len(ranking)), first[:, 0]
    second = ranking[rows, first[:, 1]] if first.shape[1] > 1 else np.full(len(rows), -np.inf)
    mutual = ranking.argmax(axis=0)[best] == rows
    return np.where(mutual & above_bar[rows, best] & (ranking[rows, best] - second >= margin), best, _NOBODY)


def _free(marked: IndexArray, students: int) -> BoolArray:
    """Return the pairs, bool (N, S), in which neither the probe nor the student is spoken for."""
    taken = np.isin(np.arange(students), marked)
    free: BoolArray = (marked == _NOBODY)[:, None] & ~taken
    return free


def _shared_out(ranking: FloatArray, possible: BoolArray) -> IndexArray:
    """Return each probe's student, (N,), of the possible pairs with the greatest total score, else `_NOBODY`."""
    chosen = np.full(len(ranking), _NOBODY)
    rows, columns = np.flatnonzero(possible.any(axis=1)), np.flatnonzero(possible.any(axis=0))
    if not len(rows):
        return chosen
    open_pairs = possible[np.ix_(rows, columns)]
    gain = np.where(open_pairs, ranking[np.ix_(rows, columns)], -np.inf)
    first = gain.argmax(axis=1)
    if len(np.unique(first)) == len(first):
        chosen[rows] = columns[first]
        return chosen
    # Imported where two faces want one student: scipy.optimize takes 0.36 s to import, much of a cold start.
    from scipy.optimize import linear_sum_assignment

    floor = gain[open_pairs].min() - 1.0
    faces, students = linear_sum_assignment(np.where(open_pairs, gain - floor, 0.0), maximize=True)
    kept = open_pairs[faces, students]
    chosen[rows[faces[kept]]] = columns[students[kept]]
    return chosen


def _matches(
    marked: IndexArray,
    asked: IndexArray,
    first: IndexArray,
    scores: Scores,
    head_similarity: FloatArray | None,
    student_ids: tuple[StudentId, ...],
) -> list[Match]:
    matches = []
    for row in range(len(first)):
        named = marked[row] if marked[row] != _NOBODY else asked[row]
        shown = named if named != _NOBODY or not student_ids else first[row, 0]
        matches.append(
            Match(
                decision=_decision(marked[row], asked[row]),
                student_id=student_ids[named] if named != _NOBODY else None,
                similarity=float(scores.similarity[row, shown]) if student_ids else None,
                head_similarity=float(head_similarity[row, shown])
                if student_ids and head_similarity is not None
                else None,
                candidates=tuple(
                    Candidate(student_ids[column], float(scores.similarity[row, column])) for column in first[row]
                ),
            )
        )
    return matches


def _decision(marked: int, asked: int) -> Decision:
    if marked != _NOBODY:
        return Decision.PRESENT
    return Decision.REVIEW if asked != _NOBODY else Decision.UNKNOWN


def _best_first(ranking: FloatArray) -> IndexArray:
    """Return the columns of the best scores of each row, best first, intp (N, at most 3)."""
    count = min(MOST_CANDIDATES, ranking.shape[1])
    top = np.argpartition(-ranking, count - 1, axis=1)[:, :count] if count else np.empty((len(ranking), 0), np.intp)
    order = np.argsort(-np.take_along_axis(ranking, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)
