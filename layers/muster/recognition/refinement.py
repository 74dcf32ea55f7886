"""Stage 2: the head refines which student a face shows; stage 1 decides whether it shows a student at all."""

import numpy as np

from muster.arrays import FloatArray
from muster.recognition.head import Head
from muster.recognition.policy import HeadUse
from muster.recognition.scoring import Scores

_KNOWN = 0.0
"""Log-likelihood ratio from which stage 1 accepts a student: more likely one person than two."""


def refine_ratios(scores: Scores, head: Head, similarity: FloatArray, use: HeadUse) -> FloatArray:
    """Redistribute the evidence of each face among the students that stage 1 accepts.

    The total evidence of a face, which decides whether it is a stranger's, stays that of stage 1.

    Args:
        scores: those of stage 1, N faces against S students.
        similarity: float32 (N, S), the head's cosine.
        use: with `always` the head alone chooses among those students; otherwise its fusion weight applies.

    Returns:
        float32 (N, S), log-likelihood ratios in nats.
    """
    known = scores.ratios >= _KNOWN
    weighed = head.standardise(similarity) if use is HeadUse.ALWAYS else head.fuse(scores.normalised, similarity)
    chosen = np.where(known, scores.scale * weighed, -np.inf)
    total = np.logaddexp.reduce(np.where(known, scores.ratios, -np.inf), axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        shared = chosen - np.logaddexp.reduce(chosen, axis=1, keepdims=True) + total
    refined: FloatArray = np.where(known, shared, scores.ratios).astype(np.float32)
    return refined
