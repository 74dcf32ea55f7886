"""Marks, questions and mistakes in class photos, with every pack that is built.

    python -m benchmarks class_photos [--photos ../shared/photos] [--keep FOLDER] [--seeds N] [--write docs/accuracy.md]

One photo registers each student. Classes of 30 and of 100 are drawn from
- `development`: people who served to choose settings, cross-fitted: statistics come from one part of them, classes
  from the other (as in `benchmarks.recognition.scores`);
- `reported`: people of LFW who served for no setting and no statistic, with the statistics that ship;
- `orl`: 40 people who are not famous, in another set. LFW holds celebrities, and a network may have been trained on
  them.
Faces of the reported people are also shrunk. Labelled photos of groups are decided photo by photo.
Prints tables, what had to be shown, and, last, one line of JSON.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.lib.lfw import Protocol, lfw_subset
from benchmarks.lib.markdown import write_section
from benchmarks.lib.photos import photo_parser, photos_found
from benchmarks.lib.pictures import Pictures, gives_statistics
from benchmarks.lib.statistics import measured as measure_population
from benchmarks.recognition.class_parts.faces import Portraits, read_portraits, read_shrunk
from benchmarks.recognition.class_parts.rolls import RollCalls, identification_rates
from benchmarks.recognition.class_parts.tables import aims, page, tables
from muster.composition.evaluation import head_training, shipped_recognition
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.domain.errors import PackMissing
from muster.evaluation.class_draws import ClassPhotoSettings
from muster.evaluation.datasets import read_dataset
from muster.evaluation.embed import Pictures as GroupPictures
from muster.evaluation.rounds import Recognition
from muster.evaluation.run import EvaluationSettings, evaluate_dataset
from muster.packs.load import ModelPack, load_pack
from muster.recognition.policy import HeadUse
from muster.vision.decode import decode
from muster.vision.pipeline import VisionPipeline

_PACKS = ("embedded", "embedded-int8", "embedded-facenet")
_TIMED_RUNS = 5
_ORL_SIZES = (30,)
"""Of the 40 people ten are left to be strangers."""


@dataclass(frozen=True, eq=False, slots=True)
class Bench:
    """One pack, and how it is measured."""

    pack: ModelPack
    vision: VisionPipeline
    how: Recognition
    drawn: ClassPhotoSettings
    chosen: argparse.Namespace

    def kept(self, name: str) -> Path | None:
        """Return the file that keeps what was embedded, or None."""
        return None if self.chosen.keep is None else self.chosen.keep / f"{self.pack.id}-{name}.npz"

    def portraits(self, name: str) -> Portraits:
        """Return the faces of a set of identity folders."""
        return read_portraits(self.vision, self.chosen.photos / name, self.kept(name), say)


def main() -> None:
    """Measure and print."""
    chosen = _arguments()
    if not photos_found(chosen.photos, "class_photos"):
        return
    started = time.perf_counter()
    measured: dict[str, Any] = {"benchmark": "class_photos", "packs": {}}
    for name in chosen.packs:
        bench = _open(name, chosen)
        if bench is not None:
            # The matrices of one photo are small: with two threads, the threads wait for each other.
            with threadpool_limits(1, "blas"):
                measured["packs"][name] = _measure(bench)
    measured["seconds"] = round(time.perf_counter() - started)
    print(tables(measured["packs"]))
    print(aims(measured["packs"]))
    if chosen.write is not None:
        write_section(chosen.write, page(measured["packs"]))
    print(json.dumps(measured))


def say(words: str) -> None:
    """Say on stderr how far it got."""
    print(f"  {words}", file=sys.stderr, flush=True)


def _open(name: str, chosen: argparse.Namespace) -> Bench | None:
    settings = LocalSettings(threads=chosen.threads)
    try:
        pack = load_pack(name, settings.home)
    except PackMissing as error:
        say(f"{name} is left out: {error}")
        return None
    say(f"pack {name}")
    drawn = ClassPhotoSettings(photos=chosen.photos_per_seed)
    how = replace(shipped_recognition(pack, settings), train=None)
    return Bench(pack, open_models(pack, settings.threads), how, drawn, chosen)


def _measure(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = {"id": bench.pack.id}
    if "lfw" in bench.chosen.sets:
        lfw = bench.portraits("lfw")
        development = np.array([gives_statistics(person) for person in lfw.person])
        whole = lfw.width == 0
        say("development people")
        found["development"] = _cross_fitted(bench, lfw.of(development))
        say("reported people")
        people = lfw.of(~development & whole)
        reported = RollCalls(people, bench.how, bench.drawn, bench.chosen.seeds)
        found["reported"] = reported.classes()
        if bench.chosen.heads:
            say("reported people, every head used")
            trained = RollCalls(people, _every_head(bench), bench.drawn, bench.chosen.seeds)
            found["every_head"] = trained.classes()
        found["small"] = _small(bench, reported)
        found["identification"] = _identification(bench, people)
    if "orl" in bench.chosen.sets:
        say("ORL")
        drawn = replace(bench.drawn, sizes=_ORL_SIZES)
        orl = RollCalls(bench.portraits("orl"), bench.how, drawn, bench.chosen.seeds)
        found["orl"] = orl.classes()
    if "groups" in bench.chosen.sets:
        found["groups"] = {str(folder): _groups(bench, folder) for folder in _group_folders(bench.chosen)}
        found["milliseconds_per_face"] = _time_of_a_face(bench)
    return found


def _every_head(bench: Bench) -> Recognition:
    """Return recognition under `MUSTER_HEAD=always`."""
    train = head_training(bench.how.pack, bench.how.population, HeadUse.ALWAYS)
    return replace(bench.how, policy=replace(bench.how.policy, head=HeadUse.ALWAYS), train=train)


def _identification(bench: Bench, people: Portraits) -> dict[str, float]:
    """Search for every face by itself, with 100 of 250 people registered."""
    protocol = Protocol(people=250, registered=100, strangers=600, pictures_each=3, seeds=bench.chosen.seeds)
    folder = bench.chosen.photos / "lfw"
    left_out = 1 - protocol.registered / protocol.people
    return identification_rates(people, folder, lfw_subset(folder, protocol), bench.how, left_out, protocol.seeds)


def _cross_fitted(bench: Bench, people: Portraits) -> list[dict[str, Any]]:
    """Draw classes from each part of the development people, with statistics of the other part."""
    parts = []
    for statistics, classes in _parts(people):
        sizes = bench.vision.sizes
        known = Pictures(statistics.embeddings, statistics.person, sizes, statistics.width)
        how = replace(bench.how, population=measure_population(known)[0])
        parts.append(RollCalls(classes.of(classes.width == 0), how, bench.drawn, max(1, bench.chosen.seeds // 2)))
    return RollCalls.joined(parts)


def _parts(people: Portraits) -> Iterator[tuple[Portraits, Portraits]]:
    # Not the byte of `half_of`, by which the calibration splits each part once more.
    part: NDArray[np.bool_] = np.array([hashlib.sha256(name.encode()).digest()[2] % 2 == 0 for name in people.person])
    yield people.of(part), people.of(~part)
    yield people.of(~part), people.of(part)


def _small(bench: Bench, reported: RollCalls) -> list[dict[str, Any]]:
    def shrunk(width: int, pictures: set[str]) -> dict[str, NDArray[np.float32]]:
        kept = bench.kept(f"lfw-{width}")
        return read_shrunk(bench.vision, bench.chosen.photos / "lfw", pictures, width, kept, say)

    return reported.small_faces(shrunk)


def _group_folders(chosen: argparse.Namespace) -> list[Path]:
    folders = chosen.groups or [chosen.photos / "groups"]
    return [folder for folder in folders if folder.is_dir()]


def _groups(bench: Bench, folder: Path) -> dict[str, Any]:
    """Decide labelled photos of groups, each by itself."""
    asked = EvaluationSettings(bench.how)
    report = evaluate_dataset(
        folder, read_dataset(folder), asked, GroupPictures(bench.vision), lambda step, share: None
    )
    document = report.document()
    return {"faces": document["stage1"], "strangers": document["strangers"], **document["class_photos"]}


def _time_of_a_face(bench: Bench) -> float | None:
    """Return milliseconds per face for cropping and embedding on one thread: the median of several runs."""
    photo_file = bench.chosen.photos / "groups" / "photos" / "six_strangers.jpg"
    if not photo_file.is_file():
        return None
    vision = open_models(bench.pack, LocalSettings(threads=1).threads)
    photo = decode(photo_file.read_bytes())
    faces = vision.detector.detect(photo.pixels)
    spent = []
    for _ in range(_TIMED_RUNS + 1):
        started = time.perf_counter()
        vision.embed_faces(photo, faces)
        spent.append(time.perf_counter() - started)
    return round(float(np.median(spent[1:])) * 1000 / len(faces), 1)


def _arguments() -> argparse.Namespace:
    parser = photo_parser(__doc__)
    parser.add_argument("--sets", nargs="+", choices=("lfw", "orl", "groups"), default=("lfw", "orl", "groups"))
    parser.add_argument("--groups", nargs="+", type=Path, help="labelled photos of groups; default: PHOTOS/groups")
    parser.add_argument("--packs", nargs="+", default=_PACKS)
    parser.add_argument("--seeds", type=int, default=20, help="rounds, each with other registration photos")
    parser.add_argument("--photos-per-seed", type=int, default=20, help="of each kind, for each size of class")
    parser.add_argument("--heads", action="store_true", help="measure MUSTER_HEAD=always too: trains a head per seed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--keep", type=Path, help="folder that keeps embeddings for the next run, such as build/classes"
    )
    parser.add_argument("--write", type=Path, help="document whose generated section is replaced, docs/accuracy.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
