"""Milliseconds per face of the embedding networks: batch sizes, and one run of several threads against several runs.

    python -m benchmarks embedding [--pack embedded-int8] [--threads 2] [--faces 30] [--turns 9]

First each network on one thread, in processor milliseconds per crop by batch size. Then all networks on a photo of so
many faces, with mirror images as the pack has them: as it ships, several runs of one thread each, side by side; and as
it used to be, one run after another of several threads each, in batches of 16. Faces come from the samples. The
configurations take turns; medians are shown, and the least. Prints tables and one line of JSON.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib.markdown import markdown_table
from benchmarks.lib.photos import SAMPLES
from muster.composition.settings import LocalSettings
from muster.composition.vision import open_models
from muster.packs.build import build_embedded
from muster.packs.load import ModelPack
from muster.vision.decode import decode
from muster.vision.inference import open_session
from muster.vision.pipeline import VisionPipeline

_BATCHES = (1, 2, 4, 8, 16)
_EARLIER_BATCH = 16
_CROPS = 16

Name = TypeVar("Name")

Crops = NDArray[np.float32]
"""float32 (N, 3, side, side), scaled as the networks are fed."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default="embedded-int8", help="a pack that is built from packages")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--faces", type=int, default=30)
    parser.add_argument("--turns", type=int, default=9)
    chosen = parser.parse_args()
    pack = build_embedded(LocalSettings().home, name=chosen.pack)
    vision = open_models(pack, chosen.threads)
    crops = sample_crops(vision, chosen.faces)
    batches = by_batch(pack, crops, chosen.turns)
    print(markdown_table(["network", "crops per run", "processor ms per crop, median", "least"], batches))
    photos = by_schedule(pack, vision, crops, chosen)
    head = ["a photo of all faces", "ms per face, median", "least", "processor ms per face, median", "least"]
    print(markdown_table(head, photos))
    print(json.dumps({"benchmark": "embedding", "pack": pack.id, "batches": batches, "photos": photos}))


def sample_crops(vision: VisionPipeline, count: int) -> list[NDArray[np.uint8]]:
    """Cut faces out of the samples for each network, repeated until there are enough."""
    found: list[list[NDArray[np.uint8]]] = [[] for _ in vision.embedders]
    for path in sorted(SAMPLES.glob("*/*.jpg")):
        pixels = decode(path.read_bytes()).pixels
        faces = vision.detector.detect(pixels)
        for crops, embedder in zip(found, vision.embedders, strict=True):
            crops.extend(embedder.crops(pixels, faces))
    return [np.stack([crops[number % len(crops)] for number in range(count)]) for crops in found]


def by_batch(pack: ModelPack, crops: list[NDArray[np.uint8]], turns: int) -> list[list[str]]:
    """Time each network on one thread."""
    work: dict[tuple[str, str], Callable[[], None]] = {}
    for model, seen in zip(pack.embedders, crops, strict=True):
        session, scaled = open_session(model, 1), _scaled(seen)[:_CROPS]
        for size in _BATCHES:
            work[model.stem, str(size)] = partial(_run, session, scaled, size)
    spent = _timed(work, turns)
    return [[*name, *_shown(processor, _CROPS)] for name, (_, processor) in spent.items()]


def by_schedule(
    pack: ModelPack, vision: VisionPipeline, crops: list[NDArray[np.uint8]], chosen: argparse.Namespace
) -> list[list[str]]:
    """Time a photo with all networks."""
    sessions = [open_session(model, chosen.threads) for model in pack.embedders]
    views = [
        _scaled(np.concatenate([seen, seen[:, :, ::-1]]) if embedder.mirrored else seen)
        for embedder, seen in zip(vision.embedders, crops, strict=True)
    ]

    def earlier() -> None:
        for session, scaled in zip(sessions, views, strict=True):
            _run(session, scaled, _EARLIER_BATCH)

    spent = _timed(
        {
            f"{chosen.threads} runs of one thread": lambda: vision.embed(crops),
            f"one run of {chosen.threads} threads, batches of {_EARLIER_BATCH}": earlier,
        },
        chosen.turns,
    )
    return [
        [name, *_shown(wall, chosen.faces), *_shown(processor, chosen.faces)]
        for name, (wall, processor) in spent.items()
    ]


def _scaled(crops: NDArray[np.uint8]) -> Crops:
    return np.ascontiguousarray((crops.transpose(0, 3, 1, 2).astype(np.float32) - 127.5) / 128)


def _run(session: Any, crops: Crops, size: int) -> None:
    for start in range(0, len(crops), size):
        session.run(None, {"face": crops[start : start + size]})


def _timed(work: dict[Name, Callable[[], Any]], turns: int) -> dict[Name, tuple[list[float], list[float]]]:
    """Return the seconds of each, by the clock and of the processor; one more turn warms up."""
    spent: dict[Name, tuple[list[float], list[float]]] = {name: ([], []) for name in work}
    for turn in range(turns + 1):
        for name, step in work.items():
            wall, processor = perf_counter(), process_time()
            step()
            if turn:
                spent[name][0].append(perf_counter() - wall)
                spent[name][1].append(process_time() - processor)
    return spent


def _shown(seconds: list[float], count: int) -> list[str]:
    return [f"{1000 * value / count:.1f}" for value in (median(seconds), min(seconds))]


if __name__ == "__main__":
    main()
