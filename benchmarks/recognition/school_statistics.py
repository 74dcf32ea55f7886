"""Effect of statistics that are measured on a school's own students, against neutral and shipped ones.

    python -m benchmarks school_statistics [--photos ../shared/photos] [--embeddings FILE] [--development]

Schools are drawn from people of LFW who contributed to nothing that ships. Statistics come from one registration photo
of each student. Classes of 30 students of the school are photographed, with everybody else as strangers. The pack is
`embedded-facenet`, which has one network, like `cloud`. With --development, the schools are drawn from the people
that the weight of the prior was chosen on. Prints a table and one line of JSON.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import gives_statistics
from benchmarks.recognition.class_parts.faces import Portraits, read_portraits
from benchmarks.recognition.class_parts.rolls import RollCalls
from muster.composition.settings import LocalSettings
from muster.composition.training import population_of
from muster.composition.vision import open_models
from muster.evaluation.class_draws import ClassPhotoSettings
from muster.evaluation.rounds import Recognition
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
from muster.packs.manifest import NeutralStatistics, shipped_spec
from muster.packs.statistics import neutral_statistics
from muster.recognition.policy import HeadUse, Policy
from muster.recognition.school_statistics import estimate_school
from muster.recognition.scoring import Population

_SCHOOLS = (50, 100, 200)
_ROUNDS = 8
_DRAWN = ClassPhotoSettings(sizes=(30,), photos=10)


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    parser.add_argument("--development", action="store_true", help="draw schools from the development people")
    chosen = parser.parse_args()
    if not photos_found(chosen.photos, "school_statistics"):
        return
    pack = build_embedded(LocalSettings().home, name="embedded-facenet")
    portraits = read_portraits(open_models(pack, 2), chosen.photos / "lfw", chosen.embeddings, lambda words: None)
    development = np.array([gives_statistics(person) for person in portraits.person])
    people = portraits.of((development == chosen.development) & (portraits.width == 0))
    rows = [row for size in _SCHOOLS for row in _measured(people, size, pack)]
    print("students  statistics  refused   marked    asked   wrong marks, of faces: usual, half-empty, wrong class")
    for row in rows:
        wrong = ", ".join(f"{count} of {faces}" for count, faces in row["wrong"].values())
        print(
            f"{row['students']:8}  {row['statistics']:10}  {row['refused']:7}"
            f"   {row['marked']:.3f}   {row['asked']:.3f}   {wrong}"
        )
    print(json.dumps({"benchmark": "school_statistics", "pack": pack.id, "rows": rows}))


def _measured(people: Portraits, size: int, pack: ModelPack) -> list[dict[str, Any]]:
    calls: dict[str, list[RollCalls]] = {}
    refused = 0
    for seed in range(_ROUNDS):
        school = _school(people, size, seed)
        crowd = RollCalls(school, _recognition(pack, None), _DRAWN, 1)._crowd(0)
        own = estimate_school(school.embeddings[crowd.registering[crowd.students()]], pack.manifest.sizes)
        refused += not own.safe
        populations = {"neutral": _neutral(pack), "school": own.population, "shipped": population_of(pack.statistics)}
        for name, population in populations.items():
            calls.setdefault(name, []).append(RollCalls(school, _recognition(pack, population), _DRAWN, 1))
    return [
        {"students": size, "statistics": name, "refused": refused if name == "school" else 0, **_figures(parts)}
        for name, parts in calls.items()
    ]


def _school(people: Portraits, size: int, seed: int) -> Portraits:
    """Keep all pictures of `size` people with several, and one picture of everybody else, who are strangers."""
    random = np.random.default_rng([seed, size])
    names, counts = np.unique(people.person, return_counts=True)
    students = set(random.permutation(names[counts > 1])[:size])
    kept = np.isin(people.person, list(students))
    for name in names:
        if name not in students:
            kept[random.choice(np.flatnonzero(people.person == name))] = True
    return people.of(kept)


def _recognition(pack: ModelPack, population: Population | None) -> Recognition:
    return Recognition(pack.id, population or _neutral(pack), Policy(head=HeadUse.NEVER), None)


def _neutral(pack: ModelPack) -> Population:
    neutral = shipped_spec("cloud").statistics
    if not isinstance(neutral, NeutralStatistics):
        raise SystemExit("The cloud pack has statistics of its own.")
    return population_of(neutral_statistics(neutral.deviation, pack.manifest.sizes))


def _figures(parts: list[RollCalls]) -> dict[str, Any]:
    (found,) = RollCalls.joined(parts)
    wrong = {
        kind: (found[kind]["wrong_count"] + found[kind]["strangers_marked_count"], found[kind]["faces"])
        for kind in ("usual", "half_empty", "wrong_class")
    }
    return {"marked": round(found["usual"]["marked"], 4), "asked": round(found["usual"]["asked"], 4), "wrong": wrong}


if __name__ == "__main__":
    main()
