"""Faces embedded with one pack, compared with students who were registered with another.

    python -m benchmarks mixed_packs [--packs embedded embedded-int8] [--photos ../shared/photos] [--keep FOLDER]
        [--seeds N] [--heads N]

The pack that runs embeds the faces and provides statistics and thresholds; the other one made the templates of all
students, or of every second one. Classes are drawn as in `pack_decisions`, from people who served for no setting and
no statistic. Rank-1 and DIR are those of the score alone, 100 students registered by one picture each. `--heads`
rounds are repeated with a head that was trained on the templates of the other pack. The last line is JSON.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.lib.markdown import markdown_table
from benchmarks.lib.photos import photos_found
from benchmarks.lib.pictures import draw_round, identification
from benchmarks.recognition.class_parts.faces import Portraits
from benchmarks.recognition.class_parts.rolls import RollCalls, gallery_of
from benchmarks.recognition.pack_decisions import Compared, Judge, compared_columns, comparison_parser
from muster.composition.evaluation import head_training
from muster.domain.identifiers import StudentId
from muster.evaluation.class_draws import ClassPhotoSettings, PhotoKind
from muster.recognition.policy import HeadUse
from muster.recognition.scoring import score

_REGISTERED = 100
_CLASS = 30

_OTHER, _HALF = "the other", "half each"


def main() -> None:
    """Measure and print."""
    chosen = _arguments()
    if not photos_found(chosen.photos, "mixed_packs"):
        return
    judges = [Judge.opened(name, chosen.keep, chosen.threads) for name in chosen.packs]
    rates: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    # The matrices of one photo are small: with two threads, the threads wait for each other.
    with threadpool_limits(1, "blas"):
        for name in chosen.sets:
            portraits = [judge.portraits(chosen.photos / name) for judge in judges]
            if not np.array_equal(portraits[0].path, portraits[1].path):
                raise SystemExit("The packs found different faces: compare packs with the same detector.")
            for running, judge in enumerate(judges):
                faces, others = portraits[running], portraits[1 - running]
                if name == "lfw":
                    rates += _rates(judge, faces, others, chosen.seeds)
                decisions += _decisions(judge, name, faces, others, chosen)
    print(_rates_table(rates))
    print(_decisions_table(decisions))
    figures = {"rates": rates, "decisions": decisions}
    print(json.dumps({"benchmark": "mixed_packs", "packs": chosen.packs, "seeds": chosen.seeds, **figures}))


def registrations(faces: Portraits, others: Portraits) -> dict[str, Portraits]:
    """Return the same faces with embeddings of the other pack: all of them, and those of every second person."""
    _, people = np.unique(faces.person, return_inverse=True)
    half = np.where(people[:, None] % 2 == 0, faces.embeddings, others.embeddings)
    return {_OTHER: others, _HALF: replace(faces, embeddings=half)}


def _rates(judge: Judge, faces: Portraits, others: Portraits, seeds: int) -> Iterator[dict[str, Any]]:
    """Return rank-1 and DIR at FPIR 0.1, 1 and 10 % for each way to register, as means of the rounds."""
    for registered, portraits in {"the same": faces, **registrations(faces, others)}.items():
        rounds = []
        for seed in range(seeds):
            drawn = draw_round(faces.person, _REGISTERED, np.random.default_rng(seed))
            ids = [StudentId(f"s{column:03}") for column in range(len(drawn.templates))]
            gallery = gallery_of(portraits.embeddings[drawn.templates], ids, judge.how)
            searched = faces.embeddings[np.concatenate([drawn.probes, drawn.strangers])]
            rounds.append(identification(score(searched, gallery, same_photo=False).normalised, drawn.mates))
        means = np.mean(rounds, axis=0).round(4).tolist()
        yield {"running": judge.pack.manifest.name, "registered_with": registered, "rates": means}


def _decisions(
    judge: Judge, name: str, faces: Portraits, others: Portraits, chosen: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    sizes = (_CLASS, 100) if name == "lfw" else (_CLASS,)
    drawn = ClassPhotoSettings(sizes=sizes, photos=chosen.photos_per_seed)
    row = {"set": name, "running": judge.pack.manifest.name, "head": False}
    own = RollCalls(faces, judge.how, drawn, chosen.seeds)
    for registered, portraits in registrations(faces, others).items():
        mixed = RollCalls(faces, judge.how, drawn, chosen.seeds, registered=portraits)
        for size in sizes:
            yield {**row, "registered_with": registered, "size": size, **_compared(own, mixed, size).document()}
    if chosen.heads and name == "lfw":
        train = head_training(judge.pack.id, judge.how.population, HeadUse.ALWAYS)
        how = replace(judge.how, train=train)
        own = RollCalls(faces, how, drawn, chosen.heads)
        mixed = RollCalls(faces, how, drawn, chosen.heads, registered=others)
        found = _compared(own, mixed, _CLASS).document()
        yield {**row, "head": True, "registered_with": _OTHER, "size": _CLASS, **found}


def _compared(own: RollCalls, mixed: RollCalls, size: int) -> Compared:
    compared = Compared()
    for kind in PhotoKind:
        for seed in range(own.seeds):
            heads = own.head(seed), mixed.head(seed)
            for photo in own.photos(seed, size, kind):
                compared.add(photo, own.decide(photo, head=heads[0]), mixed.decide(photo, head=heads[1]))
    return compared


def _rates_table(rows: list[dict[str, Any]]) -> str:
    head = ["faces", "templates", "rank-1", "DIR at FPIR 0.1 %", "1 %", "10 %"]
    return markdown_table(
        head, [[row["running"], row["registered_with"], *(f"{rate:.4f}" for rate in row["rates"])] for row in rows]
    )


def _decisions_table(rows: list[dict[str, Any]]) -> str:
    head = ["people", "class", "faces embedded with", "templates", "head", "faces", "same decision"]
    head += ["marked rightly with own templates alone", "with the other's alone", "p", "wrong marks, each"]
    return markdown_table(
        head,
        [
            [
                row["set"],
                str(row["size"]),
                row["running"],
                row["registered_with"],
                "of the templates" if row["head"] else "",
                *compared_columns(row),
            ]
            for row in rows
        ],
    )


def _arguments() -> argparse.Namespace:
    parser = comparison_parser(__doc__)
    parser.add_argument("--heads", type=int, default=0, help="rounds that are repeated with heads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
