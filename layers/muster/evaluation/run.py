"""Evaluate a dataset from its folder to one report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from muster.evaluation.class_draws import ClassPhotoSettings
from muster.evaluation.class_rounds import ClassPhotoResults, Classroom, play_class_photos
from muster.evaluation.datasets import Dataset, Form, group_photos, read_dataset
from muster.evaluation.embed import Pictures
from muster.evaluation.matching import NOT_FOUND
from muster.evaluation.metrics import FPIR_POINTS, Counts, Outcome, dir_at, estimate, rank_1
from muster.evaluation.protocols import Round, plan
from muster.evaluation.rounds import Answers, Recognition, RoundResult, locate, play
from muster.progress import OnProgress
from muster.vision.pipeline import VisionPipeline

METHODS = {
    "facenet_alone": "FaceNet alone",
    "stage1": "recognition, untrained",
    "two_stage": "recognition, trained on the students",
}
"""The methods compared, by their name in the document, and in words. FaceNet alone is the plain cosine with the
unchanged registration photo; it ships without thresholds, so that only its rates can be told."""

_TEMPLATE, _SEARCHING, _TRAINING = 4, 10, 400
"""What a registration picture and a round cost, without a head and with one, in pictures searched for faces; for
the progress alone (`benchmarks.recognition.accuracy` on two cores: 25 ms a picture, 10 s a round with training)."""


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What `muster evaluate` is asked to do.

    Attributes:
        recognition: pack, thresholds and training.
        unregistered: share of the students who are left out and must come out unknown, 0 to below 1.
        seeds: number of rounds; None takes each image in turn (identity folders) or one round (photos of groups).
        class_photos: how classes and photos of them are drawn.
    """

    recognition: Recognition
    unregistered: float = 0.0
    seeds: int | None = None
    class_photos: ClassPhotoSettings = field(default_factory=ClassPhotoSettings)


@dataclass(frozen=True, eq=False, slots=True)
class EvaluationReport:
    """Everything that was found.

    Attributes:
        source: the dataset's folder.
        detections: intp (F,), for each labelled face its detection's index in its picture, or `NOT_FOUND`.
        refused: registration pictures that registration would turn away, with the code of its error.
        class_photos: classes and photos of them.
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
        """Return the JSON document that `muster evaluate --json` prints; its words are defined in docs/method.md.

        Figures are means over the rounds; with two rounds or more `intervals_95` holds their 95 % intervals. A rate
        that cannot be told, such as a DIR without strangers, is null.
        """
        rounds = self.rounds
        heads = [one.trained for one in rounds]
        return {
            "dataset": str(self.source),
            "form": self.dataset.form.value,
            "pack": self.settings.recognition.pack,
            "seeds": len(rounds),
            "unregistered": self.settings.unregistered,
            "people": len(self.dataset.people),
            "registered": _mean([len(one.registered) for one in rounds]),
            "probes": _mean([one.searched for one in rounds]),
            "strangers": _mean([one.strangers for one in rounds]),
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
            "not_registered": sorted({student for one in rounds for student in one.not_registered}),
            "refused_registrations": self.refused,
            "left_out": list(self.dataset.left_out),
            "class_photos": self.class_photos.document(),
        }

    def outcomes(self, method: str) -> list[Outcome]:
        """Return what each round's searches found by a method of `METHODS`."""
        if method == "facenet_alone":
            return [one.facenet_alone for one in self.rounds]
        return [one.outcome for one in self.answers(method)]

    def answers(self, method: str) -> list[Answers]:
        """Return each round's answers of `stage1` or `two_stage`."""
        return [one.stage1 if method == "stage1" else one.two_stage for one in self.rounds]

    def _figures(self, method: str) -> dict[str, Any]:
        outcomes = self.outcomes(method)
        rates = {
            "detection_recall": [one.found / one.searched if one.searched else math.nan for one in self.rounds],
            "rank_1": [rank_1(one) for one in outcomes],
            **{name: [dir_at(one, fpir) for one in outcomes] for name, fpir in FPIR_POINTS.items()},
        }
        counts = self._counts(method)
        estimates = {name: estimate(np.array(values, dtype=np.float64)) for name, values in (rates | counts).items()}
        return {
            **{name: _rounded(estimates[name].mean) for name in rates},
            **{name: _mean(values) for name, values in counts.items()},
            "intervals_95": {
                name: [_rounded(one.low), _rounded(one.high)]
                for name, one in estimates.items()
                if one.low is not None and one.high is not None
            },
        }

    def _counts(self, method: str) -> dict[str, list[float]]:
        if method == "facenet_alone":
            return {}
        answers = self.answers(method)
        return {
            **{count.name: [getattr(one.counts, count.name) for one in answers] for count in fields(Counts)},
            "present_without_label": [one.named_elsewhere for one in answers],
        }


