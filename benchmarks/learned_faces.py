"""How faces that a teacher confirmed are best counted beside the registration photo.

    python -m benchmarks.learned_faces [--photos ../shared/photos] [--embeddings FILE]

On the people who give the pack's statistics, split once more so that nobody is measured with statistics that have seen
them. Prints a table of rank-1 and DIR and, last, one line of JSON.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures import Pictures, gives_statistics, identification, read_pictures, unit_rows
from benchmarks.population_statistics import statistics_of

FloatArray = NDArray[np.float32]


_REGISTERED = 60
_SEEDS = 12
_LEARNED = (1, 2, 3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("../shared/photos"))
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    arguments = parser.parse_args()
    if not arguments.photos.is_dir():
        print(f"There is no folder {arguments.photos}: give the photo sets with --photos.")
        print(json.dumps({"benchmark": "learned_faces", "skipped": "no photos"}))
        return
    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    pictures = pictures.of(np.array([gives_statistics(person) for person in pictures.person]))
    part = np.array([hashlib.sha256(person.encode()).digest()[1] % 2 for person in pictures.person])
    rows = {}
    print("faces learned  counted                          rank-1   0.1 %     1 %    10 %   (DIR at FPIR)")
    for learned in _LEARNED:
        found: dict[str, list[list[float]]] = {}
        for number in (0, 1):
            known, others = pictures.of(part == number), pictures.of(part != number)
            for seed in range(_SEEDS):
                for name, figures in _round(known, others, learned, np.random.default_rng(seed)).items():
                    found.setdefault(name, []).append(figures)
        rows[learned] = {name: np.mean(values, axis=0).round(4).tolist() for name, values in found.items()}
        for name, values in rows[learned].items():
            print(f"{learned:13}  {name:32} " + "  ".join(f"{value:.4f}" for value in values))
    print(json.dumps({"benchmark": "learned_faces", "figures": rows}))


def _round(known: Pictures, others: Pictures, learned: int, random: np.random.Generator) -> dict[str, list[float]]:
    order = random.permutation(len(others.person))
    pictures_of = {name: order[others.person[order] == name] for name in np.unique(others.person)}
    able = [name for name, own in pictures_of.items() if len(own) >= learned + 2]
    students = [str(name) for name in random.permutation(able)[:_REGISTERED]]
    photos = others.embeddings[[pictures_of[name][0] for name in students]]
    faces = others.embeddings[np.array([pictures_of[name][1 : learned + 1] for name in students])]
    probes = [(row, mate) for mate, name in enumerate(students) for row in pictures_of[name][learned + 1 :][:2]]
    strangers = [row for name, own in pictures_of.items() if name not in set(students) for row in own[:3]]
    searched = others.embeddings[[row for row, _ in probes] + strangers]
    population = statistics_of(known).adapted_to(photos)
    placed = population.placed(searched)

    def score(templates: FloatArray) -> FloatArray:
        return np.asarray(placed @ population.turned(population.placed(unit_rows(templates))).T, np.float32)

    each = [score(faces[:, number]) for number in range(learned)]
    ways = {
        "not at all": score(photos),
        "as one of the four views": score(4 * photos + faces.sum(axis=1)),
        "as half a photo": score(photos + faces.sum(axis=1) / 2),
        "as a photo (shipped)": score(photos + faces.sum(axis=1)),
        "as two photos": score(photos + 2 * faces.sum(axis=1)),
        "the best photo decides": np.max([score(photos), *each], axis=0),
    }
    mates = np.array([mate for _, mate in probes])
    return {name: identification(scores, mates) for name, scores in ways.items()}


if __name__ == "__main__":
    main()
