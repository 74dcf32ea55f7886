"""Thresholds of the decision on drawn class photos: wrong marks, questions and misses by posterior log-odds.

    python -m benchmarks decision [--photos ../shared/photos] [--embeddings FILE] [--seeds N]

Development people, split as in `benchmarks.recognition.gate`: statistics come from one part, classes from the other,
one photo per student. A drawn photo holds one picture per face. Three kinds: usual (85 to 95 % of the class, 0 to 3
strangers), half (half of the class, 10 strangers) and wrong class (30 strangers). Prints tables and, last, one line of
JSON.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.photos import photo_options
from benchmarks.lib.pictures import read_pictures
from benchmarks.lib.stages import PACK, Stage, stages
from muster.arrays import FloatArray
from muster.recognition.calibration import saturate
from muster.recognition.gallery import Gallery
from muster.recognition.odds import log_odds
from muster.recognition.posterior import estimate_roll
from muster.recognition.scoring import PreparedGallery, prepare, score

_SIZES = (30, 100)
_SEEDS = 10
_PHOTOS = 10
_BARS = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
_REVIEW = (-4.0, -3.0, -2.0, -1.0, 0.0)
_KINDS = ("usual", "half", "wrong class")
_NOBODY = -1


@dataclass(frozen=True, eq=False, slots=True)
class Decided:
    """The likeliest student of every face of some photos.

    Attributes:
        truth: intp (N,), the student of each face, -1 for strangers.
        best: intp (N,), the likeliest student.
        odds: float64 (N,), posterior log-odds that it is that student.
        photos: how many there were.
    """

    truth: NDArray[np.intp]
    best: NDArray[np.intp]
    odds: NDArray[np.float64]
    photos: int


def main() -> None:
    """Draw, decide and print."""
    arguments = photo_options("decision", __doc__, _SEEDS)
    if arguments is None:
        return
    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    rows = []
    for size in _SIZES:
        drawn = list(stages(pictures, arguments.seeds, size))
        for kind in _KINDS:
            decided = _joined([_decided(faces, truth, gallery) for faces, truth, gallery in _photos(drawn, kind)])
            rows.append({"students": size, "kind": kind, **_figures(decided)})
            _show(rows[-1])
    print(json.dumps({"benchmark": "decision", "rounds": 2 * arguments.seeds, "rows": rows}))


def _photos(drawn: list[Stage], kind: str) -> Iterator[tuple[FloatArray, NDArray[np.intp], PreparedGallery]]:
    for seed, stage in enumerate(drawn):
        gallery = prepare(Gallery.from_templates(stage.templates, PACK), stage.population)
        random = np.random.default_rng([seed, _KINDS.index(kind)])
        for _ in range(_PHOTOS):
            yield *draw_photo(stage, kind, random), gallery


def draw_photo(stage: Stage, kind: str, random: np.random.Generator) -> tuple[FloatArray, NDArray[np.intp]]:
    """Draw the faces of a photo, float32 (N, D), and the student of each, intp (N,), -1 for strangers."""
    students = len(stage.templates)
    present, strangers = {
        "usual": (round(students * random.uniform(0.85, 0.95)), int(random.integers(0, 4))),
        "half": (students // 2, 10),
        "wrong class": (0, 30),
    }[kind]
    shown = random.permutation(students)[:present]
    rows = [int(random.choice(np.flatnonzero(stage.owners == student))) for student in shown]
    others = random.choice(len(stage.strangers), strangers, replace=False)
    faces = np.concatenate([stage.probes[rows], stage.strangers[others]])
    return faces, np.concatenate([shown, np.full(strangers, _NOBODY)])


def _decided(faces: FloatArray, truth: NDArray[np.intp], gallery: PreparedGallery) -> Decided:
    ratios = saturate(score(faces, gallery).ratios).astype(np.float64)
    pairs = estimate_roll([ratios]).pairs[0]
    return Decided(truth, pairs.argmax(axis=1), log_odds(pairs.max(axis=1)), 1)


def _joined(parts: list[Decided]) -> Decided:
    return Decided(
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.best for part in parts]),
        np.concatenate([part.odds for part in parts]),
        sum(part.photos for part in parts),
    )


def _figures(decided: Decided) -> dict[str, Any]:
    known, right = decided.truth != _NOBODY, decided.best == decided.truth
    students = max(int(known.sum()), 1)

    def share(chosen: NDArray[np.bool_], of: int) -> float:
        return round(float(chosen.sum() / of), 5)

    bars = []
    for bar in _BARS:
        marked = decided.odds >= bar
        bars.append(
            {
                "bar": bar,
                "marked": share(marked & known & right, students),
                "wrong": int((marked & known & ~right).sum()),
                "strangers": int((marked & ~known).sum()),
                "asked": [share((decided.odds >= low) & ~marked, decided.photos) for low in _REVIEW],
            }
        )
    missed = [share(known & (decided.odds < low), students) for low in _REVIEW]
    return {"faces": len(decided.truth), "photos": decided.photos, "bars": bars, "missed": missed}


def _show(row: dict[str, Any]) -> None:
    print(f"{row['students']} students, {row['kind']}: {row['photos']} photos, {row['faces']} faces")
    print(f"   missed below {_REVIEW}: {row['missed']}")
    for bar in row["bars"]:
        print(
            f"   bar {bar['bar']:3.0f}: marked {bar['marked']:6.1%}, wrong {bar['wrong']:3}, strangers marked "
            f"{bar['strangers']:3}, questions per photo {bar['asked']}"
        )


if __name__ == "__main__":
    main()
