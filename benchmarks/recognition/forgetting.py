"""Recognition of students before and after fifty more were registered one by one.

    python -m benchmarks forgetting [--photos ../shared/photos] [--embeddings FILE] [--seeds N]

Real people, split as in `benchmarks.recognition.gate` so that no statistics have seen them: the first are trained on,
then the others are added one by one; the other photos of the first are searched for among all of them, with the head
before and after, and with one trained on all at once. Several draws of people. Prints a table and, last, one line of
JSON.
"""

import json

import numpy as np

from benchmarks.lib.photos import photo_options
from benchmarks.lib.pictures import read_pictures
from benchmarks.lib.stages import PACK, Stage, stages
from muster.domain.student import Template
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import prepare, score
from muster.training.retrain import retrain
from muster.training.settings import TrainingSettings

_FIRST, _ADDED = 60, 50
_SEEDS = 2

# The gate's verdict is not asked for here.
_SETTINGS = TrainingSettings(drawn_probes=1)

Figures = dict[str, float]


def main() -> None:
    """Train, add, measure and print."""
    arguments = photo_options("forgetting", __doc__, _SEEDS)
    if arguments is None:
        return
    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    draws = [_one_draw(stage) for stage in stages(pictures, arguments.seeds, _FIRST + _ADDED)]
    print(f"photos of {_FIRST} students, searched for among {_FIRST + _ADDED}; named rightly, head alone / two-stage")
    for number, draw in enumerate(draws):
        told = "; ".join(f"{when} {now['head_alone']:.0f} / {now['two_stage']:.0f}" for when, now in draw.items())
        print(f"draw {number}, of {draw['before']['probes']:.0f}: {told}")
    sums = {
        when: {name: sum(draw[when][name] for draw in draws) for name in draws[0][when] if name != "drift"}
        for when in draws[0]
    }
    drift = {when: round(float(np.mean([draw[when]["drift"] for draw in draws])), 6) for when in draws[0]}
    print(f"in all: {sums}; drift from the start {drift}")
    print(json.dumps({"benchmark": "forgetting", "draws": len(draws), "sums": sums, "drift": drift}))


def _one_draw(stage: Stage) -> dict[str, Figures]:
    of_first = stage.owners < _FIRST
    probes, mates = stage.probes[of_first], stage.owners[of_first]
    gallery = Gallery.from_templates(stage.templates, PACK)
    normalised = score(probes, prepare(gallery, stage.population), same_photo=False).normalised

    def figures(head: bytes) -> Figures:
        loaded = Head.load(head, PACK)
        alone = loaded.similarity(probes, gallery)
        return {
            "probes": len(probes),
            "head_alone": int((alone.argmax(axis=1) == mates).sum()),
            "two_stage": int((loaded.fuse(normalised, alone).argmax(axis=1) == mates).sum()),
            "drift": float(loaded.metrics["fit"]["drift"]),
        }

    head = first = _trained(stage, stage.templates[:_FIRST], None)
    for count in range(_FIRST + 1, len(stage.templates) + 1):
        head = _trained(stage, stage.templates[:count], head)
    at_once = _trained(stage, stage.templates, None)
    return {"before": figures(first), "after": figures(head), "at once": figures(at_once)}


def _trained(stage: Stage, templates: list[Template], current: bytes | None) -> bytes:
    outcome = retrain(templates, current, PACK, stage.population, variation=stage.variation, settings=_SETTINGS)
    if outcome.head is None:
        raise SystemExit(f"No head was trained: {outcome.report['reason']}")
    return outcome.head


if __name__ == "__main__":
    main()
