"""Training time on processor and GPU, and quality of the resulting heads.

    python -m benchmarks training_gpu [--students 1000 10000] [--devices cpu cuda] [--threads 2]

Students are people who do not exist, drawn from the variation that ships with the pack: one registration photo in eight
views. Each device trains as the job does, from templates to a judged and stored head, with a checkpoint that is
written, once afresh and once more after one student joined. The heads are then held against photos of the same students
that no training drew. Needs torch, numpy, scipy, safetensors and pytorch-metric-learning, and nothing else of ours.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from muster.arrays import FloatArray
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.progress import OnProgress
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import Population, prepare, score
from muster.services.training.run import TrainerResult, TrainingRun
from muster.storage.local import open_local
from muster.training.device import fastest_device
from muster.training.retrain import retrain
from muster.training.settings import TrainingSettings
from muster.training.variation import VariationModel, load_variation_model

_PACK = PackId("embedded-facenet-1")
_VIEWS = 8
_PROBES = 4

# Views of one photo differ by about a tenth of what separates two photos of a person: enough to tell them apart.
_VIEW_SHARE = 0.1

_GALLERY = 1000
"""Students searched at once, so that one probe in four thousand is seen."""


@dataclass(frozen=True, eq=False, slots=True)
class Class:
    """Made-up students.

    Attributes:
        templates: one each.
        probes: float32 (S, 4, 512), unit rows, other photos of them.
    """

    templates: list[Template]
    probes: FloatArray


class _Kept:
    """A checkpoint in a file, as the job keeps one in a bucket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, state: bytes) -> None:
        self._path.write_bytes(state)

    def load(self) -> bytes | None:
        return self._path.read_bytes() if self._path.exists() else None


@dataclass(frozen=True, slots=True)
class _Source:
    """Templates as `TrainingRun` reads them."""

    kept: list[Template]

    def templates(self) -> list[Template]:
        return self.kept


