"""Evaluation of a dataset, from its folder to one report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from muster.evaluation.class_draws import ClassPhotoSettings
from muster.evaluation.class_rounds import ClassPhotoResults, Classroom, run_class_photos
from muster.evaluation.datasets import Dataset, Form, group_photos, read_dataset
from muster.evaluation.embed import Pictures
from muster.evaluation.matching import NOT_FOUND
from muster.evaluation.metrics import FPIR_POINTS, Counts, SearchOutcome, dir_at, estimate, rank_1
from muster.evaluation.protocols import Round, plan_rounds
from muster.evaluation.rounds import MethodResult, Recognition, RoundResult, locate, run_round
from muster.progress import OnProgress
from muster.vision.pipeline import VisionPipeline

METHODS = {
    "facenet_alone": "baseline: cosine of FaceNet",
    "stage1": "recognition, untrained",
    "two_stage": "recognition, trained on the students",
}
"""The methods compared: name in the document, and label. The baseline compares each face with the unchanged
registration photo by the cosine of the pack's first network. It has no thresholds, so only its rates are reported."""

NO_STRANGERS = "not measured: no strangers"
"""Label of a rate that needs strangers' faces, if the dataset has none."""

_TEMPLATE, _SEARCHING, _TRAINING = 4, 10, 400
"""Cost of a registration picture, and of a round without and with a head, in pictures searched for faces. For the
progress only (`benchmarks.recognition.accuracy` on two cores: 25 ms a picture, 10 s a round with training)."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """Settings of `muster evaluate`.

    Attributes:
        recognition: pack, thresholds and training.
        unregistered: share of the students who are not registered and count as strangers, 0 to below 1.
        seeds: number of rounds; None takes each image in turn (identity folders) or one round (photos of groups).
        class_photos: how classes and photos of them are drawn.
    """

    recognition: Recognition
    unregistered: float = 0.0
    seeds: int | None = None
    class_photos: ClassPhotoSettings = field(default_factory=ClassPhotoSettings)


@dataclass(frozen=True, eq=False, slots=True)
class EvaluationReport:
    """Results of an evaluation.

    Attributes:
        source: the dataset's folder.
        detections: intp (F,), for each labelled face the index of its detection in its picture, or `NOT_FOUND`.
        refused: registration pictures that registration would reject, with the code of its error.
        class_photos: results of class photos.
    """

    source: Path
    settings: EvaluationSettings
    dataset: Dataset
    pictures: Pictures
    rounds: tuple[RoundResult, ...]
    detections: np.ndarray[tuple[int], np.dtype[np.intp]]
    refused: dict[str, str]
    class_photos: ClassPhotoResults

    def document(self) -> dict[str, Any]:
        """Return the JSON document that `muster evaluate --json` prints; docs/method.md defines its terms.

        Figures are means over the rounds; with two rounds or more `intervals_95` holds their 95 % intervals. A rate
        that cannot be computed, such as a DIR without strangers, is null.
        """
        rounds = self.rounds
        heads = [result.trained for result in rounds]
        return {
            "dataset": str(self.source),
            "form": self.dataset.form.value,
            "pack": self.settings.recognition.pack,
            "seeds": len(rounds),
            "unregistered": self.settings.unregistered,
            "people": len(self.dataset.people),
            "registered": _mean([len(result.registered) for result in rounds]),
            "probes": _mean([result.searched for result in rounds]),
            "strangers": _mean([result.strangers for result in rounds]),
            **{method: self._figures(method) for method in METHODS},
            "heads": {
                "promoted": sum(trained.head is not None for trained in heads),
                "refused": sum(trained.head is None for trained in heads),
                "reasons": sorted({trained.reason for trained in heads if trained.head is None}),
            },
            "policy": {
                "wrong_marks": self.settings.recognition.policy.wrong_marks,
                "present": self.settings.recognition.policy.present,
                "review": self.settings.recognition.policy.review,
            },
            "not_registered": sorted({student for result in rounds for student in result.not_registered}),
            "refused_registrations": self.refused,
            "left_out": list(self.dataset.left_out),
            "class_photos": self.class_photos.document(),
        }

    def outcomes(self, method: str) -> list[SearchOutcome]:
        """Return the outcome of each round's searches with a method of `METHODS`."""
        if method == "facenet_alone":
            return [result.facenet_alone for result in self.rounds]
        return [result.outcome for result in self.results(method)]

    def results(self, method: str) -> list[MethodResult]:
        """Return each round's result of `stage1` or `two_stage`."""
        return [result.stage1 if method == "stage1" else result.two_stage for result in self.rounds]

    def _figures(self, method: str) -> dict[str, Any]:
        outcomes = self.outcomes(method)
        rates = {
            "detection_recall": [
                result.found / result.searched if result.searched else math.nan for result in self.rounds
            ],
            "rank_1": [rank_1(outcome) for outcome in outcomes],
            **{name: [dir_at(outcome, fpir) for outcome in outcomes] for name, fpir in FPIR_POINTS.items()},
        }
        counts = self._counts(method)
        estimates = {name: estimate(np.array(values, dtype=np.float64)) for name, values in (rates | counts).items()}
        return {
            **{name: _rounded(estimates[name].mean) for name in rates},
            **{name: _mean(values) for name, values in counts.items()},
            "intervals_95": {
                name: [_rounded(found.low), _rounded(found.high)]
                for name, found in estimates.items()
                if found.low is not None and found.high is not None
            },
        }

    def _counts(self, method: str) -> dict[str, list[float]]:
        if method == "facenet_alone":
            return {}
        results = self.results(method)
        return {
            **{count.name: [getattr(result.counts, count.name) for result in results] for count in fields(Counts)},
            "present_without_label": [result.named_elsewhere for result in results],
        }


