"""Stage 2: the head's view of which student a face is, joined with stage 1's of whether it is one at all."""

import numpy as np

from muster.arrays import FloatArray
from muster.recognition.head import Head
from muster.recognition.policy import HeadUse
from muster.recognition.scoring import Scores

_KNOWN = 0.0
"""Log-likelihood ratio from which stage 1 lets a student through: likelier the same person than two."""


def refine_ratios(scores: Scores, head: Head, similarity: FloatArray, use: HeadUse) -> FloatArray:
    """Redistribute the evidence of each face among the students that stage 1 lets through.

    What a face weighs in all, and with it whether it is a stranger's, stays stage 1's.

    Args:
        scores: stage 1's, N faces against S students.
        similarity: float32 (N, S), the head's cosine.
        use: `always` lets the head alone choose among those students; otherwise it counts by its fusion weight.

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