def evaluate(
    dataset_path: Path, settings: EvaluationSettings, vision: VisionPipeline, progress: OnProgress
) -> EvaluationReport:
    """Evaluate a dataset folder; the same folder and settings give the same report.

    Args:
        dataset_path: a folder in either layout of `muster.evaluation.datasets`.
        vision: of the pack in `settings`.
        progress: told a step in words and the share done, 0 to 1.

    Raises:
        InvalidRequest: the dataset or a setting is unusable.
        MusterError: a picture cannot be read; the message names it.
    """
    dataset = read_dataset(dataset_path)
    return evaluate_dataset(dataset_path, dataset, settings, Pictures(vision), progress)


def evaluate_dataset(
    source: Path, dataset: Dataset, settings: EvaluationSettings, pictures: Pictures, progress: OnProgress
) -> EvaluationReport:
    """Evaluate a dataset that was read before, with pictures that may be read already.

    Raises:
        InvalidRequest: a setting is unusable.
        MusterError: a picture cannot be read; the message names it.
    """
    rounds = plan(dataset, settings.unregistered, settings.seeds)
    registering = _paths(dataset, [one.pictures for one in rounds])
    searching = _paths(dataset, _searched(dataset, rounds))
    reading = len(searching) + _TEMPLATE * len(registering)
    playing = len(rounds) * (_SEARCHING if settings.recognition.train is None else _TRAINING)
    classes = _class_photo_cost(dataset, settings.class_photos)
    read = reading / (reading + playing + classes)
    played = (reading + playing) / (reading + playing + classes)
    pictures.read(searching, registering, _part(progress, 0.0, read))
    every_face = np.arange(len(dataset.face_people), dtype=np.intp)
    searched = np.unique(np.concatenate([one.faces for one in rounds]))
    detections = np.full(len(every_face), NOT_FOUND, dtype=np.intp)
    detections[searched] = locate(dataset, pictures, searched)
    results = []
    for number, one in enumerate(rounds):
        progress(f"round {number + 1} of {len(rounds)}", read + (played - read) * number / len(rounds))
        results.append(play(dataset, pictures, one, detections, settings.recognition))
    room = Classroom(dataset, pictures, rounds, [one.trained.head for one in results], detections, settings.recognition)
    class_photos = play_class_photos(room, settings.class_photos, _part(progress, played, 1.0))
    progress("done", 1.0)
    refused = {
        str(path.relative_to(source)): code
        for path in registering
        if (code := pictures.template(path).refused) is not None
    }
    return EvaluationReport(source, settings, dataset, pictures, tuple(results), detections, refused, class_photos)


def _class_photo_cost(dataset: Dataset, settings: ClassPhotoSettings) -> float:
    """Return what class photos cost, in pictures searched for faces: mostly the shrunk faces, which are embedded."""
    if dataset.form is Form.PHOTOS or not settings.photos:
        return 1.0
    drawn = settings.small_photos * min(*settings.sizes, len(dataset.people))
    return 1.0 + len(settings.face_widths) * min(drawn, len(dataset.face_people))


def _searched(dataset: Dataset, rounds: Sequence[Round]) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    if dataset.form is Form.PHOTOS:
        return [group_photos(dataset)]
    return [dataset.face_pictures[one.faces] for one in rounds]


def _paths(dataset: Dataset, indices: Sequence[np.ndarray[tuple[int], np.dtype[np.intp]]]) -> list[Path]:
    return [dataset.pictures[picture] for picture in np.unique(np.concatenate(indices))]


def _part(progress: OnProgress, start: float, end: float) -> OnProgress:
    return lambda step, share: progress(step, start + (end - start) * share)


def _mean(values: Sequence[float]) -> float | int:
    mean = sum(values) / len(values)
    return int(mean) if mean == int(mean) else round(mean, 2)


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)