def evaluate(
    dataset_path: Path, settings: EvaluationSettings, vision: VisionPipeline, progress: OnProgress
) -> EvaluationReport:
    """Evaluate a dataset folder; the same folder and settings give the same report.

    Args:
        dataset_path: a folder in either layout of `muster.evaluation.datasets`.
        vision: pipeline of the pack in `settings`.
        progress: called with a step in words and the fraction completed, 0 to 1.

    Raises:
        InvalidRequest: the dataset or a setting is unusable.
        MusterError: a picture cannot be read; the message names it.
    """
    dataset = read_dataset(dataset_path)
    return evaluate_dataset(dataset_path, dataset, settings, Pictures(vision), progress)


def evaluate_dataset(
    source: Path, dataset: Dataset, settings: EvaluationSettings, pictures: Pictures, progress: OnProgress
) -> EvaluationReport:
    """Evaluate a dataset that is already read, with pictures that may be read already.

    Raises:
        InvalidRequest: a setting is unusable.
        MusterError: a picture cannot be read; the message names it.
    """
    rounds = plan_rounds(dataset, settings.unregistered, settings.seeds)
    registering = _paths(dataset, [round_.pictures for round_ in rounds])
    searching = _paths(dataset, _searched(dataset, rounds))
    reading = len(searching) + _TEMPLATE * len(registering)
    running = len(rounds) * (_SEARCHING if settings.recognition.train is None else _TRAINING)
    classes = _class_photo_cost(dataset, settings.class_photos)
    read = reading / (reading + running + classes)
    rounds_done = (reading + running) / (reading + running + classes)
    pictures.read(searching, registering, _part(progress, 0.0, read))
    every_face = np.arange(len(dataset.face_people), dtype=np.intp)
    searched = np.unique(np.concatenate([round_.faces for round_ in rounds]))
    detections = np.full(len(every_face), NOT_FOUND, dtype=np.intp)
    detections[searched] = locate(dataset, pictures, searched)
    results = []
    for number, round_ in enumerate(rounds):
        progress(f"round {number + 1} of {len(rounds)}", read + (rounds_done - read) * number / len(rounds))
        results.append(run_round(dataset, pictures, round_, detections, settings.recognition))
    heads = [result.trained.head for result in results]
    room = Classroom(dataset, pictures, rounds, heads, detections, settings.recognition)
    class_photos = run_class_photos(room, settings.class_photos, _part(progress, rounds_done, 1.0))
    progress("done", 1.0)
    refused = {
        str(path.relative_to(source)): code
        for path in registering
        if (code := pictures.template(path).refused) is not None
    }
    return EvaluationReport(source, settings, dataset, pictures, tuple(results), detections, refused, class_photos)


def _class_photo_cost(dataset: Dataset, settings: ClassPhotoSettings) -> float:
    """Return the cost of class photos in pictures searched for faces; most of it is embedding the shrunk faces."""
    if dataset.form is Form.PHOTOS or not settings.photos:
        return 1.0
    drawn = settings.small_photos * min(*settings.sizes, len(dataset.people))
    return 1.0 + len(settings.face_widths) * min(drawn, len(dataset.face_people))


def _searched(dataset: Dataset, rounds: Sequence[Round]) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    if dataset.form is Form.PHOTOS:
        return [group_photos(dataset)]
    return [dataset.face_pictures[round_.faces] for round_ in rounds]


def _paths(dataset: Dataset, indices: Sequence[np.ndarray[tuple[int], np.dtype[np.intp]]]) -> list[Path]:
    return [dataset.pictures[picture] for picture in np.unique(np.concatenate(indices))]


def _part(progress: OnProgress, start: float, end: float) -> OnProgress:
    return lambda step, share: progress(step, start + (end - start) * share)


def _mean(values: Sequence[float]) -> float | int:
    mean = sum(values) / len(values)
    return int(mean) if mean == int(mean) else round(mean, 2)


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)
