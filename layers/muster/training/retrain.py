"""A training run: from templates to a trained and judged head."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from muster.domain.errors import HeadDamaged, PackMismatch
from muster.domain.identifiers import PackId
from muster.domain.packs import comparable
from muster.domain.student import Template
from muster.progress import OnProgress, ignore_progress
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import Population
from muster.training.batches import TrainingRows
from muster.training.fit import CheckpointStore, HeldOut, TrainingInputs, fit
from muster.training.gate import Verdict, draw_trial, judge
from muster.training.network import HeadNetwork
from muster.training.selection import TemplateChanges, find_changes, fingerprints, select_for_update
from muster.training.settings import TrainingSettings
from muster.training.variation import VariationModel, load_variation_model

_MIN_STUDENTS = 2
_MIN_VIEWS_TO_HOLD_ONE_OUT = 3

# Streams of random numbers that must not coincide, so that held-out photos differ from those trained on.
_STOP_STREAM, _TRIAL_STREAM, _SCALE_STREAM = 1, 2, 3


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of a training run.

    Attributes:
        head: the head file, or None if none was trained.
        promote: whether the gate lets it become current.
        report: JSON-like: `mode` (full, incremental, skipped), `reason`, counts, figures, seconds.
    """

    head: bytes | None
    promote: bool
    report: Mapping[str, Any]


@dataclass(frozen=True, eq=False, slots=True)
class _Run:
    """The inputs of one run; the templates can be compared, in the order of the students' ids."""

    pack: PackId
    templates: Sequence[Template]
    changes: TemplateChanges
    variation: VariationModel
    settings: TrainingSettings

    def select(self, limit: int, seed: int) -> list[Template]:
        return select_for_update(self.templates, self.changes.new, limit, self.variation.mean, seed)


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
    """Train and judge a head, continuing from the current one where that is allowed.

    Training starts from scratch if `full` asks for it, if the current head cannot be read, or if a student that it was
    trained on is gone or has another photo: nothing of an erased student may live on in the weights.

    Args:
        templates: of all students, one each; those that cannot be compared with the pack are ignored. Faces that a
            teacher confirmed are positives like the views; if a student has several, the newest is used for judging
            instead.
        current: the current head file.
        population: stage 1's statistics of the same pack.
        variation: the model that pseudo-photos are drawn from; None takes the one that ships with the pack, or an
            estimate from the templates.
        progress: called with the step's name and the fraction completed (0 to 1); may raise to abandon the run, which
            leaves nothing.
        checkpoint: keeps the state of an interrupted run.
    """
    started = monotonic()
    settings = settings or TrainingSettings()
    ordered = sorted((t for t in templates if comparable(t.pack, pack)), key=lambda t: t.student_id)
    if len(ordered) < _MIN_STUDENTS:
        return _skipped("Fewer than two students: stage 1 decides alone.")
    variation = variation or load_variation_model(pack) or VariationModel.from_templates(ordered)
    head, note = _load_current(current, pack)
    changes = find_changes(head, ordered)
    start, rival, note = _starting_point(head, changes, full, note)
    if start is not None and not changes.new:
        return _skipped("The training in use knows all students.")
    run = _Run(pack, ordered, changes, variation, settings)
    progress("prepare", 0.0)
    # Two threads of a matrix library wait for each other on a busy machine: an update took ten times as long.
    with threadpool_limits(limits=1, user_api="blas"):
        trained, fitted = _train(run, start, progress, checkpoint)
        progress("judge", 0.0)
        verdict = _judge(run, trained, rival, population)
    report = {
        "mode": "full" if start is None else "incremental",
        "note": note,
        "reason": verdict.reason,
        "students": len(ordered),
        "new_students": len(changes.new),
        "fit": fitted,
        "held_out": dict(verdict.metrics),
    }
    parent = hashlib.sha256(current).hexdigest() if start is not None and current is not None else None
    finished = replace(trained, parent=parent, metrics=report)
    progress("judge", 1.0)
    return TrainingResult(finished.to_bytes(), verdict.promote, {**report, "seconds": round(monotonic() - started, 2)})


def _skipped(reason: str) -> TrainingResult:
    return TrainingResult(None, False, {"mode": "skipped", "reason": reason})