def main() -> None:
    """Print the table and the line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--devices", nargs="+", default=sorted({"cpu", fastest_device()}))
    parser.add_argument("--threads", type=int, default=TrainingSettings().threads)
    arguments = parser.parse_args()
    variation = load_variation_model(_PACK)
    if variation is None:
        raise SystemExit(f"The pack {_PACK} ships no variation.")
    rows = []
    print("device  students  training     seconds  steps  held-out loss  rank-1: stage 1  two-stage  promoted")
    for device in arguments.devices:
        # The first use of a device starts its libraries; a job pays that once, whatever the size.
        started = perf_counter()
        _train(drawn(variation, 20), None, TrainingSettings(device=device, threads=arguments.threads, steps=25))
        start_up = perf_counter() - started
        for count in arguments.students:
            for row in _measured(variation, count, TrainingSettings(device=device, threads=arguments.threads)):
                rows.append({"device": device, "students": count, "start_up": round(start_up, 2), **row})
                print(
                    f"{device:6}  {count:8}  {row['training']:11}  {row['seconds']:7.2f}  {row['steps']:5}"
                    f"  {row['held_out_loss']:13.4f}  {row['stage_1']:15.4f}  {row['two_stage']:9.4f}"
                    f"  {row['promoted']}",
                    flush=True,
                )
    differences = _differences(rows)
    for row in rows:
        del row["head"]
    machine = {"torch": torch.__version__, "gpu": _gpu(), "threads": arguments.threads}
    print(json.dumps({"benchmark": "training_gpu", **machine, "rows": rows, "differences": differences}))


def drawn(variation: VariationModel, count: int) -> Class:
    """Draw students from the statistics that judge, which no training draws from; the same on every machine."""
    random = np.random.default_rng(11)
    photos = variation.judging_sampler().sample_strangers(count, 1 + _PROBES, random)
    other = variation.judging_sampler().sample_photos(photos[:, 0], _VIEWS - 1, random)
    views = photos[:, :1] + _VIEW_SHARE * other
    views = np.concatenate([photos[:, :1], views / np.linalg.norm(views, axis=2, keepdims=True)], axis=1)
    templates = [
        Template(StudentId(f"s{number:06d}"), _PACK, rows.astype(np.float32), f"{number:064x}")
        for number, rows in enumerate(views)
    ]
    return Class(templates, photos[:, 1:])


def _measured(variation: VariationModel, count: int, settings: TrainingSettings) -> list[dict[str, Any]]:
    """Train on all but one student, then let that one join."""
    whole = drawn(variation, count + 1)
    first = Class(whole.templates[:-1], whole.probes[:-1])
    rows = []
    head: bytes | None = None
    for name, students in (("full", first), ("one joined", whole)):
        seconds, report, trained = _train(students, head, settings)
        stage_1, two_stage = _rank_1(students, trained)
        rows.append(
            {
                "training": name,
                "seconds": round(seconds, 2),
                "mode": report["mode"],
                "steps": report["fit"]["steps"],
                "held_out_loss": report["fit"]["held_out_loss"],
                "stage_1": stage_1,
                "two_stage": two_stage,
                "promoted": report["outcome"] == "promoted",
                "head": trained,
            }
        )
        head = trained
    return rows


def _train(students: Class, current: bytes | None, settings: TrainingSettings) -> tuple[float, dict[str, Any], bytes]:
    """Run what the job runs; return its seconds, its report and the head that it stored."""
    made: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        stores = open_local(Path(folder))
        checkpoint = _Kept(Path(folder) / "checkpoint")

        def train(templates: list[Template], current: bytes | None, full: bool, progress: OnProgress) -> TrainerResult:
            outcome = retrain(
                templates,
                current,
                _PACK,
                _population(),
                full=full,
                settings=settings,
                progress=progress,
                checkpoint=checkpoint,
            )
            made.extend([outcome.head] if outcome.head is not None else [])
            return TrainerResult(outcome.head, outcome.promote, outcome.report)

        if current is not None:
            stores.heads.promote(_PACK, stores.heads.save(_PACK, current, {}), expected=None)
        run = TrainingRun(
            pack=_PACK, source=_Source(students.templates), heads=stores.heads, training=stores.training, trainer=train
        )
        started = perf_counter()
        report = run.train(False, lambda step, share: None)
        seconds = perf_counter() - started
    return seconds, report, made[0]


def _population() -> Population:
    with (
        resources.files("muster.packs").joinpath("data", "embedded-facenet_statistics.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as arrays,
    ):
        return Population.from_network(arrays["mean_0"], arrays["factor_0"])


def _rank_1(students: Class, trained: bytes) -> tuple[float, float]:
    """Search unseen photos of the first students by stage 1 and by both stages; return the shares named rightly."""
    gallery = Gallery.from_templates(students.templates[:_GALLERY], _PACK)
    probes = students.probes[:_GALLERY].reshape(-1, students.probes.shape[-1])
    owners = np.repeat(np.arange(gallery.size), _PROBES)
    head = Head.load(trained, _PACK)
    normalised = score(probes, prepare(gallery, _population()), same_photo=False).normalised
    fused = head.fuse(normalised, head.similarity(probes, gallery))
    shares = [round(float((found.argmax(axis=1) == owners).mean()), 4) for found in (normalised, fused)]
    return shares[0], shares[1]


def _differences(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare each device's heads with the processor's: the largest difference of a weight, and of rank-1."""
    found = []
    on_cpu = {(row["students"], row["training"]): row for row in rows if row["device"] == "cpu"}
    for row in rows:
        other = on_cpu.get((row["students"], row["training"]))
        if row["device"] == "cpu" or other is None:
            continue
        one, two = Head.load(row["head"], _PACK), Head.load(other["head"], _PACK)
        found.append(
            {
                "device": row["device"],
                "students": row["students"],
                "training": row["training"],
                "weight": float(np.abs(one.weight - two.weight).max()),
                "two_stage_rank_1": round(row["two_stage"] - other["two_stage"], 4),
                "times_as_fast": round(other["seconds"] / row["seconds"], 2),
            }
        )
    for line in found:
        print(
            f"{line['device']} beside cpu, {line['students']}, {line['training']}: {line['times_as_fast']} times as "
            f"fast; largest difference of a weight {line['weight']:.2g}, of rank-1 {line['two_stage_rank_1']:+.4f}"
        )
    return found


def _gpu() -> str | None:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


if __name__ == "__main__":
    main()
