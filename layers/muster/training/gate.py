"""The promotion gate: a head is used only if it measurably helps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster.arrays import FloatArray
from muster.domain.identifiers import StudentId
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import Population, prepare, score
from muster.recognition.thresholds import Thresholds
from muster.training.settings import TrainingSettings
from muster.training.variation import VariationModel

_DRAWN = TrainingSettings().drawn_probes
_MAX_PHOTOS = 200
_FPIR = 0.01

# Lead in corrected over spoiled names that the new head needs, in standard deviations of a chance result.
_SURENESS = 2.0


@dataclass(frozen=True, eq=False, slots=True)
class Trial:
    """Faces that no training saw.

    Attributes:
        gallery: S students.
        probes: float32 (N, D), unit rows, faces of these students.
        owners: intp (N,), the position among the gallery's students of each probe's student.
    """

    gallery: Gallery
    probes: FloatArray
    owners: NDArray[np.intp]


@dataclass(frozen=True, eq=False, slots=True)
class _Named:
    """The result per probe, bool (N,): whether the right student ranked first, and also reached the threshold."""

    right: NDArray[np.bool_]
    identified: NDArray[np.bool_]

    def figures(self) -> dict[str, float]:
        """Return the shares, 0 to 1."""
        return {"rank_1": float(self.right.mean()), "dir_at_fpir_1": float(self.identified.mean())}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision of the gate.

    Attributes:
        promote: whether the new head is to become current.
        reason: one sentence.
        metrics: JSON-like figures of `stage_1`, `two_stage` and, if there was one, the `old` head.
    """

    promote: bool
    reason: str
    metrics: Mapping[str, Any]


def draw_trial(
    gallery: Gallery,
    variation: VariationModel,
    seed: int,
    views: FloatArray | None = None,
    confirmed: Mapping[StudentId, FloatArray] | None = None,
    drawn: int = _DRAWN,
) -> Trial:
    """Draw a trial of pseudo-photos of the gallery's students.

    They are drawn from the variation of other people than those used for training.

    Args:
        gallery: without the held-out rows.
        views: float32 (S, D), unit rows, a held-out augmented view of each student, or None.
        confirmed: float32 (K, D), unit rows, of real faces that a teacher confirmed and training did not see.
        drawn: approximate number of pseudo-photos; at most 200 per student.
    """
    random, sampler = np.random.default_rng(seed), variation.judging_sampler()
    first = np.flatnonzero(np.diff(gallery.owners, prepend=-1))
    photos = min(_MAX_PHOTOS, max(1, drawn // gallery.size))
    pseudo = sampler.sample_photos(gallery.embeddings[first], photos, random)
    probes = [pseudo.reshape(-1, pseudo.shape[-1])]
    owners = [np.repeat(np.arange(gallery.size), photos)]
    if views is not None:
        probes.append(views)
        owners.append(np.arange(gallery.size))
    for position, student in enumerate(gallery.student_ids):
        faces = (confirmed or {}).get(student)
        if faces is not None:
            probes.append(faces)
            owners.append(np.full(len(faces), position))
    return Trial(gallery, np.concatenate(probes), np.concatenate(owners))


def judge(new: Head, old: Head | None, trial: Trial, population: Population) -> Verdict:
    """Compare two-stage matching with the new head, with the old head, and without one, on the same faces.

    Matching follows the roll call: the fused score ranks the students, and stage 1's score of the first must reach the
    threshold for an FPIR of 1 %. The new head must meet three conditions. Together with stage 1 it corrects more
    names than it spoils, by more than chance, without loss of DIR. It ranks better than the plain cosine of FaceNet. It
    is not worse than the old head by more than chance.
    """
    prepared = prepare(trial.gallery, population)
    normalised = score(trial.probes, prepared, same_photo=False).normalised
    bar = Thresholds(present_fpir=_FPIR).present(trial.gallery.size, population.tail)

    def named(ranking: FloatArray) -> _Named:
        best = ranking.argmax(axis=1)
        right = best == trial.owners
        return _Named(right, right & (normalised[np.arange(len(best)), best] >= bar))

    def with_head(head: Head) -> _Named:
        return named(head.fuse(normalised, head.similarity(trial.probes, trial.gallery)))

    first = np.flatnonzero(np.diff(trial.gallery.owners, prepend=-1))
    cosine, stage_1, two_stage = (
        named(trial.probes @ trial.gallery.embeddings[first].T),
        named(normalised),
        with_head(new),
    )
    before = None if old is None else with_head(old)
    metrics = {
        "probes": len(trial.probes),
        "facenet_alone": {"rank_1": cosine.figures()["rank_1"]},
        "stage_1": stage_1.figures(),
        "two_stage": two_stage.figures(),
        "old": None if before is None else before.figures(),
        "lead_over_stage_1": round(_lead(two_stage, stage_1), 2),
    }
    reason = _objection(two_stage, stage_1, cosine, before)
    return Verdict(not reason, reason or _PRAISE, metrics)


_PRAISE = "Training beats FaceNet alone and recognition without it, and is at least as good as the training before."


def _objection(new: _Named, stage_1: _Named, cosine: _Named, old: _Named | None) -> str:
    if new.right.mean() < cosine.right.mean():
        return "Training does worse than FaceNet alone on held-out views."
    if _lead(new, stage_1) < 0 or new.identified.mean() < stage_1.identified.mean():
        return "Recognition does worse with this training than without it on held-out views."
    if _lead(new, stage_1) < _SURENESS:
        return "Recognition is not clearly better with this training than without it on held-out views."
    if old is not None and _lead(new, old) < -_SURENESS:
        return "Training does worse than the training in use on held-out views."
    return ""


def _lead(one: _Named, other: _Named) -> float:
    """Return the lead of one in correct names, in standard deviations of coin tosses for the names that differ."""
    gained = int(np.count_nonzero(one.right & ~other.right))
    lost = int(np.count_nonzero(other.right & ~one.right))
    return (gained - lost) / float(np.sqrt(max(gained + lost, 1)))
