"""Verdicts of the promotion gate, which uses pseudo-photos, compared with results on real photos.

    python -m benchmarks gate [--photos ../shared/photos] [--embeddings FILE]

The people who give the pack's statistics are split once more: statistics, and with them the training and the gate, come
from one part, and heads good and bad are trained and judged on galleries of the other; then the other part's real
photos tell what each head was worth. Prints a table and, last, one line of JSON.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import read_pictures
from benchmarks.lib.stages import PACK, Stage, stages
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import prepare, score
from muster.training.gate import draw_trial, judge
from muster.training.retrain import retrain
from muster.training.settings import TrainingSettings

_REGISTERED = 100
_SEEDS = 10


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
    parser = photo_parser(__doc__)
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    parser.add_argument("--seeds", type=int, default=_SEEDS)
    arguments = parser.parse_args()
    if not photos_found(arguments.photos, "gate"):
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


if __name__ == "__main__":
    main()
