"""What each bar costs: faces marked rightly, asked about and missed, and strangers marked, at several target FPIRs.

    python -m benchmarks.shipped_thresholds [--photos ../shared/photos] [--embeddings FILE] [--seeds N]

Development people, split as in `benchmarks.gate` so that no statistics have seen them; the tail behind the bars comes
from the same people (`benchmarks.population_statistics`). One face a photo, decided by the matcher itself. Prints a
table and, last, one line of JSON.
"""

import json

from benchmarks.accuracy_parts.photo_options import photo_options
from benchmarks.gate import PACK, Stage, stages
from benchmarks.population_statistics import read_pictures
from muster.domain.faces import Decision
from muster.recognition.gallery import Gallery
from muster.recognition.matcher import identify
from muster.recognition.scoring import prepare
from muster.recognition.thresholds import Thresholds

_SIZES = (30, 100)
_SEEDS = 10
_TARGETS = (0.0001, 0.0003, 0.001, 0.003)


def main() -> None:
    """Measure and print."""
    arguments = photo_options("shipped_thresholds", __doc__, _SEEDS)
    if arguments is None:
        return
    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    print("students  FPIR    correct   asked  missed  wrong names  | strangers marked   asked  (sums over the rounds)")
    rows = []
    for size in _SIZES:
        drawn = list(stages(pictures, arguments.seeds, size))
        for target in _TARGETS:
            row = _summed([_decided(stage, Thresholds(present_fpir=target)) for stage in drawn])
            rows.append({"students": size, "fpir": target, **row})
            print(
                f"{size:8}  {target:.4f}  {row['correct']:7.1%}  {row['asked']:6.1%}  {row['missed']:6.1%}  "
                f"{row['wrong']:11.0f}  | {row['marked']:6.0f} of {row['strangers']:.0f}  {row['strangers_asked']:6.1%}"
            )
    print(json.dumps({"benchmark": "shipped_thresholds", "rounds": 2 * arguments.seeds, "rows": rows}))


def _decided(stage: Stage, thresholds: Thresholds) -> dict[str, int]:
    prepared = prepare(Gallery.from_templates(stage.templates, PACK), stage.population)
    column = {student: number for number, student in enumerate(prepared.gallery.student_ids)}
    counts = dict.fromkeys(("correct", "wrong", "asked", "missed", "marked", "strangers_asked", "strangers"), 0)
    for probe, mate in zip(stage.probes, stage.owners, strict=True):
        match = identify(probe[None], prepared, thresholds)[0]
        if match.decision is Decision.PRESENT:
            counts["correct" if match.student_id and column[match.student_id] == mate else "wrong"] += 1
        else:
            counts["asked" if match.decision is Decision.REVIEW else "missed"] += 1
    for probe in stage.strangers:
        decision = identify(probe[None], prepared, thresholds)[0].decision
        counts["strangers"] += 1
        counts["marked"] += decision is Decision.PRESENT
        counts["strangers_asked"] += decision is Decision.REVIEW
    return counts


def _summed(rounds: list[dict[str, int]]) -> dict[str, float]:
    sums = {name: sum(one[name] for one in rounds) for name in rounds[0]}
    registered = sums["correct"] + sums["wrong"] + sums["asked"] + sums["missed"]
    shares = {name: sums[name] / registered for name in ("correct", "asked", "missed")}
    return {**sums, **shares, "strangers_asked": sums["strangers_asked"] / sums["strangers"]}


if __name__ == "__main__":
    main()
