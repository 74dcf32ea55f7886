"""From templates to a judged head: what the training queue and the batch job call."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from muster.domain.errors import HeadDamaged, PackMismatch
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.progress import OnProgress, ignore_progress
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import Population
from muster.training.batches import TrainingRows
from muster.training.fit import CheckpointStore, HeldOut, fit
from muster.training.gate import Verdict, draw_trial, judge
from muster.training.network import HeadNetwork
from muster.training.selection import TemplateChanges, find_changes, fingerprints, select_for_update
from muster.training.settings import TrainingSettings
from muster.training.variation import VariationModel, load_variation_model

_MIN_STUDENTS = 2
_MIN_VIEWS_TO_HOLD_ONE_OUT = 3

# Streams of random numbers that must not coincide: held-out views are never those trained on.
_STOP_STREAM, _TRIAL_STREAM, _SCALE_STREAM = 1, 2, 3


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run gives.

    Attributes:
        head: the head file, or None where none was trained.
        promote: whether the gate lets it become current.
        report: JSON-like: `mode` (full, incremental, skipped), `reason`, counts, figures, seconds.
    """

    head: bytes | None
    promote: bool
    report: Mapping[str, Any]


def retrain(
    templates: Sequence[Template],
    current: bytes | None,
    pack: PackId,
    population: Population,
    *,
    full: bool = False,
    settings: TrainingSettings | None = None,
    variation: VariationModel | None = None,
    progress: OnProgress = ignore_progress,
    checkpoint: CheckpointStore | None = None,
) -> TrainingResult:
    """Train and judge a head, taking up from the current one where that is allowed.

    The current head is left aside, and training starts afresh, where `full` asks for it, where the head cannot be read,
    and where a student whom it was trained on is gone or has another photo: nothing of an erased student may live on in
    the weights.

    Args:
        templates: of all students, one each; those of other packs are left out. Faces that a teacher confirmed are
            positives like the views; of a student with several the newest judges instead.
        current: the current head file.
        population: stage 1's statistics of the same pack.
        variation: what pseudo-photos are drawn from; None takes what ships with the pack, or what the templates tell.
        progress: told the step's name and its share done (0 to 1); may raise to abandon the run, which leaves nothing.
        checkpoint: keeps the state of an interrupted run.
    """
    started = monotonic()
    settings = settings or TrainingSettings()
    ordered = sorted((t for t in templates if t.pack == pack), key=lambda t: t.student_id)
    if len(ordered) < _MIN_STUDENTS:
        return TrainingResult(
            None, False, {"mode": "skipped", "reason": "Fewer than two students: stage 1 decides alone."}
        )
    variation = variation or load_variation_model(pack) or VariationModel.from_templates(ordered)
    head, note = _readable(current, pack)
    changes = find_changes(head, ordered)
    if head is not None and (full or changes.gone):
        head = head if not changes.gone else None
        note = "A student is gone or has another photo." if changes.gone else "Asked for."
        start = None
    else:
        start = head
    if start is not None and not changes.new:
        return TrainingResult(None, False, {"mode": "skipped", "reason": "The training in use knows all students."})
    progress("prepare", 0.0)
    # Two threads of a matrix library wait for each other on a busy machine: an update took ten times as long.
    with threadpool_limits(limits=1, user_api="blas"):
        trained, fitted = _train(ordered, start, changes, variation, settings, pack, current, progress, checkpoint)
        progress("judge", 0.0)
        verdict = _judge(trained, head, ordered, changes, variation, population, settings)
    report = {
        "mode": "full" if start is None else "incremental",
        "note": note,
        "reason": verdict.reason,
        "students": len(ordered),
        "new_students": len(changes.new),
        "fit": fitted,
        "held_out": dict(verdict.metrics),
    }
    finished = Head(
        **{name: getattr(trained, name) for name in ("pack", "weight", "bias", "centre", "deviation", "fusion")},
        students=trained.students,
        parent=trained.parent,
        metrics=report,
    )
    progress("judge", 1.0)
    return TrainingResult(finished.to_bytes(), verdict.promote, {**report, "seconds": round(monotonic() - started, 2)})


