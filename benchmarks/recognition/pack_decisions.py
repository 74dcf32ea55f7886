"""Decisions about the same faces of the same class photos with two packs, face by face.

    python -m benchmarks pack_decisions [--packs embedded embedded-int8] [--photos ../shared/photos] [--keep FOLDER]
        [--seeds N]

Classes are drawn as in `class_photos`, from people of LFW who served for no setting and no statistic, and from ORL.
Both packs must have the same detector, so that they find the same faces. Some usual photos of 30 students are
repeated with every face shrunk. Prints the faces that are decided differently by what changed, the wrong marks of each
pack, and a sign test of the right marks that only one of them makes. The last line is JSON.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from benchmarks.lib.markdown import markdown_table
from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import gives_statistics
from benchmarks.recognition.class_parts.faces import Portraits, read_portraits, read_shrunk
from benchmarks.recognition.class_parts.rolls import RollCalls
from benchmarks.recognition.class_photos import say
from muster.arrays import FloatArray
from muster.composition.evaluation import shipped_recognition
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.evaluation.class_draws import ClassPhoto, ClassPhotoSettings, PhotoKind
from muster.evaluation.class_figures import UNNAMED, PhotoDecisions
from muster.evaluation.metrics import STRANGER
from muster.evaluation.rounds import Recognition
from muster.packs.load import ModelPack, load_pack
from muster.vision.pipeline import VisionPipeline

_WIDTHS = (20, 30)
_CLASS = 30


@dataclass(frozen=True, eq=False, slots=True)
class Judge:
    """One of the two packs."""

    pack: ModelPack
    vision: VisionPipeline
    how: Recognition
    kept: Path | None

    @classmethod
    def opened(cls, name: str, kept: Path | None, threads: int) -> "Judge":
        """Open a built pack with the statistics that ship for it, and without a head."""
        settings = LocalSettings(threads=threads)
        pack = load_pack(name, settings.home)
        how = replace(shipped_recognition(pack, settings), train=None)
        return cls(pack, open_models(pack, threads), how, kept)

    def file(self, name: str) -> Path | None:
        """Return the file that keeps what was embedded, as `class_photos` names it."""
        return None if self.kept is None else self.kept / f"{self.pack.id}-{name}.npz"

    def portraits(self, folder: Path) -> Portraits:
        """Return the faces of a set; of LFW, those of the reported people."""
        found = read_portraits(self.vision, folder, self.file(folder.name), say)
        if folder.name != "lfw":
            return found
        reported = np.array([not gives_statistics(person) for person in found.person])
        return found.of(reported & (found.width == 0))

    def shrunk(self, folder: Path, pictures: set[str], width: int) -> dict[str, FloatArray]:
        """Return embeddings of faces that are shrunk to a width in pixels."""
        return read_shrunk(self.vision, folder, pictures, width, self.file(f"{folder.name}-{width}"), say)


@dataclass(slots=True)
class Compared:
    """Counts over faces that two packs decided.

    Attributes:
        changes: faces by outcome with the first and with the second pack, such as `marked rightly`, `asked`; other
            names count as a change even if the outcome is the same.
        wrong: wrong marks of each pack.
    """

    faces: int = 0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, photo: ClassPhoto, first: PhotoDecisions, second: PhotoDecisions) -> None:
        """Count the faces of a photo."""
        self.faces += len(photo.faces)
        for face, mate in enumerate(photo.mates):
            outcomes = [outcome(int(mate), pack, face) for pack in (first, second)]
            self.wrong = [
                count + (found == "marked wrongly") for count, found in zip(self.wrong, outcomes, strict=True)
            ]
            if outcomes[0] != outcomes[1]:
                self.changes[outcomes[0], outcomes[1]] += 1
            elif first.named[face] != second.named[face]:
                self.changes[outcomes[0], "another name"] += 1

    @property
    def same(self) -> int:
        """Faces with the same outcome and the same name."""
        return self.faces - self.changes.total()

    def only(self, outcome: str) -> tuple[int, int]:
        """Return the faces with an outcome with the first pack alone, and with the second alone."""
        first = sum(count for (before, _), count in self.changes.items() if before == outcome)
        second = sum(count for (_, after), count in self.changes.items() if after == outcome)
        return first, second

    def document(self) -> dict[str, Any]:
        """Return the counts and the sign test, as JSON."""
        lost, gained = self.only("marked rightly")
        return {
            "faces": self.faces,
            "same": self.same,
            "changes": {f"{before} > {after}": count for (before, after), count in sorted(self.changes.items())},
            "marked_by_one_alone": [lost, gained],
            "p_of_equal_marks": round(float(binomtest(lost, lost + gained).pvalue), 3) if lost + gained else 1.0,
            "wrong_marks": self.wrong,
        }


def outcome(mate: int, decided: PhotoDecisions, face: int) -> str:
    """Return in words what happened to a face.

    Args:
        mate: column of the face's person, or `STRANGER`.
    """
    named = int(decided.named[face])
    if named == UNNAMED:
        return "not named"
    if not decided.present[face]:
        return "asked" if mate == named else "asked about another"
    return "marked rightly" if mate == named and mate != STRANGER else "marked wrongly"


def main() -> None:
    """Measure and print."""
    chosen = comparison_parser(__doc__).parse_args()
    if not photos_found(chosen.photos, "pack_decisions"):
        return
    judges = [Judge.opened(name, chosen.keep, chosen.threads) for name in chosen.packs]
    # The matrices of one photo are small: with two threads, the threads wait for each other.
    with threadpool_limits(1, "blas"):
        rows = [{"set": name, **compared.document()} for name, compared in _compared(judges, chosen)]
    print(_table(rows))
    for row in rows:
        for change, count in row["changes"].items():
            print(f"{row['set']}: {change}: {count}")
    print(json.dumps({"benchmark": "pack_decisions", "packs": chosen.packs, "seeds": chosen.seeds, "rows": rows}))


def _compared(judges: list[Judge], chosen: argparse.Namespace) -> Iterator[tuple[str, Compared]]:
    for name in chosen.sets:
        folder = chosen.photos / name
        portraits = [judge.portraits(folder) for judge in judges]
        if not np.array_equal(portraits[0].path, portraits[1].path):
            raise SystemExit("The packs found different faces: compare packs with the same detector.")
        sizes = (_CLASS, 100) if name == "lfw" else (_CLASS,)
        drawn = ClassPhotoSettings(sizes=sizes, photos=chosen.photos_per_seed)
        rolls = [
            RollCalls(faces, judge.how, drawn, chosen.seeds) for faces, judge in zip(portraits, judges, strict=True)
        ]
        for size in sizes:
            for kind in PhotoKind:
                yield f"{name}, {size}, {kind.value}", _decided(rolls, _photos(rolls[0], size, kind))
        if name == "lfw":
            photos = list(_photos(rolls[0], _CLASS, PhotoKind.USUAL))[:: max(1, chosen.seeds)]
            used = {str(portraits[0].path[face]) for photo in photos for face in photo.faces}
            for width in _WIDTHS:
                small = [judge.shrunk(folder, used, width) for judge in judges]
                yield f"{name}, {_CLASS}, faces of {width} pixels", _decided(rolls, photos, small)


def _photos(roll: RollCalls, size: int, kind: PhotoKind) -> Iterator[ClassPhoto]:
    for seed in range(roll.seeds):
        yield from roll.photos(seed, size, kind)


def _decided(
    rolls: list[RollCalls], photos: Iterable[ClassPhoto], small: list[dict[str, FloatArray]] | None = None
) -> Compared:
    compared = Compared()
    for photo in photos:
        first, second = (
            roll.decide(photo, None if small is None else small[number]) for number, roll in enumerate(rolls)
        )
        compared.add(photo, first, second)
    return compared


def _table(rows: list[dict[str, Any]]) -> str:
    head = ["photos", "faces", "same decision", "marked rightly by the first alone", "by the second alone", "p"]
    head += ["wrong marks, each"]
    return markdown_table(
        head,
        [
            [
                row["set"],
                *compared_columns(row),
            ]
            for row in rows
        ],
    )


def compared_columns(row: dict[str, Any]) -> list[str]:
    """Return the columns of a table that say how two ways of deciding the same faces differ."""
    return [
        f"{row['faces']:,}",
        f"{row['same'] / row['faces']:.2%}",
        *map(str, row["marked_by_one_alone"]),
        str(row["p_of_equal_marks"]),
        " and ".join(map(str, row["wrong_marks"])),
    ]


def comparison_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the options of benchmarks that compare decisions face by face."""
    parser = photo_parser(description)
    parser.add_argument("--packs", nargs=2, default=["embedded", "embedded-int8"])
    parser.add_argument("--sets", nargs="+", choices=("lfw", "orl"), default=("lfw", "orl"))
    parser.add_argument("--seeds", type=int, default=10, help="rounds, each with other registration photos")
    parser.add_argument("--photos-per-seed", type=int, default=20, help="of each kind, for each size of class")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder that keeps embeddings, as `class_photos` does")
    return parser


if __name__ == "__main__":
    main()
