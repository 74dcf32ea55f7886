"""Learned faces: how to count them, what they gain, and how many belong to another person.

    python -m benchmarks learned_faces [--photos ../shared/photos] [--embeddings FILE]

On the people who give the pack's statistics, split once more so that nobody is measured with statistics that have seen
them. The first table has rank-1 and DIR with faces counted in several ways. The second simulates classes of 30 over
some roll calls, with five regular outsiders in every photo, and counts marks in a last photo of other pictures. Prints
the tables and, last, one line of JSON.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import Pictures, gives_statistics, identification, read_pictures
from benchmarks.lib.statistics import statistics_of
from benchmarks.recognition.learning_parts.roll_calls import Way, run_class
from muster.arrays import FloatArray, unit_rows

_REGISTERED = 60
_SEEDS = 12
_LEARNED = (1, 2, 3)
_COSINES = (0.8, 0.85, 0.9, 0.95)
_CLASS = 30
_CLASS_SEEDS = 40
_SESSIONS = (5, 1)
_WAYS = {
    "nothing": Way(None),
    "confirmed": Way(None, confirmed=True),
    "automatic from 3, unchecked": Way(3, checked=False),
    **{f"automatic from {bar}": Way(bar) for bar in (3, 5, 6, 7)},
    "automatic from 7, confirmed": Way(7, confirmed=True),
}


def main() -> None:
    """Measure and print."""
    parser = photo_parser(__doc__)
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    arguments = parser.parse_args()
    if not photos_found(arguments.photos, "learned_faces"):
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
    alike = _alike(pictures)
    print(f"pairs of pictures of one person, by cosine reached: {alike}")
    print(json.dumps({"benchmark": "learned_faces", "figures": rows, "alike": alike, "classes": _classes(pictures)}))


def _alike(pictures: Pictures) -> dict[float, float]:
    """Return the share of pairs of pictures of one person that reach some cosines."""
    people = [pictures.embeddings[pictures.person == name] for name in np.unique(pictures.person)]
    cosines = np.concatenate([(rows @ rows.T)[np.triu_indices(len(rows), 1)] for rows in people])
    return {bound: round(float((cosines >= bound).mean()), 4) for bound in _COSINES}


def _classes(pictures: Pictures) -> list[dict[str, Any]]:
    part = np.array([hashlib.sha256(person.encode()).digest()[1] % 2 for person in pictures.person])
    halves = [(pictures.of(part != number), statistics_of(pictures.of(part == number))) for number in (0, 1)]
    found = []
    print("roll calls  way                         learned  wrong  (outsiders shown)  marked    asked  wrong marks")
    for sessions in _SESSIONS:
        for name, way in _WAYS.items():
            totals = [
                asdict(run_class(others, population, _CLASS, sessions, way, seed))
                for others, population in halves
                for seed in range(_CLASS_SEEDS)
            ]
            total = {key: int(sum(counts[key] for counts in totals)) for key in totals[0]}
            found.append({"sessions": sessions, "way": name, **total})
            print(
                f"{sessions:10}  {name:26} {total['learned']:8} {total['wrong']:6}  {total['outsiders']:17}"
                f"  {total['marked'] / total['present']:6.2%} {total['asked'] / total['photos']:8.2f}"
                f" {total['mistaken']:12}",
                flush=True,
            )
    return found


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
    population = statistics_of(known).adapt_to_students(photos)
    projected = population.project(searched)

    def score(templates: FloatArray) -> FloatArray:
        return np.asarray(
            projected @ population.as_gallery_rows(population.project(unit_rows(templates))).T, np.float32
        )

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
