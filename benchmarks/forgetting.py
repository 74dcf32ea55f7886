"""Whether students are recognised as well after fifty more were registered one by one as before.

    python -m benchmarks.forgetting [--photos ../shared/photos] [--embeddings FILE]

Real people of whom nothing was learnt: the first are trained on, then the others are added one by one; the other photos
of the first are searched for among all of them, with the head before and after. Prints, last, one line of JSON.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.population_statistics import draw_round, gives_statistics, read_pictures, unit_rows
from muster.composition.settings import LocalSettings
from muster.domain.identifiers import PackId, StudentId
from muster.domain.student import Template
from muster.packs.load import load_statistics
from muster.packs.manifest import shipped_spec
from muster.recognition.gallery import Gallery
from muster.recognition.head import Head
from muster.recognition.scoring import Population, prepare, score
from muster.training.retrain import retrain

_FIRST, _ADDED = 60, 50


def main() -> None:
    """Train, add, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("../shared/photos"))
    parser.add_argument("--embeddings", type=Path, help="npz where the pictures' embeddings are kept between runs")
    arguments = parser.parse_args()
    if not arguments.photos.is_dir():
        print(f"There is no folder {arguments.photos}: give the photo sets with --photos.")
        print(json.dumps({"benchmark": "forgetting", "skipped": "no photos"}))
        return
    spec = shipped_spec("embedded")
    statistics = load_statistics(spec, LocalSettings().home)
    population = Population(statistics.mean, statistics.factor)
    pictures = read_pictures(arguments.photos / "lfw", arguments.embeddings)
    pictures = pictures.of(np.array([not gives_statistics(person) for person in pictures.person]))
    drawn = draw_round(pictures.person, _FIRST + _ADDED, np.random.default_rng(0))
    templates = [
        Template(StudentId(f"s{i:04d}"), spec.id, unit_rows(pictures.embeddings[row : row + 1]), f"{i:064x}")
        for i, row in enumerate(drawn.templates)
    ]
    of_first = drawn.mates < _FIRST
    probes, mates = pictures.embeddings[drawn.probes[of_first]], drawn.mates[of_first]
    gallery = Gallery.from_templates(templates, spec.id)
    normalised = score(probes, prepare(gallery, population)).normalised

    def right(head: bytes) -> dict[str, int]:
        loaded = Head.load(head, PackId(spec.id))
        alone = loaded.similarity(probes, gallery)
        fused = loaded.fuse(normalised, alone)
        return {
            "head_alone": int((alone.argmax(axis=1) == mates).sum()),
            "two_stage": int((fused.argmax(axis=1) == mates).sum()),
        }

    head = _trained(templates[:_FIRST], None, spec.id, population)
    before = right(head)
    for count in range(_FIRST + 1, len(templates) + 1):
        head = _trained(templates[:count], head, spec.id, population)
    after = right(head)
    print(f"{len(mates)} photos of {_FIRST} students, searched for among {len(templates)}; named rightly")
    print(f"with the head trained on {_FIRST}:                    {before}")
    print(f"after {_ADDED} registrations, each with its update:   {after}")
    document = {"benchmark": "forgetting", "probes": len(mates), "before": before, "after": after}
    print(json.dumps(document))


def _trained(templates: list[Template], current: bytes | None, pack: PackId, population: Population) -> bytes:
    outcome = retrain(templates, current, pack, population)
    if outcome.head is None:
        raise SystemExit(f"No head was trained: {outcome.report['reason']}")
    return outcome.head


if __name__ == "__main__":
    main()
