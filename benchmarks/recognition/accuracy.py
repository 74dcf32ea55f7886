"""Recognition accuracy, compared with the cosine of FaceNet and with dlib's `face_recognition` model.

    python -m benchmarks accuracy --photos ../shared/photos --write docs/method.md

Three sets of photos, all methods on the same registration photos, probes and strangers:
- `lfw`: people with up to three pictures. Some are registered with one random picture per seed; the others, and people
  with a single picture, are strangers;
- `groups`: labelled photos of groups;
- `detection`: photos in which every nose is labelled; only detection is measured.

dlib runs in a separate environment (`--peers`) and is skipped, with a message, if that is missing.
Prints tables and, last, one line of JSON.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.lfw import Protocol, lfw_subset
from benchmarks.lib.markdown import write_section
from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.recognition.accuracy_parts.cache import KeptPictures
from benchmarks.recognition.accuracy_parts.methods import dlib_model, peer_figures
from benchmarks.recognition.accuracy_parts.tables import tables
from muster.composition.evaluation import shipped_recognition
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.evaluation.class_draws import ClassPhotoSettings
from muster.evaluation.datasets import Dataset, Form, read_dataset
from muster.evaluation.embed import Pictures
from muster.evaluation.report import write_html
from muster.evaluation.run import METHODS, EvaluationReport, EvaluationSettings, evaluate_dataset
from muster.packs.build import build_embedded

SETS = ("lfw", "groups", "detection")


def main() -> None:
    """Measure and print."""
    chosen = _arguments()
    if not photos_found(chosen.photos, "accuracy"):
        return
    started = time.perf_counter()
    settings = LocalSettings(threads=chosen.threads)
    pack = build_embedded(settings.home)
    pictures = KeptPictures(
        open_models(pack, settings.threads), pack, chosen.keep / "faces.npz" if chosen.keep else None
    )
    how = shipped_recognition(pack, settings)
    if chosen.without_head:
        how = replace(how, train=None)
    protocol = Protocol(chosen.people, chosen.registered, chosen.strangers, 3, chosen.seeds)
    measured: dict[str, Any] = {"benchmark": "accuracy", "pack": pack.id}
    if "lfw" in chosen.sets:
        lfw = lfw_subset(chosen.photos / "lfw", protocol)
        share = 1 - protocol.registered / protocol.people
        drawn = ClassPhotoSettings(photos=chosen.class_photos, small_photos=0)
        asked = EvaluationSettings(how, share, protocol.seeds, drawn)
        measured["lfw"] = _compare(chosen, chosen.photos / "lfw", lfw, asked, pictures)
    if "groups" in chosen.sets:
        groups = chosen.photos / "groups"
        measured["groups"] = _compare(chosen, groups, read_dataset(groups), EvaluationSettings(how), pictures)
    if "detection" in chosen.sets:
        measured["detection"] = _noses(chosen, chosen.photos / "detection", pictures)
    measured["seconds"] = round(time.perf_counter() - started)
    text = tables(measured)
    print(text)
    if chosen.write is not None:
        write_section(chosen.write, text)
    print(json.dumps(measured))


def _compare(
    chosen: argparse.Namespace, folder: Path, dataset: Dataset, settings: EvaluationSettings, pictures: Pictures
) -> dict[str, Any]:
    """Evaluate one set with every method; figures by method."""
    print(f"{folder.name}: {len(dataset.pictures)} pictures of {len(dataset.people)} people", file=sys.stderr)
    report = evaluate_dataset(folder, dataset, settings, pictures, _Progress())
    if chosen.report is not None:
        print(f"report: {write_html(report, chosen.report / folder.name)}", file=sys.stderr)
    document = report.document()
    methods = {name: document[name] for name in METHODS}
    dlib = dlib_model(dataset, chosen.peers, chosen.keep)
    if dlib is not None:
        methods[dlib.name] = peer_figures(dlib, dataset, settings)
    return {**{key: document[key] for key in _KEPT}, "methods": methods, "refused_registrations": _refused(report)}


_KEPT = (
    "people",
    "registered",
    "probes",
    "strangers",
    "seeds",
    "unregistered",
    "heads",
    "not_registered",
    "class_photos",
)


def _refused(report: EvaluationReport) -> dict[str, int]:
    return dict(Counter(report.refused.values()))


def _noses(chosen: argparse.Namespace, folder: Path, pictures: Pictures) -> dict[str, Any]:
    """Count faces whose nose lies in a detection of its own, and detections without a nose, for each detector."""
    noses = {
        name: np.array(tips, dtype=np.float32).reshape(-1, 2)
        for name, tips in json.loads((folder / "noses.json").read_text(encoding="utf-8")).items()
    }
    paths = [folder / name for name in sorted(noses)]
    boxes = {"muster": [pictures.faces(path).boxes for path in paths]}
    dlib = dlib_model(_without_people(paths), chosen.peers, chosen.keep)
    if dlib is not None:
        boxes["dlib"] = [dlib.faces(number).boxes for number in range(len(paths))]
    found = {}
    for name, seen in boxes.items():
        hits = [_hits(noses[path.name], there) for path, there in zip(paths, seen, strict=True)]
        found[name] = {
            "faces": sum(len(tips) for tips in noses.values()),
            "found": sum(hits),
            "false_alarms": sum(len(there) - hit for there, hit in zip(seen, hits, strict=True)),
        }
    return {"photos": len(paths), "methods": found}


def _hits(tips: NDArray[np.float32], boxes: NDArray[np.float32]) -> int:
    free = np.ones(len(boxes), dtype=np.bool_)
    for tip in tips:
        inside = free & (tip >= boxes[:, :2]).all(axis=1) & (tip <= boxes[:, :2] + boxes[:, 2:]).all(axis=1)
        free[np.flatnonzero(inside)[:1]] = False
    return int(np.count_nonzero(~free))


def _without_people(paths: Sequence[Path]) -> Dataset:
    nothing = np.empty(0, dtype=np.intp)
    return Dataset(Form.PHOTOS, (), tuple(paths), (), nothing, np.empty((0, 4), dtype=np.float32), nothing)


class _Progress:
    """Prints the remaining time to stderr at every 5 % of progress."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._said = 0.0

    def __call__(self, step: str, share: float) -> None:
        if share < self._said + 0.05 and share < 1:
            return
        self._said = share
        spent = time.perf_counter() - self._started
        left = spent / share - spent if share else 0.0
        print(f"  {share:4.0%} {step}, {spent:.0f} s spent, about {left:.0f} s left", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = photo_parser(__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--people", type=int, default=250, help="LFW people with two pictures or more")
    parser.add_argument("--registered", type=int, default=100, help="of them, in each seed")
    parser.add_argument("--strangers", type=int, default=600, help="LFW people with one picture")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--class-photos", type=int, default=10, help="class photos of each kind in each seed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-head", action="store_true", help="train nothing: two-stage is stage 1")
    parser.add_argument("--peers", type=Path, default=Path(".venv-peers"), help="environment of the dlib peer")
    parser.add_argument(
        "--keep", type=Path, help="folder that keeps embeddings for the next run, such as build/accuracy"
    )
    parser.add_argument("--report", type=Path, help="folder for the HTML pages")
    parser.add_argument("--write", type=Path, help="document whose generated section is replaced by the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
