"""The dlib model that `benchmarks.recognition.accuracy` compares with."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import ROOT
from muster.arrays import FloatArray
from muster.evaluation.datasets import Dataset, Form
from muster.evaluation.matching import NOT_FOUND, main_face, match_boxes
from muster.evaluation.metrics import (
    FPIR_POINTS,
    STRANGER,
    Counts,
    Searches,
    SearchOutcome,
    dir_at,
    estimate,
    rank_1,
    search_outcome,
    tally,
)
from muster.evaluation.protocols import Round, plan_rounds
from muster.evaluation.run import EvaluationSettings

DLIB_DISTANCE = 0.6
"""Below this distance `face_recognition` calls two faces one person (its default tolerance)."""


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """Faces of one picture of width x height pixels.

    Attributes:
        boxes: float32 (N, 4), x, y, width, height in pixels.
        embeddings: float32 (N, D).
    """

    boxes: FloatArray
    embeddings: FloatArray
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Peer:
    """One method.

    Attributes:
        faces: of a picture of the dataset, by its index.
        template: embedding float32 (D,) of a registration picture, or None where no face is found.
        similarity: of probes (N, D) to templates (S, D), as (N, S).
        bar: similarity from which the method itself would name a face; None where it has no such figure.
    """

    name: str
    faces: Callable[[int], Found]
    template: Callable[[int], FloatArray | None]
    similarity: Callable[[FloatArray, FloatArray], FloatArray]
    bar: float | None


def dlib_model(dataset: Dataset, environment: Path, keep: Path | None) -> Peer | None:
    """dlib's detector and embedding, or None (with a line on stderr) where its environment is missing.

    Args:
        keep: folder that keeps what dlib found for the next run on the same pictures.
    """
    python = environment / "bin" / "python"
    if not python.exists():
        print(f"dlib is left out: {environment} is missing; `make {environment}` makes it.", file=sys.stderr)
        return None
    seen = _embed(python, dataset, keep)

    def template(picture: int) -> FloatArray | None:
        found = seen[picture]
        main = main_face(found.boxes, found.width, found.height)
        return None if main == NOT_FOUND else found.embeddings[main]

    def similarity(probes: FloatArray, templates: FloatArray) -> FloatArray:
        distance: FloatArray = np.linalg.norm(probes[:, None] - templates[None], axis=2).astype(np.float32)
        return -distance

    return Peer("dlib", seen.__getitem__, template, similarity, -DLIB_DISTANCE)


def peer_figures(peer: Peer, dataset: Dataset, settings: EvaluationSettings) -> dict[str, Any]:
    """Return a method's figures in the form of the evaluation document."""
    detections = _locate(peer, dataset)
    rounds = [
        _run_round(peer, dataset, round_, detections)
        for round_ in plan_rounds(dataset, settings.unregistered, settings.seeds)
    ]
    rates = {
        "detection_recall": [recall for _, _, recall in rounds],
        "rank_1": [rank_1(found) for found, _, _ in rounds],
        **{name: [dir_at(found, fpir) for found, _, _ in rounds] for name, fpir in FPIR_POINTS.items()},
    }
    estimates = {name: estimate(np.array(values)) for name, values in rates.items()}
    counts: dict[str, list[float]] = {}
    for _, tallied, _ in rounds:
        for name, value in (asdict(tallied) if tallied is not None else {}).items():
            counts.setdefault(name, []).append(value)
    return {
        **{name: None if np.isnan(one.mean) else round(one.mean, 4) for name, one in estimates.items()},
        **{name: round(float(np.mean(values)), 2) for name, values in counts.items()},
        "intervals_95": {
            name: [round(one.low, 4), round(one.high, 4)]
            for name, one in estimates.items()
            if one.low is not None and one.high is not None
        },
    }


def _locate(peer: Peer, dataset: Dataset) -> NDArray[np.intp]:
    detections = np.full(len(dataset.face_people), NOT_FOUND, dtype=np.intp)
    for picture in np.unique(dataset.face_pictures):
        here = np.flatnonzero(dataset.face_pictures == picture)
        found = peer.faces(int(picture))
        if dataset.form is Form.IDENTITIES:
            detections[here] = main_face(found.boxes, found.width, found.height)
        else:
            detections[here] = match_boxes(dataset.face_boxes[here], found.boxes)
    return detections


def _run_round(
    peer: Peer, dataset: Dataset, one: Round, detections: NDArray[np.intp]
) -> tuple[SearchOutcome, Counts | None, float]:
    templates = [peer.template(int(picture)) for picture in one.pictures]
    columns = np.full(len(templates), STRANGER)
    able = [number for number, template in enumerate(templates) if template is not None]
    columns[able] = np.arange(len(able))
    has_mate = one.mates != STRANGER
    mates = np.where(has_mate, columns[one.mates], STRANGER)
    located = detections[one.faces] != NOT_FOUND
    searched = located & ~(has_mate & (mates == STRANGER))
    probes = np.stack(
        [peer.faces(int(dataset.face_pictures[face])).embeddings[detections[face]] for face in one.faces[searched]]
    )
    scores = peer.similarity(probes, np.stack([template for template in templates if template is not None]))
    missed = int(np.count_nonzero(has_mate & ~searched))
    found = search_outcome(Searches(scores.astype(np.float64), mates[searched], missed))
    if peer.bar is None:
        return found, None, float(located.mean())
    present = scores.max(axis=1) >= peer.bar
    named = np.where(present, scores.argmax(axis=1), -1)
    unseen = int(np.count_nonzero(~has_mate & ~located))
    return found, tally(named, present, mates[searched], missed, unseen), float(located.mean())


def _embed(python: Path, dataset: Dataset, keep: Path | None) -> list[Found]:
    script = ROOT / "benchmarks" / "lib" / "peers" / "dlib_embed.py"
    listed = json.dumps([str(path.resolve()) for path in dataset.pictures])
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.json"
        pictures.write_text(listed, encoding="utf-8")
        target = (keep or Path(folder)) / f"dlib-{hashlib.sha256(listed.encode()).hexdigest()[:16]}.npz"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            subprocess.run([str(python), str(script), str(pictures), str(target)], check=True)
        with np.load(target) as arrays:
            owners, boxes, embeddings, sizes = (arrays[name] for name in ("picture", "box", "embedding", "size"))
    return [
        Found(boxes[owners == number], embeddings[owners == number], int(width), int(height))
        for number, (width, height) in enumerate(sizes)
    ]