def _readable(current: bytes | None, pack: PackId) -> tuple[Head | None, str]:
    if current is None:
        return None, "There was no head."
    try:
        return Head.load(current, pack), ""
    except (HeadDamaged, PackMismatch) as error:
        return None, str(error)


def _train(
    templates: Sequence[Template],
    start: Head | None,
    changes: TemplateChanges,
    variation: VariationModel,
    settings: TrainingSettings,
    pack: PackId,
    current: bytes | None,
    progress: OnProgress,
    checkpoint: CheckpointStore | None,
) -> tuple[Head, dict[str, float]]:
    if start is None:
        network, chosen, steps = HeadNetwork.from_discriminant(variation), list(templates), settings.steps
    else:
        network, steps = HeadNetwork.from_head(start, variation), settings.incremental_steps
        chosen = select_for_update(templates, changes.new, settings.replay, variation.mean, settings.seed)
    rows = TrainingRows.from_templates([_for_training(template) for template in chosen])
    held_out = _held_out(chosen, changes.new, variation, settings)
    fitted = fit(network, rows, variation, held_out, settings, steps, progress, checkpoint)
    weight, bias = network.parameters_as_arrays()
    head = Head(pack, weight, bias, 0.0, 1.0, settings.fusion)
    centre, deviation = _scale(head, variation, settings.seed)
    parent = hashlib.sha256(current).hexdigest() if start is not None and current is not None else None
    return Head(pack, weight, bias, centre, deviation, settings.fusion, fingerprints(templates), parent), fitted


def _for_training(template: Template) -> Template:
    """Leave out what judges: the last augmented view of several, and the newest face learned of several."""
    views, learned = np.split(template.embeddings, [len(template.embeddings) - len(template.learned)])
    if len(views) >= _MIN_VIEWS_TO_HOLD_ONE_OUT:
        views = views[:-1]
    kept = max(1, len(learned) - 1)
    return replace(template, embeddings=np.concatenate([views, learned[:kept]]), learned=template.learned[:kept])


def _held_out(
    templates: Sequence[Template], new: frozenset[StudentId], variation: VariationModel, settings: TrainingSettings
) -> HeldOut:
    chosen = select_for_update(templates, new, settings.held_out, variation.mean, settings.seed)[: settings.held_out]
    gallery = np.stack([template.embeddings[0] for template in chosen])
    photos = max(2, 2 * settings.held_out // len(chosen))
    random = np.random.default_rng([settings.seed, _STOP_STREAM])
    probes = variation.training_sampler().sample_photos(gallery, photos, random)
    return HeldOut(gallery, probes.reshape(-1, gallery.shape[1]), np.repeat(np.arange(len(chosen)), photos))


def _scale(head: Head, variation: VariationModel, seed: int) -> tuple[float, float]:
    people = 512
    random = np.random.default_rng([seed, _SCALE_STREAM])
    embedded = head.embed(variation.training_sampler().sample_strangers(people, 1, random)[:, 0])
    cosines = (embedded @ embedded.T)[np.triu_indices(people, 1)]
    return float(cosines.mean()), float(cosines.std())


def _judge(
    new: Head,
    old: Head | None,
    templates: Sequence[Template],
    changes: TemplateChanges,
    variation: VariationModel,
    population: Population,
    settings: TrainingSettings,
) -> Verdict:
    chosen = select_for_update(templates, changes.new, settings.held_out, variation.mean, settings.seed + 1)
    chosen = sorted(chosen[: settings.held_out], key=lambda t: t.student_id)
    gallery = Gallery.from_templates([_for_training(template) for template in chosen], new.pack)
    views = [len(template.embeddings) - len(template.learned) for template in chosen]
    enough = min(views) >= _MIN_VIEWS_TO_HOLD_ONE_OUT
    last = np.stack([t.embeddings[v - 1] for t, v in zip(chosen, views, strict=True)]) if enough else None
    confirmed = {t.student_id: t.embeddings[-1:] for t in chosen if len(t.learned) > 1}
    seed = int(np.random.default_rng([settings.seed, _TRIAL_STREAM]).integers(2**31))
    return judge(new, old, draw_trial(gallery, variation, seed, last, confirmed, settings.drawn_probes), population)
