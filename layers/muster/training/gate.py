"""The promotion gate: a head is used only where it is shown to help."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muster.domain.identifiers import StudentId
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import Population, prepare, score
from muster.training.variation import Variation

FloatArray = NDArray[np.float32]

_PROBES = 2000
_STRANGERS = 2000
_FPIR = 0.01


@dataclass(frozen=True, eq=False, slots=True)
class Trial:
    """Faces that no training saw.

    Attributes:
        gallery: S students.
        probes: float32 (N, 512), unit rows, faces of these students.
        owners: intp (N,), the position among the gallery's students of the student whom a probe shows.
        strangers: float32 (M, 512), unit rows, faces of nobody in the gallery.
    """

    gallery: Gallery
    probes: FloatArray
    owners: NDArray[np.intp]
    strangers: FloatArray


@dataclass(frozen=True, slots=True)
class Figures:
    """How well faces were named, each 0 to 1.

    Attributes:
        rank_1: probes whose own student scored best.
        dir_at_fpir_1: probes of which, besides, the score was above that of all but 1 % of strangers.
    """

    rank_1: float
    dir_at_fpir_1: float

    @property
    def errors(self) -> float:
        """The mean share of probes lost by either count."""
        return 1 - (self.rank_1 + self.dir_at_fpir_1) / 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says.

    Attributes:
        promote: whether the new head is to become current.
        reason: one sentence.
        metrics: JSON-like figures of `stage_1`, `two_stage` and, where there was one, the `old` head.
    """

    promote: bool
    reason: str
    metrics: Mapping[str, Any]


def draw_trial(
    gallery: Gallery,
    variation: Variation,
    seed: int,
    views: FloatArray | None = None,
    confirmed: Mapping[StudentId, FloatArray] | None = None,
) -> Trial:
    """Make a trial of pseudo-photos of the gallery's students, and strangers who do not exist.

    Both are drawn from the variation of people other than those the training draws from.

    Args:
        gallery: without the rows that are held out.
        views: float32 (S, 512), unit rows, a held-out augmented view of each student, or None.
        confirmed: float32 (K, 512), unit rows, of real faces that a teacher confirmed and training did not see.
    """
    random, photographer = np.random.default_rng(seed), variation.for_judging()
    first = np.flatnonzero(np.diff(gallery.owners, prepend=-1))
    photos = max(1, _PROBES // gallery.size)
    pseudo = photographer.pseudo_photos(gallery.embeddings[first], photos, random)
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
    strangers = photographer.background(_STRANGERS, 1, random)[:, 0]
    return Trial(gallery, np.concatenate(probes), np.concatenate(owners), strangers)


def judge(new: Head, old: Head | None, trial: Trial, population: Population) -> Verdict:
    """Compare two-stage matching with the new head, with the old head, and stage 1 alone, on the same faces.

    The new head is promoted if it is no worse than stage 1 in rank-1 and in DIR, better in their mean, and in that mean
    at least as good as the old head.
    """
    prepared = prepare(trial.gallery, population)
    known, unknown = score(trial.probes, prepared).normalised, score(trial.strangers, prepared).normalised

    def with_head(head: Head) -> Figures:
        return _figures(
            head.fuse(known, head.similarity(trial.probes, trial.gallery)),
            head.fuse(unknown, head.similarity(trial.strangers, trial.gallery)),
            trial.owners,
        )

    stage_1, two_stage = _figures(known, unknown, trial.owners), with_head(new)
    before = None if old is None else with_head(old)
    metrics = {
        "probes": len(trial.probes),
        "strangers": len(trial.strangers),
        "stage_1": asdict(stage_1),
        "two_stage": asdict(two_stage),
        "old": None if before is None else asdict(before),
    }
    if two_stage.rank_1 < stage_1.rank_1 or two_stage.dir_at_fpir_1 < stage_1.dir_at_fpir_1:
        return Verdict(False, "The new head does worse than FaceNet alone on held-out views.", metrics)
    if two_stage.errors >= stage_1.errors:
        return Verdict(False, "The new head is not better than FaceNet alone on held-out views.", metrics)
    if before is not None and two_stage.errors > before.errors:
        return Verdict(False, "The new head does worse than the current one on held-out views.", metrics)
    return Verdict(True, "The new head beats FaceNet alone and is at least as good as the one before.", metrics)


def _figures(known: FloatArray, unknown: FloatArray, owners: NDArray[np.intp]) -> Figures:
    right = known.argmax(axis=1) == owners
    bar = np.quantile(unknown.max(axis=1), 1 - _FPIR, method="higher")
    return Figures(float(right.mean()), float((right & (known.max(axis=1) > bar)).mean()))
