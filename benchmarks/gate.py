"""Whether the promotion gate, which sees drawn photos only, is right about real ones.

    python -m benchmarks.gate [--photos ../shared/photos] [--embeddings FILE]

The people who give the pack's statistics are split once more: statistics, and with them the training and the gate, come
from one part, and heads good and bad are trained and judged on galleries of the other; then the other part's real
photos tell what each head was worth. Prints a table and, last, one line of JSON.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures import Pictures, draw_round, gives_statistics, read_pictures, unit_rows
from benchmarks.population_statistics import statistics_of
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import Population, prepare, score
from muster.training.gate import draw_trial, judge
from muster.training.retrain import retrain
from muster.training.settings import TrainingSettings
from muster.training.variation import VariationModel

FloatArray = NDArray[np.float32]

PACK = PackId("embedded-2")
_REGISTERED = 100
_SEEDS = 10


@dataclass(frozen=True, eq=False, slots=True)
class Stage:
    """Some people's templates and real probes, with statistics of other people.

    Attributes:
        templates: S students, one photo each.
        probes: float32 (N, 512), unit rows, other photos of them.
        owners: intp (N,), the student of each probe.
        strangers: float32 (M, 512), unit rows, photos of everybody else of that part.
    """

    population: Population
    variation: VariationModel
    templates: list[Template]
    probes: FloatArray
    owners: NDArray[np.intp]
    strangers: FloatArray


def trained(stage: Stage, **changed: float) -> Head:
    """Train on the stage's templates with some settings changed."""
    outcome = retrain(
        stage.templates,
        None,
        PACK,
        stage.population,
        variation=stage.variation,
        settings=replace(TrainingSettings(), **changed),  # type: ignore[arg-type]
    )
    if outcome.head is None:
        raise SystemExit(f"No head was trained: {outcome.report['reason']}")
    return Head.load(outcome.head, PACK)


def disturbed(head: Head, amount: float) -> Head:
    """Add noise to the weights, in parts of their own size."""
    noise = np.random.default_rng(0).standard_normal(head.weight.shape).astype(np.float32)
    size = np.float32(np.linalg.norm(head.weight) / np.linalg.norm(noise))
    return replace(head, weight=head.weight + np.float32(amount) * size * noise)


HEADS: dict[str, Callable[[Stage, Head], Head]] = {
    "its start": lambda stage, start: start,
    "trained (shipped)": lambda stage, start: trained(stage),
    "twice the weight in the fusion": lambda stage, start: replace(start, fusion=0.6),
    "trained without a pull to the start": lambda stage, start: trained(
        stage, anchor=0.0, margin=0.3, learning_rate=3e-3
    ),
    "weights with 50 % noise": lambda stage, start: disturbed(start, 0.5),
    "weights with 100 % noise": lambda stage, start: disturbed(start, 1.0),
    "weights with 300 % noise": lambda stage, start: disturbed(start, 3.0),
    "noise alone decides": lambda stage, start: replace(disturbed(start, 100.0), fusion=1.0),
}
"""Heads by name, each from a stage and the head that training starts from there."""


def main() -> None:
    """Train, judge, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("../shared/photos"))
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    parser.add_argument("--seeds", type=int, default=_SEEDS)
    arguments = parser.parse_args()
    if not arguments.photos.is_dir():
        print(f"There is no folder {arguments.photos}: give the photo sets with --photos.")
        print(json.dumps({"benchmark": "gate", "skipped": "no photos"}))
        return
    verdicts: dict[str, list[tuple[bool, float, float]]] = {name: [] for name in HEADS}
    drawn, real = [], []
    for stage in stages(read_pictures(arguments.photos / "lfw", arguments.embeddings), arguments.seeds, _REGISTERED):
        gallery = Gallery.from_templates(stage.templates, PACK)
        trial = draw_trial(gallery, stage.variation, seed=1)
        start = trained(stage, steps=0)
        for name, make in HEADS.items():
            head = make(stage, start)
            verdict = judge(head, None, trial, stage.population)
            gain, rank_1 = _real_gain(head, gallery, stage)
            verdicts[name].append((verdict.promote, verdict.metrics["lead_over_stage_1"], gain))
        drawn.append(verdict.metrics["stage_1"]["rank_1"])
        real.append(rank_1)
    print(f"rank-1 of stage 1: {np.mean(drawn):.4f} on drawn photos, {np.mean(real):.4f} on real ones")
    print(f"{'head':36} promoted  lead on drawn photos  gain in rank-1 on real photos (points)")
    rows = {name: _summary(found) for name, found in verdicts.items()}
    for name, row in rows.items():
        print(
            f"{name:36} {row['promoted']:3.0f}/{row['rounds']:.0f}  {row['lead']:20.1f}  "
            f"{row['gain']:+.2f} ± {row['interval']:.2f}"
        )
    print(
        json.dumps({"benchmark": "gate", "drawn": float(np.mean(drawn)), "real": float(np.mean(real)), "heads": rows})
    )


def _summary(found: list[tuple[bool, float, float]]) -> dict[str, float]:
    gains = np.array([gain for _, _, gain in found]) * 100
    return {
        "promoted": sum(promoted for promoted, _, _ in found),
        "rounds": len(found),
        "lead": round(float(np.mean([lead for _, lead, _ in found])), 2),
        "gain": round(float(gains.mean()), 3),
        "interval": round(float(2 * gains.std(ddof=1) / np.sqrt(len(gains))), 3),
    }


def _real_gain(head: Head, gallery: Gallery, stage: Stage) -> tuple[float, float]:
    """Return what the head adds to rank-1 on real photos, and stage 1's rank-1."""
    normalised = score(stage.probes, prepare(gallery, stage.population), same_photo=False).normalised
    fused = head.fuse(normalised, head.similarity(stage.probes, gallery))
    before = float((normalised.argmax(axis=1) == stage.owners).mean())
    return float((fused.argmax(axis=1) == stage.owners).mean()) - before, before


def stages(pictures: Pictures, seeds: int, registered: int) -> Iterator[Stage]:
    """Split those who give the pack's statistics: for each part and seed, some of its people, known by the other."""
    part = np.array([_part(person) for person in pictures.person])
    for number in (0, 1):
        known, others = pictures.of(part == number), pictures.of(part == 1 - number)
        names, people = np.unique(known.person, return_inverse=True)
        judging = np.array([hashlib.sha256(str(name).encode()).digest()[2] % 2 == 1 for name in names])
        population = statistics_of(known)
        variation = VariationModel.estimate(known.embeddings, people.astype(np.intp), judging)
        for seed in range(seeds):
            drawn = draw_round(others.person, registered, np.random.default_rng(seed))
            templates = [
                Template(StudentId(f"s{i:04d}"), PACK, unit_rows(others.embeddings[row : row + 1]), f"{i:064x}")
                for i, row in enumerate(drawn.templates)
            ]
            probes, strangers = others.embeddings[drawn.probes], others.embeddings[drawn.strangers]
            yield Stage(population, variation, templates, probes, drawn.mates, strangers)


def _part(person: str) -> int:
    """Return 0 or 1 for the two parts of those who give statistics, -1 for everybody else."""
    return hashlib.sha256(person.encode()).digest()[1] % 2 if gives_statistics(person) else -1


if __name__ == "__main__":
    main()
