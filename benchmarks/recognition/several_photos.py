"""Gain from a second photo of a session, by the weight of its evidence.

    python -m benchmarks several_photos [--photos ../shared/photos] [--embeddings FILE] [--seeds N]

Development people with three pictures or more, split as in `benchmarks.recognition.gate`: one picture registers, the
two photos of a session show the next two. Three outsiders stand in both photos. Prints a table and, last, one line of
JSON.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import photo_options
from benchmarks.lib.pictures import Pictures, gives_statistics, read_pictures
from benchmarks.lib.stages import PACK
from benchmarks.lib.statistics import statistics_of
from muster.arrays import DoubleArray, unit_rows
from muster.domain.identifiers import StudentId
from muster.domain.student import Template
from muster.recognition import posterior
from muster.recognition.calibration import saturate
from muster.recognition.gallery import Gallery
from muster.recognition.posterior import estimate_roll
from muster.recognition.scoring import Population, prepare, score

_STUDENTS = 30
_SEEDS = 12
_SESSIONS = 6
_OUTSIDERS = 3
_BARS = (4.0, 5.0, 6.0)
_SHOWN = (0.55, 0.95)
_COUNTS = (0.0, 0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True, eq=False, slots=True)
class Session:
    """Two photos: saturated ratios of their faces, and the students in at least one of them."""

    photos: list[DoubleArray]
    shown: frozenset[int]


def main() -> None:
    """Draw, decide and print."""
    arguments = photo_options("several_photos", __doc__, _SEEDS)
    if arguments is None:
        return
    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    pictures = pictures.of(np.array([gives_statistics(person) for person in pictures.person]))
    rows = []
    for shown in _SHOWN:
        sessions = list(_sessions(pictures, arguments.seeds, shown))
        for count in (None, *_COUNTS):
            for bar in _BARS:
                rows.append(
                    {"each_photo_shows": shown, "second_counts": count, "bar": bar, **_judged(sessions, count, bar)}
                )
                row = rows[-1]
                way = "each by itself" if count is None else f"second counts {count:.1f}"
                print(
                    f"{shown:4.0%} of those present in each photo, {way:18}, bar {bar:.0f}: "
                    f"marked {row['marked']:6.1%}, wrong {row['wrong']:2} in {len(sessions)} sessions"
                )
    print(json.dumps({"benchmark": "several_photos", "rows": rows}))


def _sessions(pictures: Pictures, seeds: int, shown: float) -> Iterator[Session]:
    part = np.array([hashlib.sha256(person.encode()).digest()[1] % 2 for person in pictures.person])
    for number in (0, 1):
        population, here = statistics_of(pictures.of(part == number)), pictures.of(part != number)
        for seed in range(seeds):
            yield from _drawn(here, population, shown, np.random.default_rng(seed))


def _drawn(here: Pictures, population: Population, shown: float, random: np.random.Generator) -> Iterator[Session]:
    rows = {name: random.permutation(np.flatnonzero(here.person == name)) for name in np.unique(here.person)}
    often = Counter({name: len(found) for name, found in rows.items()})
    students = random.permutation([name for name in rows if often[name] > 2])[:_STUDENTS]
    outsiders = [name for name in rows if often[name] > 1 and name not in set(students)]
    templates = [
        Template(StudentId(f"s{number:04d}"), PACK, unit_rows(here.embeddings[rows[name][:1]]), "0" * 64)
        for number, name in enumerate(students)
    ]
    gallery = prepare(Gallery.from_templates(templates, PACK), population)
    for _ in range(_SESSIONS):
        present = random.permutation(len(students))[: round(len(students) * random.uniform(0.85, 0.95))]
        others = random.choice(outsiders, _OUTSIDERS, replace=False)
        photos, seen = [], set()
        for photo in (0, 1):
            visible = present[random.random(len(present)) < shown]
            seen |= {int(student) for student in visible}
            pictured = [rows[students[student]][1 + photo] for student in visible]
            faces = here.embeddings[[*pictured, *(rows[name][photo] for name in others)]]
            photos.append(saturate(score(faces, gallery).ratios).astype(np.float64))
        yield Session(photos, frozenset(seen))


def _judged(sessions: list[Session], count: float | None, bar: float) -> dict[str, float]:
    right = wrong = shown = 0
    for session in sessions:
        marked = _marked(session, count, bar)
        right += len(marked & session.shown)
        wrong += len(marked - session.shown)
        shown += len(session.shown)
    return {"marked": round(right / shown, 4), "wrong": wrong}


def _marked(session: Session, count: float | None, bar: float) -> set[int]:
    if count is None:
        return {student for photo in session.photos for student in _above(estimate_roll([photo]).present, bar)}
    with patch.object(posterior, "REPEATED_EVIDENCE", count):
        return _above(estimate_roll(session.photos).present, bar)


def _above(odds: NDArray[np.float64], bar: float) -> set[int]:
    return {int(student) for student in np.flatnonzero(odds >= bar)}


if __name__ == "__main__":
    main()