def _load_current(current: bytes | None, pack: PackId) -> tuple[Head | None, str]:
    if current is None:
        return None, "There was no head."
    try:
        return Head.load(current, pack), ""
    except (HeadDamaged, PackMismatch) as error:
        return None, str(error)


def _starting_point(
    head: Head | None, changes: TemplateChanges, full: bool, note: str
) -> tuple[Head | None, Head | None, str]:
    """Return the head to continue from, if any, the head to compare with, if any, and why training is full."""
    if head is None:
        return None, None, note
    if changes.gone:
        return None, None, "A student is gone or has another photo."
    return (None, head, "Asked for.") if full else (head, head, note)


def _train(
    run: _Run, start: Head | None, progress: OnProgress, checkpoint: CheckpointStore | None
) -> tuple[Head, dict[str, float]]:
    variation, settings = run.variation, run.settings
    if start is None:
        network, chosen, steps = HeadNetwork.from_discriminant(variation), list(run.templates), settings.steps
    else:
        network, steps = HeadNetwork.from_head(start, variation), settings.incremental_steps
        chosen = run.select(settings.replay, settings.seed)
    rows = TrainingRows.from_templates([_without_judging_rows(template) for template in chosen])
    inputs = TrainingInputs(rows, variation, _hold_out(run, chosen), settings)
    fitted = fit(network, inputs, steps=steps, progress=progress, checkpoint=checkpoint)
    weight, bias = network.parameters_as_arrays()
    head = Head(run.pack, weight, bias, 0.0, 1.0, settings.fusion, fingerprints(run.templates))
    centre, deviation = _measure_scale(head, variation, settings.seed)
    return replace(head, centre=centre, deviation=deviation), fitted


def _without_judging_rows(template: Template) -> Template:
    """Leave out the rows for judging: the last augmented view of several, and the newest learned face of several."""
    views, learned = np.split(template.embeddings, [len(template.embeddings) - len(template.learned)])
    if len(views) >= _MIN_VIEWS_TO_HOLD_ONE_OUT:
        views = views[:-1]
    kept = max(1, len(learned) - 1)
    return replace(template, embeddings=np.concatenate([views, learned[:kept]]), learned=template.learned[:kept])


def _hold_out(run: _Run, templates: Sequence[Template]) -> HeldOut:
    settings = run.settings
    chosen = replace(run, templates=templates).select(settings.held_out, settings.seed)[: settings.held_out]
    gallery = np.stack([template.embeddings[0] for template in chosen])
    photos = max(2, 2 * settings.held_out // len(chosen))
    random = np.random.default_rng([settings.seed, _STOP_STREAM])
    probes = run.variation.training_sampler().sample_photos(gallery, photos, random)
    return HeldOut(gallery, probes.reshape(-1, gallery.shape[1]), np.repeat(np.arange(len(chosen)), photos))


def _measure_scale(head: Head, variation: VariationModel, seed: int) -> tuple[float, float]:
    """Return mean and standard deviation of the head's cosine between two different people."""
    people = 512
    random = np.random.default_rng([seed, _SCALE_STREAM])
    embedded = head.embed(variation.training_sampler().sample_strangers(people, 1, random)[:, 0])
    cosines = (embedded @ embedded.T)[np.triu_indices(people, 1)]
    return float(cosines.mean()), float(cosines.std())


def _judge(run: _Run, new: Head, old: Head | None, population: Population) -> Verdict:
    settings = run.settings
    chosen = run.select(settings.held_out, settings.seed + 1)[: settings.held_out]
    chosen = sorted(chosen, key=lambda t: t.student_id)
    gallery = Gallery.from_templates([_without_judging_rows(template) for template in chosen], run.pack)
    views = [len(template.embeddings) - len(template.learned) for template in chosen]
    enough = min(views) >= _MIN_VIEWS_TO_HOLD_ONE_OUT
    last = np.stack([t.embeddings[v - 1] for t, v in zip(chosen, views, strict=True)]) if enough else None
    confirmed = {t.student_id: t.embeddings[-1:] for t in chosen if len(t.learned) > 1}
    seed = int(np.random.default_rng([settings.seed, _TRIAL_STREAM]).integers(2**31))
    trial = draw_trial(gallery, run.variation, seed, last, confirmed, settings.drawn_probes)
    return judge(new, old, trial, population)
